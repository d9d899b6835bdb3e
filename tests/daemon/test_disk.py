"""Disks that fill, refuse or go, and inputs that leave: the clip waits or is tried again, others go on, and
nothing half-made is visible.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from daemon import room
from daemon.config import Config
from daemon.engine import Engine
from daemon.ledger import Ledger
from tests.daemon.cases import FakeMatter, config, sequence, still, tree, wait_for
from tests.daemon.serving import once, running


def visible(out: Path) -> list[str]:
    return sorted(path.name for path in out.iterdir() if not path.name.startswith("."))


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    """A file system of its own."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("a tmpfs may not be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Of 1 MiB."""
    with mounted(tmp_path / "small", "size=1m") as folder:
        yield folder


def test_a_full_disk_costs_no_clip_and_shows_nothing_half_made(
    tmp_path: Path, engine: Engine, small_disk: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    pairs = [
        {"in": str(tmp_path / "in"), "out": str(small_disk / "out")},
        {"in": str(tmp_path / "elsewhere"), "out": str(tmp_path / "out")},
    ]
    settings = config(tmp_path, folders=pairs, jobs={"retry_seconds": 0.2, "attempts": 100})
    ballast = small_disk / "ballast"
    (small_disk / "out").mkdir()
    ballast.write_bytes(bytes(900 * 1024))
    sequence(tmp_path / "in", "large", numbers=range(1, 21))
    still(tmp_path / "elsewhere", "other")
    with running(settings, engine) as daemon:
        wait_for(lambda: [how for how, _ in daemon.told.ends])
        wait_for(lambda: visible(tmp_path / "out") == ["other"])
        assert visible(small_disk / "out") == []
        how, why = daemon.told.ends[0]
        assert how == "retry"
        assert "space" in why
        ballast.unlink()
        wait_for(lambda: visible(small_disk / "out") == ["large"])
    made = tree(small_disk / "out/large")
    clean, _ = once(config(tmp_path / "clean"), engine)
    assert clean == []
    sequence(tmp_path / "clean/in", "large", numbers=range(1, 21))
    once(config(tmp_path / "clean"), engine)
    undisturbed = tree(tmp_path / "clean/out/large")
    del made["manifest.json"], undisturbed["manifest.json"]  # the key in it is of the clip's path and time
    assert made == undisturbed


def test_a_running_clip_waits_below_the_disk_mark_and_goes_on_above_it(
    tmp_path: Path, engine: Engine, matter: FakeMatter, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = config(tmp_path, limits={"min_free_gib": 1.0}, jobs={"attempts": 1, "chunk_frames": 3})
    free = 2 << 30
    monkeypatch.setattr(room, "free_bytes", lambda folder: free)
    matter.pace = 0.05
    sequence(tmp_path / "in", numbers=range(1, 41))
    with running(settings, engine) as daemon:
        wait_for(lambda: daemon.told.safe)
        free = 1 << 29
        wait_for(lambda: daemon.told.ends)
        how, why = daemon.told.ends[0]
        assert how == "retry"
        assert "has less than 1 GiB free; clips wait until there is room" in why
        (job,) = daemon.jobs()
        assert (job.state, job.attempts) == ("waiting", 0)
        assert 0 < job.frames_done < 40
        calls = len(matter.calls)
        wait_for(lambda: daemon.said("has less than 1 GiB free"))
        assert len(matter.calls) == calls
        assert visible(tmp_path / "out") == []
        free = 2 << 30
        wait_for(lambda: daemon.told.done)
    assert daemon.told.begun[1] == ("shot", job.frames_done)


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A folder that may be made writable again by `remount`."""
    with mounted(tmp_path / "out", "ro,size=4m") as folder:
        yield folder


def test_a_read_only_output_is_said_and_tried_again(tmp_path: Path, engine: Engine, read_only: Path) -> None:
    still(tmp_path / "in")
    settings = config(tmp_path, jobs={"retry_seconds": 0.2, "attempts": 100})
    with running(settings, engine) as daemon:
        wait_for(lambda: daemon.told.ends)
        how, why = daemon.told.ends[0]
        assert how == "retry"
        assert "cannot be written to (Read-only file system); have its disk mounted for writing" in why
        subprocess.run(["mount", "-o", "remount,rw", str(read_only)], check=True)
        wait_for(lambda: visible(read_only) == ["shot"])


def test_an_output_folder_that_goes_and_comes_back_costs_nothing_but_the_work(
    tmp_path: Path, engine: Engine, matter: FakeMatter
) -> None:
    settings = config(tmp_path, jobs={"retry_seconds": 0.2, "attempts": 10})
    matter.pace = 0.03
    sequence(tmp_path / "in", numbers=range(1, 31))
    with running(settings, engine) as daemon:
        wait_for(lambda: daemon.told.safe)
        (tmp_path / "out").rename(tmp_path / "gone")  # at once, whatever is being written in it
        (tmp_path / "out").write_bytes(b"")  # nothing can be made there
        wait_for(lambda: daemon.told.ends)
        assert {how for how, _ in daemon.told.ends} == {"retry"}
        (tmp_path / "out").unlink()
        (tmp_path / "out").mkdir()
        wait_for(lambda: visible(tmp_path / "out") == ["shot"])
    assert len([name for name in tree(tmp_path / "out/shot") if "alpha" in name]) == 30


def test_an_input_that_is_removed_midway_leaves_no_trace_and_others_go_on(
    tmp_path: Path, engine: Engine, matter: FakeMatter
) -> None:
    matter.pace = 0.03
    sequence(tmp_path / "in", "leaves", numbers=range(1, 61))
    with running(config(tmp_path), engine) as daemon:
        wait_for(lambda: daemon.told.safe)
        for path in (tmp_path / "in").glob("leaves*"):
            path.unlink()
        still(tmp_path / "in", "stays")
        wait_for(lambda: visible(tmp_path / "out") == ["stays"])
        wait_for(lambda: [job.name for job in daemon.jobs()] == ["stays"])
        wait_for(lambda: [path.name for path in (tmp_path / "out").iterdir()] == ["stays"])


def test_what_was_published_is_not_made_again_when_the_ledger_is_lost(
    tmp_path: Path, engine: Engine, matter: FakeMatter
) -> None:
    for name in ("apple", "pear"):
        still(tmp_path / "in", name)
    settings: Config = config(tmp_path)
    once(settings, engine)
    before, calls = tree(tmp_path / "out"), len(matter.calls)
    (tmp_path / "state/ledger.sqlite3").write_bytes(b"\xa5" * 8192)
    with running(settings, engine) as daemon:
        wait_for(lambda: [job.state for job in daemon.jobs()] == ["done", "done"])
        assert daemon.said("was damaged, is laid aside as ledger.sqlite3.damaged-1") == 1
    assert tree(tmp_path / "out") == before
    assert len(matter.calls) == calls
    with Ledger(settings.state) as ledger:
        assert {Path(job.result or "").name for job in ledger.jobs()} == {"apple", "pear"}
