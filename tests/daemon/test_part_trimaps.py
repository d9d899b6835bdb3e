"""Trimaps of a part of a clip: as in the whole, and nothing is asked for frames that are left out."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from daemon.config import ClipSettings
from daemon.engine import Engine
from daemon.inbox import scan
from daemon.plan import Plan
from daemon.run import StoppedError
from daemon.trimaps import TrimapError
from tests.daemon.cases import tree, write
from tests.daemon.stills import Memory, make
from tests.daemon.test_keyframes import FRAMES, SIZE, _wall, shot, trimaps


class Looks:
    """How often a plan looked at a frame of its clip."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


def planned(folder: Path, frames: str | None, looks: Looks | None = None) -> Plan:
    (clip,) = scan(folder)
    settings = ClipSettings.model_validate({"frames": frames})
    return Plan(clip, settings, max_pixels=10**6, state={}, moved=looks or Looks())


def painted(folder: Path, frames: range) -> None:
    """A trimap by which the upper half of the frame is the subject."""
    picture = np.zeros(SIZE, np.uint8)
    picture[: SIZE[0] // 2 - 5], picture[SIZE[0] // 2 - 5 : SIZE[0] // 2 + 5] = 255, 128
    for n in frames:
        write(folder / f"shot_trimap.{1001 + n}.png", picture)


@pytest.mark.parametrize("keys", [(0,), (4,), (7,), (1, 6), (0, 3, 5)])
def test_carried_masks_are_in_a_part_what_they_are_in_the_whole(
    folder: Path, tmp_path: Path, keys: tuple[int, ...]
) -> None:
    shot(folder, keys=keys)
    with planned(folder, None) as plan:
        whole = trimaps(plan, tmp_path / "whole")
    for part in ("1001-1002", "1003-1005", "1008"):
        with planned(folder, part) as plan:
            list(plan.trimap.prepare(plan.shot, tmp_path / part))
            reach = plan.trimap.reach(plan.shot)
            assert set(plan.shot.part) <= set(reach)
            assert reach == plan.shot.heard
            for n, frame in zip(reach, plan.frames(reach.start, reach.stop), strict=True):
                made = plan.trimap.trimap(frame, n, plan.view(frame))
                assert made.values.equal(whole[n].values), (part, n)
                assert made.confidence == whole[n].confidence


def test_a_mask_is_carried_no_further_than_the_part_needs(folder: Path, tmp_path: Path) -> None:
    shot(folder, keys=(0,))
    counts = []
    for part in ("1001-1002", None):
        looks = Looks()
        with planned(folder, part, looks) as plan:
            before = looks.count
            list(plan.trimap.prepare(plan.shot, tmp_path / str(part)))
        counts.append(looks.count - before)
    assert counts[0] <= 6 < FRAMES < counts[1]


@pytest.mark.parametrize("part", ["1001-1003", "1001-1004"])
def test_a_cut_beyond_the_part_is_no_fault_of_its_mask(
    folder: Path, tmp_path: Path, engine: Engine, part: str
) -> None:
    shot(folder, keys=(0,), cut_at=4)
    made = make(folder, engine, tmp_path / "out", frames=part)
    told = json.loads((made / "manifest.json").read_text())
    assert [each["frame"] for each in told["figures"]] == list(range(1001, int(part[-4:]) + 1))
    assert all(each["alpha"] > 0.05 for each in told["figures"])


@pytest.mark.parametrize("stop_at", [1, 3])
def test_a_resumed_part_before_a_cut_has_the_bytes_of_an_undisturbed_one(
    folder: Path, tmp_path: Path, engine: Engine, stop_at: int
) -> None:
    shot(folder, keys=(0, 5), cut_at=7)
    undisturbed = tree(make(folder, engine, tmp_path / "whole", frames="1002-1007"))
    memory = Memory(stop_at)
    with pytest.raises(StoppedError):
        make(folder, engine, tmp_path / "out", memory, frames="1002-1007")
    assert 0 < memory.done < 6
    memory.stop_at = -1
    assert tree(make(folder, engine, tmp_path / "out", memory, frames="1002-1007")) == undisturbed


def test_a_cut_within_the_part_is_told(folder: Path, tmp_path: Path) -> None:
    shot(folder, keys=(0,), cut_at=4)
    with (
        planned(folder, "1003-1006") as plan,
        pytest.raises(
            TrimapError, match="over the cut to frame 1005; put a mask of a frame from 1005 to 1006"
        ),
    ):
        trimaps(plan, tmp_path / "keep")


@pytest.mark.parametrize("source", ["auto", "trimap"])
def test_painted_trimaps_of_the_part_are_all_that_it_needs(
    folder: Path, tmp_path: Path, engine: Engine, source: str
) -> None:
    shot(folder, keys=(), cut_at=4)  # nothing else serves
    painted(folder, range(1, 4))
    with pytest.raises(TrimapError, match="has only frames 1002 to 1004 of 1001 to 1008"):
        planned(folder, None)
    with pytest.raises(TrimapError, match="has only frames 1002 to 1004 of 1001 to 1008"):
        planned(folder, "1002-1005")
    made = make(folder, engine, tmp_path / "out", frames="1002-1004", trimap={"source": source})
    assert "for 3 frames" in json.loads((made / "manifest.json").read_text())["trimap"]["why"]
    alphas = [cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in sorted((made / "alpha").iterdir())]
    assert [int(alpha[:40].min()) for alpha in alphas] == [65535] * 3


def test_a_mask_need_not_be_carried_to_frames_that_are_painted(folder: Path, tmp_path: Path) -> None:
    shot(folder, keys=(0,), cut_at=4)
    painted(folder, range(4, FRAMES))
    with planned(folder, None) as plan:
        list(plan.trimap.prepare(plan.shot, tmp_path / "keep"))
        assert plan.trimap.reach(plan.shot) == range(FRAMES)
        made = [plan.trimap.trimap(f, n, plan.view(f)) for n, f in enumerate(plan.frames(0))]
    assert [float(trimap.values[0, :40].mean()) == 1 for trimap in made] == [n >= 4 for n in range(FRAMES)]


@pytest.mark.parametrize("source", ["auto", "clean"])
def test_clean_plates_of_the_part_are_all_that_it_needs(
    folder: Path, tmp_path: Path, engine: Engine, source: str
) -> None:
    shot(folder, keys=())
    for n in (2, 3):
        write(folder / f"shot_clean.{1001 + n}.png", _wall(0))
    with pytest.raises(TrimapError, match="has no picture for frame 1005; supply one for each frame"):
        planned(folder, "1003-1005")
    made = make(folder, engine, tmp_path / "out", frames="1003-1004", trimap={"source": source})
    told = json.loads((made / "manifest.json").read_text())
    assert told["trimap"]["source"] == "clean"
    assert [each["frame"] for each in told["figures"]] == [1003, 1004]
    assert min(each["confidence"] for each in told["figures"]) > 0.9
