"""dim-train as a command: what it says before it does anything."""

from __future__ import annotations

import importlib
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from trainer.cli import main
from trainer.run import VALIDATION_SEED


def test_a_package_that_is_not_installed_is_named_with_the_way_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    needs = click.Command("fit", callback=lambda: importlib.import_module("nowhere.to.be.found"))
    monkeypatch.setitem(main.commands, "fit", needs)
    done = CliRunner().invoke(main, ["fit"])
    assert done.exit_code == 1
    assert "needs nowhere, which is not installed; install dimd with its extra train" in done.output


def test_tensorboard_is_named_where_lightning_misses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missed() -> None:
        raise ModuleNotFoundError("Neither `tensorboard` nor `tensorboardX` is available.")

    monkeypatch.setitem(main.commands, "fit", click.Command("fit", callback=missed))
    assert "Training needs tensorboard, which is not" in CliRunner().invoke(main, ["fit"]).output


def test_a_fault_of_its_own_is_no_package_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = click.Command("fit", callback=lambda: importlib.import_module("trainer.nothing"))
    monkeypatch.setitem(main.commands, "fit", broken)
    assert isinstance(CliRunner().invoke(main, ["fit"]).exception, ModuleNotFoundError)


@pytest.mark.parametrize(
    ("command", "option", "number"),
    [
        ("fit", "--steps", "0"),
        ("fit", "--epoch", "0"),
        ("fit", "--workers", "-1"),
        ("fit", "--rate", "0"),
        ("fit", "--decay", "-2"),
        ("fit", "--seed", "-1"),
        ("synth", "--count", "-1"),
        ("synth", "--size", "0"),
        ("synth", "--seed", "-1"),
        ("render", "--workers", "0"),
        ("render", "--count", "-1"),
        ("render", "--limit", "0"),
    ],
)
def test_a_number_that_cannot_be_is_refused_by_name(command: str, option: str, number: str) -> None:
    done = CliRunner().invoke(main, [command, option, number])
    assert done.exit_code == 2
    assert f"Invalid value for '{option}': {number}" in done.output


@pytest.mark.parametrize("command", sorted(main.commands))
def test_help_says_of_every_option_what_it_is_and_names_no_empty_default(command: str) -> None:
    asked = main.commands[command].params
    assert [each.name for each in asked if isinstance(each, click.Option) and not each.help] == []
    assert '[default: ""]' not in CliRunner().invoke(main, [command, "--help"]).output


@pytest.mark.parametrize("crop", ["200", "528", "8"])
def test_a_crop_that_no_network_takes_is_refused_before_the_run_begins(
    crop: str, photos: Path, tmp_path: Path
) -> None:
    given = ["fit", "--photos", str(photos), "--run", str(tmp_path / "run"), "--crop", crop]
    done = CliRunner().invoke(main, given)
    assert done.exit_code == 1
    assert f"--crop {crop}: is no multiple of 16 up to the 512 pixels of a scene; try 336." in done.output
    assert not (tmp_path / "run").exists()


def test_a_run_never_trains_on_what_it_is_validated_on(photos: Path, tmp_path: Path) -> None:
    given = ["fit", "--photos", str(photos), "--run", str(tmp_path / "run"), "--seed", str(VALIDATION_SEED)]
    done = CliRunner().invoke(main, given)
    assert done.exit_code == 1
    assert f"--seed {VALIDATION_SEED}: is that of the validation crops; give another." in done.output


@pytest.mark.parametrize(
    "command", [["synth", "--count", "1", "--size", "64", "--out"], ["fit", "--steps", "1", "--run"]]
)
def test_a_folder_that_cannot_be_written_to_is_one_sentence(
    command: list[str], photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    done = CliRunner().invoke(main, [*command, str(tmp_path / "file"), "--photos", str(photos)])
    assert done.exit_code == 1
    assert isinstance(done.exception, SystemExit)
    assert f"Error: {tmp_path}/file" in done.output
    assert "written" in done.output
