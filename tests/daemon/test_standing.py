"""A large folder is not scanned again and again for nothing, and nothing that comes into it is missed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon import intake as intake_module
from daemon.config import Config
from daemon.faults import Faults
from daemon.intake import Intake
from daemon.ledger import Ledger
from daemon.standing import Standing
from tests.daemon.cases import config


class Looking:
    """An intake over tmp/in by a clock that moves when it is told to; a scan takes ``scan_seconds`` of it."""

    def __init__(self, folder: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
        self.inside, self.now, self.scans, self.scan_seconds = folder / "in", 1000.0, 0, 1.0
        self.config: Config = config(folder)
        self._intake = Intake(ledger, lambda job: None, Faults(lambda sentence: None), 0.0, lambda: self.now)
        scan = intake_module.scan

        def counted(*arguments: object, **options: object) -> object:
            self.scans += 1
            self.now += self.scan_seconds
            return scan(*arguments, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(intake_module, "scan", counted)

    def look(self, *, asked: bool = False) -> list[str]:
        self._intake.look(self.config, asked=asked)
        return sorted(job.name for job in self._intake.jobs())


@pytest.fixture
def looking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Looking]:
    with Ledger(tmp_path / "state") as ledger:
        made = Looking(tmp_path, ledger, monkeypatch)
        (made.inside / "one.mov").touch()
        yield made


def test_what_is_as_it_was_is_scanned_for_a_hundredth_of_the_time(looking: Looking) -> None:
    for _ in range(1000):
        looking.look()
        looking.now += 0.5
    assert 4 <= looking.scans <= 6


def test_a_new_clip_is_found_at_the_next_look(looking: Looking) -> None:
    assert looking.look() == ["one"]
    (looking.inside / "two.mov").touch()
    assert looking.look() == ["one", "two"]


def test_an_event_is_followed_at_once(looking: Looking) -> None:
    looking.look()
    looking.look(asked=True)
    assert looking.scans == 2


def test_a_file_that_is_written_anew_in_its_place_is_found_by_the_scan(
    looking: Looking, tmp_path: Path
) -> None:
    looking.look()
    with Ledger(tmp_path / "state") as ledger:
        (before,) = ledger.jobs()
        (looking.inside / "one.mov").write_bytes(b"longer")
        looking.now += 101
        looking.look()
        (after,) = ledger.jobs()
    assert before.key != after.key


def test_a_changed_config_is_followed_at_once(looking: Looking) -> None:
    looking.look()
    looking.config = looking.config.model_copy()
    looking.look()
    assert looking.scans == 2


@pytest.mark.parametrize("where", ["in", "in/shot", "in/shot/plate"])
def test_a_name_that_comes_or_goes_is_seen(tmp_path: Path, where: str) -> None:
    (tmp_path / "in/shot/plate").mkdir(parents=True)
    folder = tmp_path / "in"
    for change in (Path.touch, Path.unlink):
        for each in (folder, folder / "shot", folder / "shot/plate"):
            os.utime(each, (1, 1))  # the clock of a file system may be too coarse for a test
        standing = Standing(folder)
        assert standing.is_same
        change(tmp_path / where / "new.png")
        assert not standing.is_same


def test_a_folder_that_is_away_is_not_the_same_when_it_is_back(tmp_path: Path) -> None:
    standing = Standing(tmp_path / "in")
    assert standing.is_same
    (tmp_path / "in").mkdir()
    assert not standing.is_same
