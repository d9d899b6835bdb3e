"""``dimd weights``: what a person sees of the versions, and how they move `current`."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

from daemon.cli import main
from dim_model import canary, nets, weights
from dim_model.weights import Card

CARD = Card("one", "swift", "sampled", "x", [], {})


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "config.yaml").write_text("weights: weights\n")
    state = nets.build("swift").state_dict()
    known = canary.answer(torch.full((1, 160, 160), 0.5), "sampled")
    for version, answer in (("one", {}), ("two", known), ("three", {})):
        card = dataclasses.replace(CARD, version=version, canary=answer)
        weights.publish(tmp_path / "weights", card, state)
    weights.point(tmp_path / "weights", "one")
    return tmp_path


def dimd(home: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["weights", *words, "--config", str(home / "config.yaml")])


def current(home: Path) -> str:
    return weights.resolve(home / "weights").name


def test_use_moves_current_and_rollback_moves_it_back(home: Path) -> None:
    assert dimd(home, "use", "two").exit_code == 0
    assert current(home) == "two"
    assert "current is one again" in dimd(home, "rollback").output
    assert current(home) == "one"
    assert dimd(home, "rollback").exit_code == 0
    assert current(home) == "two"


def test_using_what_is_used_does_not_lose_what_was_before(home: Path) -> None:
    dimd(home, "use", "two")
    dimd(home, "use", "two")
    dimd(home, "rollback")
    assert current(home) == "one"


@pytest.mark.parametrize(("link", "version"), [("current", "two"), ("previous", "one")])
def test_a_link_is_used_as_the_version_that_it_names(home: Path, link: str, version: str) -> None:
    dimd(home, "use", "two")
    done = dimd(home, "use", link)
    assert done.exit_code == 0
    assert f"current is {version} now" in done.output
    assert current(home) == version
    assert (home / "weights/current").readlink() == Path(version)


def test_list_says_which_is_current_which_was_before_and_what_is_broken(home: Path) -> None:
    dimd(home, "use", "two")
    (home / "weights/three/weights.safetensors").write_bytes(b"")
    rows = {row["version"]: row for row in json.loads(dimd(home, "list", "--json").output)}
    assert list(rows) == ["one", "three", "two"]
    assert (rows["one"]["role"], rows["two"]["role"], rows["three"]["role"]) == ("previous", "current", None)
    assert (rows["one"]["canary"], rows["two"]["canary"]) == (False, True)
    assert "sha256 differs" in rows["three"]["fault"]
    text = dimd(home, "list").output
    assert "current" in text
    assert "answer known" in text
    # The fault wraps within its column by the length of the path, so its words may stand apart.
    assert "sha256" in text
    assert "differs" in text


@pytest.mark.parametrize(
    ("version", "says"),
    [
        ("three", "sha256 differs"),
        ("four", "has no weights 'four' (there: one, three, two)"),
        ("../weights/two", "has no weights '../weights/two'"),
    ],
)
def test_what_cannot_be_used_leaves_current_where_it_is(home: Path, version: str, says: str) -> None:
    (home / "weights/three/weights.safetensors").write_bytes(b"")
    done = dimd(home, "use", version)
    assert done.exit_code == 1
    assert says in done.output
    assert current(home) == "one"


def test_with_nothing_before_there_is_no_way_back(home: Path) -> None:
    done = dimd(home, "rollback")
    assert done.exit_code == 1
    assert done.output == (
        f"Error: {home / 'weights'}: there is nothing to go back to: no other version has been current yet.\n"
    )
    assert current(home) == "one"


def test_a_folder_that_may_not_be_changed_is_one_sentence(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def point(root: Path, version: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(weights, "point", point)
    done = dimd(home, "use", "two")
    assert done.exit_code == 1
    assert "cannot be changed (Permission denied); give this user write access to it" in done.output
