"""When a clip is ready."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from daemon.inbox import scan
from daemon.settle import Settle

SETTLE = 3.0


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Folder:
    """A watched folder whose clock is turned by hand."""

    def __init__(self, path: Path, settle_seconds: float = SETTLE) -> None:
        self.path = path
        self.clock = Clock()
        self.settle = Settle(settle_seconds, self.clock)

    def write(self, name: str, content: bytes = b"x") -> None:
        (self.path / name).parent.mkdir(exist_ok=True)
        with (self.path / name).open("ab") as file:
            file.write(content)

    def ready_after(self, seconds: float) -> list[str]:
        self.clock.now += seconds
        return [clip.name for clip in self.settle.update(scan(self.path))]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_still_file_is_ready_after_the_settle_time_and_once(folder: Folder) -> None:
    folder.write("shot.mov")

    assert folder.ready_after(0) == []
    assert folder.ready_after(2.9) == []
    assert folder.ready_after(0.1) == ["shot"]
    assert folder.ready_after(60) == []


def test_half_copied_file_is_not_ready(folder: Folder) -> None:
    for _ in range(5):
        folder.write("shot.mov", b"more")
        assert folder.ready_after(2) == []

    assert folder.ready_after(2) == []
    assert folder.ready_after(1) == ["shot"]


def test_old_mtime_does_not_make_a_file_ready(folder: Folder) -> None:
    folder.write("shot.mov")
    os.utime(folder.path / "shot.mov", (0, 0))

    assert folder.ready_after(0) == []


def test_group_waits_for_a_sidecar_that_comes_late(folder: Folder) -> None:
    folder.write("shot.mov")
    folder.ready_after(0)
    folder.write("shot_mask.mov")
    assert folder.ready_after(2) == []
    folder.write("shot_mask.mov", b"more")
    assert folder.ready_after(2) == []

    assert folder.ready_after(3) == ["shot"]


def test_sidecar_after_the_settle_time_makes_the_clip_ready_again(folder: Folder) -> None:
    folder.write("shot.mov")
    folder.ready_after(0)
    assert folder.ready_after(3) == ["shot"]

    folder.write("shot_trimap.png")

    assert folder.ready_after(1) == []
    assert folder.settle.settled == []
    assert folder.ready_after(3) == ["shot"]


def test_sequence_that_arrives_frame_by_frame_is_ready_when_no_frame_comes(folder: Folder) -> None:
    for number in range(8, 13):
        folder.write(f"shot/{number}.png")
        assert folder.ready_after(2) == []

    assert folder.ready_after(3) == ["shot"]
    assert len(folder.settle.settled[0].plate.files) == 5


def test_one_clip_that_grows_does_not_hold_up_another(folder: Folder) -> None:
    folder.write("still.png")
    folder.write("growing.mov")
    folder.ready_after(0)
    folder.write("growing.mov", b"more")

    assert folder.ready_after(3) == ["still"]


def test_clip_that_left_and_came_back_is_ready_again(folder: Folder) -> None:
    folder.write("shot.mov")
    folder.ready_after(0)
    assert folder.ready_after(3) == ["shot"]

    (folder.path / "shot.mov").unlink()
    assert folder.ready_after(1) == []
    assert folder.settle.settled == []
    folder.write("shot.mov")

    assert folder.ready_after(1) == []
    assert folder.ready_after(3) == ["shot"]


def test_new_name_for_the_same_files_is_no_change(folder: Folder) -> None:
    folder.write("shot.png")
    folder.ready_after(0)
    assert folder.ready_after(3) == ["shot"]

    folder.write("shot.mov")

    assert folder.ready_after(1) == []
    assert [clip.name for clip in folder.settle.settled] == ["shot_png"]
    assert folder.ready_after(3) == ["shot_mov"]


def test_next_due_says_how_long_to_wait(folder: Folder) -> None:
    assert folder.settle.next_due is None
    folder.write("a.png")
    folder.ready_after(0)
    folder.clock.now += 1
    folder.write("b.png")
    folder.ready_after(0)
    assert folder.settle.next_due == pytest.approx(2)

    folder.clock.now += 10
    assert folder.settle.next_due == 0

    folder.ready_after(0)
    assert folder.settle.next_due is None


def test_settle_time_of_zero_takes_what_is_there(tmp_path: Path) -> None:
    folder = Folder(tmp_path, settle_seconds=0)
    folder.write("shot.png")

    assert folder.ready_after(0) == ["shot"]
