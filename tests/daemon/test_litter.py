"""Unfinished work that nobody is to go on with is removed, however its job ended; any other stays."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from daemon.engine import Engine
from daemon.ledger import Job, Ledger
from daemon.litter import Litter
from daemon.publish import Workplace
from tests.daemon.cases import FakeMatter, config, jobs_in, plate, sequence, still, wait_for, write
from tests.daemon.ledger_cases import LEASE, NOW, clip, open_ledger
from tests.daemon.serving import once, running


def hidden(out: Path) -> list[Path]:
    return [path for path in out.iterdir() if path.name.startswith(".")]


@pytest.fixture
def begun(tmp_path: Path, engine: Engine, matter: FakeMatter) -> Path:
    """A few frames of the clip shot, where a daemon left them. Another clip is there, so that the watched
    folder is not an empty one, which may be a share that is not mounted.
    """
    matter.pace = 0.1
    sequence(tmp_path / "in", numbers=range(1001, 1041))
    still(tmp_path / "in", "other")
    with running(config(tmp_path), engine) as daemon:
        wait_for(lambda: any(name == "shot" for name, _ in daemon.told.safe))
    matter.pace = 0.0
    (left,) = hidden(tmp_path / "out")
    return left


def crash(state: Path) -> None:
    """As if the daemon had not stopped but been killed."""
    owner = "from daemon.owner import owner_name; print(owner_name())"
    dead = subprocess.run([sys.executable, "-c", owner], capture_output=True, text=True, check=True).stdout
    (job,) = (job for job in jobs_in(state) if job.name == "shot")
    with Ledger(state) as ledger:
        assert ledger.claim(dead.strip(), 3600, time.time(), among=[job.key])


def cancel(state: Path) -> None:
    (job,) = (job for job in jobs_in(state) if job.name == "shot")
    with Ledger(state, create=False) as ledger:
        ledger.cancel(job.id)


def take_away(folder: Path, to: Path) -> None:
    to.mkdir()
    for path in folder.glob("shot*"):
        path.rename(to / path.name)


def states(folder: Path) -> dict[str, str]:
    return {job.name: job.state for job in jobs_in(folder / "state")}


def test_a_clip_taken_away_after_a_crash_leaves_neither_job_nor_work(
    begun: Path, tmp_path: Path, engine: Engine
) -> None:
    crash(tmp_path / "state")
    take_away(tmp_path / "in", tmp_path / "away")
    once(config(tmp_path), engine)
    assert states(tmp_path) == {"other": "done"}
    assert not begun.exists()


@pytest.mark.parametrize("end", [crash, cancel])
def test_a_clip_that_changed_leaves_no_work_of_its_older_self(
    begun: Path, tmp_path: Path, engine: Engine, end: Callable[[Path], None]
) -> None:
    end(tmp_path / "state")
    write(tmp_path / "in/shot_trimap.png", np.full((36, 64), 128, np.uint8))
    once(config(tmp_path), engine)
    assert states(tmp_path) == {"other": "done", "shot": "done"}
    assert hidden(tmp_path / "out") == []


def test_a_cancelled_clip_taken_away_leaves_no_work_and_stays_cancelled_when_it_comes_back(
    begun: Path, tmp_path: Path, engine: Engine
) -> None:
    cancel(tmp_path / "state")
    once(config(tmp_path), engine)
    assert begun.exists()  # `dimd retry` would go on with it
    take_away(tmp_path / "in", tmp_path / "away")
    once(config(tmp_path), engine)
    assert not begun.exists()
    for path in (tmp_path / "away").iterdir():
        path.rename(tmp_path / "in" / path.name)
    once(config(tmp_path), engine)
    assert states(tmp_path) == {"other": "done", "shot": "cancelled"}
    with Ledger(tmp_path / "state", create=False) as ledger:
        ledger.retry(next(job.id for job in ledger.jobs() if job.name == "shot"))
    once(config(tmp_path), engine)
    assert len(list((tmp_path / "out/shot/alpha").iterdir())) == 40


def test_a_clip_that_gets_another_name_leaves_no_work_under_the_old_one(
    begun: Path, tmp_path: Path, engine: Engine
) -> None:
    write(tmp_path / "in/shot.tif", plate())
    once(config(tmp_path), engine)
    once(config(tmp_path), engine)  # the last of them may be claimed after the last look
    assert states(tmp_path) == {"other": "done", "shot_png": "done", "shot_tif": "done"}
    assert hidden(tmp_path / "out") == []


def test_work_of_another_ledger_in_the_same_folder_stays(begun: Path, tmp_path: Path, engine: Engine) -> None:
    theirs = Workplace(tmp_path / "out", "shot", "f" * 64)
    theirs.prepare(0)
    take_away(tmp_path / "in", tmp_path / "away")
    once(config(tmp_path), engine)
    assert hidden(tmp_path / "out") == [theirs.folder]


def failed(ledger: Ledger, folder: Path) -> Job:
    job = ledger.offer(clip("shot", folder), "key of shot")
    assert job is not None
    assert ledger.claim("me", LEASE, NOW) is not None
    ledger.fail(job.id, "broken", None)
    return job


def test_work_is_removed_once_its_folder_is_back(tmp_path: Path) -> None:
    pair = config(tmp_path).folders[0]
    place = Workplace(pair.out, "shot", "key of shot")
    place.prepare(0)
    pair.out.rename(tmp_path / "away")
    with open_ledger(tmp_path / "state") as ledger:
        ledger.forget(failed(ledger, pair.in_).id)
        Litter(ledger).sweep([pair])
    (tmp_path / "away").rename(pair.out)
    with open_ledger(tmp_path / "state") as ledger:
        Litter(ledger).sweep([pair])
        assert not place.folder.exists()
        assert ledger.litter(str(pair.in_)) == []


def test_work_of_a_clip_that_came_back_is_not_removed(tmp_path: Path) -> None:
    pair = config(tmp_path).folders[0]
    with open_ledger(tmp_path / "state") as ledger:
        ledger.forget(failed(ledger, pair.in_).id)
        failed(ledger, pair.in_)
        place = Workplace(pair.out, "shot", "key of shot")
        place.prepare(0)
        Litter(ledger).sweep([pair])
        assert place.folder.is_dir()
