"""Committed work that is gone or damaged costs the work: the clip begins anew, to the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from daemon.engine import Engine
from tests.daemon.cases import FakeMatter, config, plate, sequence, tree, video, wait_for, write
from tests.daemon.serving import once, running


def long_sequence(folder: Path) -> None:
    sequence(folder, numbers=range(1001, 1041))


def long_video(folder: Path) -> None:
    video(folder, frames=40)


def carried(folder: Path) -> None:
    """A mask of its first frame, which is carried to the others."""
    mask = np.zeros(plate().shape[:2], np.uint8)
    mask[8:28, 20:44] = 255
    write(folder / "shot_mask.1001.png", mask)
    for number in range(1001, 1041):
        write(folder / f"shot.{number}.png", plate())


def remove_picture(work: Path) -> None:
    (work / "alpha/shot_alpha.1001.png").unlink()


def remove_chunk(work: Path) -> None:
    (work / ".shot_alpha.00000000.mov").unlink()


def empty_chunk(work: Path) -> None:
    (work / ".shot_alpha.00000000.mov").write_bytes(b"")


def empty_masks(work: Path) -> None:
    """As a power cut may do it to what was never synced."""
    for path in (work / ".trimaps").glob("*.png"):
        path.write_bytes(b"")


def remove_mask(work: Path) -> None:
    (work / ".trimaps/000030.png").unlink()


@pytest.mark.parametrize(
    ("drop", "harm"),
    [
        (long_sequence, remove_picture),
        (long_video, remove_chunk),
        (long_video, empty_chunk),
        (carried, empty_masks),
        (carried, remove_mask),
    ],
)
def test_a_clip_whose_work_is_damaged_begins_anew_by_itself(
    tmp_path: Path,
    engine: Engine,
    matter: FakeMatter,
    drop: Callable[[Path], None],
    harm: Callable[[Path], None],
) -> None:
    settings = config(tmp_path)
    drop(tmp_path / "in")
    matter.pace = 0.1
    with running(settings, engine) as daemon:
        wait_for(lambda: daemon.told.safe)
    matter.pace = 0.0
    (job,) = daemon.jobs()
    (work,) = (tmp_path / "out").iterdir()
    harm(work)
    jobs, told = once(settings, engine)
    assert [job.state for job in jobs] == ["done"], told.ends
    assert told.begun == [("shot", job.frames_done), ("shot", 0)]
    (warning,) = (warning for warning in told.warnings if "begins anew" in warning)
    assert warning.endswith("so the clip begins anew; leave hidden folders beside the results alone.")
    made = tree(tmp_path / "out/shot")
    (tmp_path / "state/ledger.sqlite3").unlink()
    (tmp_path / "out/shot").rename(tmp_path / "first")
    once(settings, engine)
    assert made == tree(tmp_path / "out/shot")
