"""A folder has one name, whatever links lead to it and whether or not its mount answers."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from daemon import real_path as module
from daemon.config import ConfigError, load
from daemon.real_path import real_path
from tests.daemon.hung import Hung

PATHS = (
    "plain/below",
    "there",
    "away/shot",
    "here/../plain",
    "there/../plain",
    "chain/below",
    "up",
    "dangling/x",
    "plain/./file/x",
    "..",
)


@pytest.fixture
def links(tmp_path: Path) -> Path:
    (tmp_path / "plain/below").mkdir(parents=True)
    (tmp_path / "plain/file").touch()
    (tmp_path / "other/deep").mkdir(parents=True)
    for name, target in {
        "there": tmp_path / "other/deep",
        "here": "plain/below",
        "chain": "here",
        "up": "plain/../other/./deep/..",
        "dangling": "nowhere/at/all",
    }.items():
        (tmp_path / name).symlink_to(target)
    return tmp_path


@pytest.mark.parametrize("path", PATHS)
def test_links_are_followed_as_the_system_does(links: Path, path: str) -> None:
    assert real_path(links / path) == (links / path).resolve()


def test_a_relative_path_is_that_of_this_folder(links: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(links)
    assert real_path(Path("there/../plain")) == (links / "other/plain").resolve()


def test_links_in_a_circle_are_one_sentence_of_the_config(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    file = tmp_path / "config.yaml"
    file.write_text("state: one\n")
    with pytest.raises(ConfigError, match=r"state.*links lead in a circle"):
        load(file)


def test_a_config_is_read_though_a_mount_hangs_and_its_folders_keep_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.5)
    share = tmp_path / "share"
    (share / "in/deep").mkdir(parents=True)
    (tmp_path / "drop").symlink_to(share / "in/deep")
    file = tmp_path / "config.yaml"
    file.write_text("folders:\n  - {in: drop, out: share/out}\n  - {in: near, out: results}\n")
    calm = load(file)
    with Hung(share):
        begun = time.monotonic()
        assert load(file) == calm
        assert time.monotonic() - begun < 10
    assert str(calm.folders[0].in_) == str(share / "in/deep")


def test_many_folders_that_hang_hold_up_a_config_not_much_longer_than_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 2.0)
    monkeypatch.setattr(module, "_LESS", 0.1)
    (tmp_path / "near").mkdir()
    (tmp_path / "link").symlink_to("near")
    file = tmp_path / "config.yaml"
    pairs = "".join(f"  - {{in: share-{n}/in, out: share-{n}/out}}\n" for n in range(4))
    file.write_text(f"folders:\n{pairs}  - {{in: link, out: results}}\n")
    with ExitStack() as stack:
        for n in range(4):
            (tmp_path / f"share-{n}").mkdir()
            stack.enter_context(Hung(tmp_path / f"share-{n}"))
        begun = time.monotonic()
        read = load(file)
        assert time.monotonic() - begun < 8
    assert read.folders[-1].in_ == tmp_path / "near"
