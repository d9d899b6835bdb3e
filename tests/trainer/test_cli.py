"""dim-train as a command: what it says before it does anything."""

from __future__ import annotations

import importlib

import click
import pytest
from click.testing import CliRunner

from trainer.cli import main


def test_a_package_that_is_not_installed_is_named_with_the_way_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    needs = click.Command("fit", callback=lambda: importlib.import_module("nowhere.to.be.found"))
    monkeypatch.setitem(main.commands, "fit", needs)
    done = CliRunner().invoke(main, ["fit"])
    assert done.exit_code == 1
    assert "needs nowhere, which is not installed; install dimd with its extra train" in done.output


def test_a_fault_of_its_own_is_no_package_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = click.Command("fit", callback=lambda: importlib.import_module("trainer.nothing"))
    monkeypatch.setitem(main.commands, "fit", broken)
    assert isinstance(CliRunner().invoke(main, ["fit"]).exception, ModuleNotFoundError)
