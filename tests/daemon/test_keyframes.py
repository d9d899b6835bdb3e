"""Masks of a few frames hold over the shot, or one sentence says why they cannot."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from daemon.config import TrimapSettings
from daemon.inbox import scan
from daemon.media import MediaError, WorkGoneError
from daemon.plan import Plan
from daemon.trimaps import Trimap, TrimapError
from tests.daemon.cases import config, write

SIZE = (120, 200)
FRAMES = 8


def _wall(seed: int) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    return cv2.resize(rng.integers(60, 200, (15, 25, 3), np.uint8), SIZE[::-1], interpolation=cv2.INTER_CUBIC)


def _truth(frame: int) -> NDArray[np.uint8]:
    """A body that sways, with an arm that comes out of it."""
    mask = np.zeros(SIZE, np.uint8)
    cv2.ellipse(mask, (80 + 3 * frame, 70), (18, 40), 0, 0, 360, 255, -1)
    cv2.line(mask, (80 + 3 * frame, 60), (80 + 3 * frame + 22 + 3 * frame, 50 - 3 * frame), 255, 7)
    return mask


def shot(folder: Path, *, keys: tuple[int, ...] = (0,), first: int = 1001, cut_at: int = FRAMES) -> None:
    rng = np.random.default_rng(5)
    for n in range(FRAMES):
        inside = _truth(n)[..., None] > 0
        wall = _wall(0 if n < cut_at else 9)
        body = np.full((*SIZE, 3), (40, 60, 220) if n < cut_at else (200, 30, 30), np.uint8)
        noisy = np.where(inside, body, wall) + rng.normal(0, 2, (*SIZE, 3))
        write(folder / f"shot.{first + n}.png", np.clip(noisy, 0, 255).astype(np.uint8))
    for key in keys:
        write(folder / f"shot_mask.{first + key}.png", cv2.dilate(_truth(key), np.ones((5, 5), np.uint8)))


def planned(folder: Path, **trimap: object) -> Plan:
    settings = config(folder.parent).clip
    settings = settings.model_copy(update={"trimap": TrimapSettings.model_validate(trimap)})
    (clip,) = scan(folder)
    return Plan(clip, settings, max_pixels=10**6, state={})


def trimaps(plan: Plan, keep: Path) -> list[Trimap]:
    list(plan.trimap.prepare(plan.shot, keep))
    return [plan.trimap.trimap(f, n, plan.view(f)) for n, f in enumerate(plan.frames(0))]


def wrong(trimap: Trimap, frame: int) -> float:
    """Share of the frame that is known and not so."""
    truth = _truth(frame) > 0
    values = trimap.values[0].numpy()
    return float((((values == 1) & ~truth) | ((values == 0) & truth)).mean())


@pytest.mark.parametrize("key", [0, 4, FRAMES - 1])
def test_one_mask_is_carried_to_all_frames_both_ways(folder: Path, tmp_path: Path, key: int) -> None:
    shot(folder, keys=(key,))
    with planned(folder) as plan:
        assert plan.trimap.name == "mask"
        assert plan.trimap.why.startswith(f"the mask of frame {1001 + key} is carried from shot_mask.")
        made = trimaps(plan, tmp_path / "keep")
    assert len(made) == FRAMES
    for n, trimap in enumerate(made):
        assert wrong(trimap, n) < 0.005, n
        assert 0.02 < float((trimap.values == 0.5).float().mean()) < 0.4, n
        assert trimap.confidence > 0.6, n


def test_a_mask_without_a_number_is_of_the_first_frame(folder: Path) -> None:
    shot(folder, keys=())
    write(folder / "shot_mask.png", _truth(0))
    with planned(folder) as plan:
        assert plan.trimap.why == "the mask of frame 1001 is carried from shot_mask.png to the others"


def test_between_two_masks_both_are_heard(folder: Path, tmp_path: Path) -> None:
    shot(folder, keys=(0, FRAMES - 1))
    with planned(folder) as plan:
        assert plan.trimap.why.startswith("the masks of frames 1001, 1008 are carried")
        made = trimaps(plan, tmp_path / "keep")
    assert max(wrong(trimap, n) for n, trimap in enumerate(made)) < 0.005


def test_an_eye_of_the_backgrounds_colour_stays_the_subjects(folder: Path, tmp_path: Path) -> None:
    """The mask covers it, far from its edge: whoever painted that meant it."""
    shot(folder)
    for n in range(FRAMES):
        path = str(folder / f"shot.{1001 + n}.png")
        plate = cv2.imread(path)
        assert plate is not None
        disc = np.zeros(SIZE, np.uint8)
        cv2.circle(disc, (80 + 3 * n, 72), 7, 255, -1)
        there = np.roll(_wall(0), (40, 30 + 3 * n), (0, 1))
        cv2.imwrite(path, np.where(disc[..., None] > 0, there, plate))
    with planned(folder) as plan:
        made = trimaps(plan, tmp_path / "keep")
    for n, trimap in enumerate(made):
        eye = trimap.values[0, 66:79, 74 + 3 * n : 87 + 3 * n]
        assert (eye == 1).float().mean() > 0.9, n


def test_a_carried_bands_reach_in_fur_is_as_soft_says(folder: Path, tmp_path: Path) -> None:
    shot(folder)
    rng = np.random.default_rng(3)
    turns, lengths = rng.uniform(0, 2 * np.pi, 900), rng.uniform(4, 16, 900)
    for n in range(FRAMES):
        path = str(folder / f"shot.{1001 + n}.png")
        plate = cv2.imread(path)
        assert plate is not None
        for turn, length in zip(turns, lengths, strict=True):
            x, y = np.cos(turn), np.sin(turn)
            root = np.array([80 + 3 * n + 17 * x, 70 + 39 * y])
            tip = root + length * np.array([x, y])
            line = (np.rint(16 * end).astype(int).tolist() for end in (root, tip))
            cv2.line(plate, *line, (40, 60, 220), 1, cv2.LINE_AA, 4)
        cv2.imwrite(path, plate)
    made = []
    for soft in (0, 24):
        with planned(folder, soft=soft) as plan:
            made.append(torch.cat([t.values for t in trimaps(plan, tmp_path / str(soft))]))
    plain, reaching = made
    assert (reaching == 0.5)[plain == 0.5].all()
    for side in (0, 1):
        assert (reaching == side).sum() < (plain == side).sum()
    assert (reaching == 0.5).sum() > 1.1 * (plain == 0.5).sum()


def test_a_mask_of_each_frame_is_taken_as_it_is(folder: Path) -> None:
    shot(folder, keys=tuple(range(FRAMES)))
    with planned(folder) as plan:
        assert "carried" not in plan.trimap.why


def test_what_is_kept_of_a_pass_gives_the_same_trimaps(folder: Path, tmp_path: Path) -> None:
    shot(folder)
    with planned(folder) as plan:
        first = trimaps(plan, tmp_path / "keep")
    with planned(folder) as plan:
        assert list(plan.trimap.prepare(plan.shot, tmp_path / "keep")) == []
        again = trimaps(plan, tmp_path / "keep")
        anew = trimaps(plan, tmp_path / "other")
    for a, b, c in zip(first, again, anew, strict=True):
        assert a.values.equal(b.values)
        assert a.values.equal(c.values)
        assert a.confidence == b.confidence == c.confidence


def test_a_pass_can_be_broken_off(folder: Path, tmp_path: Path) -> None:
    shot(folder)
    with planned(folder) as plan:
        begun = plan.trimap.prepare(plan.shot, tmp_path / "keep")
        next(begun)
        assert not (tmp_path / "keep" / "whole").exists()


def test_carried_masks_that_are_not_whole_any_more_are_told_of(folder: Path, tmp_path: Path) -> None:
    shot(folder)
    with planned(folder) as plan:
        trimaps(plan, tmp_path / "keep")
        frame = next(plan.frames(0))
        path = tmp_path / "keep/000000.png"
        for left in (b"", bytes(500), path.read_bytes()[:-40]):
            path.write_bytes(left)
            with pytest.raises(
                WorkGoneError, match="the mask carried to frame 1001 is gone, so the clip beg"
            ):
                plan.trimap.trimap(frame, 0, plan.view(frame))


def test_a_disk_that_refuses_a_carried_mask_is_told(folder: Path, tmp_path: Path) -> None:
    shot(folder)
    (tmp_path / "keep/000003.png").mkdir(parents=True)
    with planned(folder) as plan, pytest.raises(MediaError, match=r"to frame 1004 could not be written \(Is"):
        trimaps(plan, tmp_path / "keep")
    assert not (tmp_path / "keep/whole").exists()


def test_a_mask_of_another_frame_range_is_refused(folder: Path) -> None:
    shot(folder, keys=())
    for n in (2001, 2005):
        write(folder / f"shot_mask.{n}.png", _truth(0))
    with pytest.raises(TrimapError, match=r"is of frames 2001 and 2005, its plate has 1001 to 1008; name it"):
        planned(folder)


def test_a_mask_of_a_frame_that_the_shot_lacks_is_told_as_that(folder: Path) -> None:
    shot(folder, keys=(3,))
    (folder / "shot.1004.png").unlink()
    with pytest.raises(
        TrimapError, match=r"is of frame 1004, its plate lacks that; name it after a frame of"
    ):
        planned(folder)


def test_a_keyframe_outside_the_shot_is_told_and_left_out(folder: Path) -> None:
    shot(folder, keys=(0,))
    write(folder / "shot_mask.1030.png", _truth(0))
    with planned(folder) as plan:
        assert "the mask of frame 1001 is carried" in plan.trimap.why
        (warning,) = plan.warnings
        assert warning == "shot_mask.####.png: is also of frame 1030, which the plate has not; left out."


@pytest.mark.parametrize(
    ("value", "sentence"), [(0, "frame 1001 shows no subject"), (255, "frame 1001 is white all over")]
)
def test_an_empty_or_full_mask_is_told(folder: Path, tmp_path: Path, value: int, sentence: str) -> None:
    shot(folder, keys=())
    write(folder / "shot_mask.png", np.full(SIZE, value, np.uint8))
    with planned(folder) as plan, pytest.raises(TrimapError, match=f"{sentence}; paint the subject white"):
        trimaps(plan, tmp_path / "keep")


def test_a_mask_is_not_carried_over_a_cut(folder: Path, tmp_path: Path) -> None:
    shot(folder, cut_at=4)
    with (
        planned(folder) as plan,
        pytest.raises(
            TrimapError, match=r"over the cut to frame 1005; put a mask of a frame from 1005 to 1008"
        ),
    ):
        trimaps(plan, tmp_path / "keep")


def test_a_lone_frame_behind_a_cut_is_told_as_that(folder: Path, tmp_path: Path) -> None:
    shot(folder, cut_at=FRAMES - 1)
    with (
        planned(folder) as plan,
        pytest.raises(TrimapError, match=r"over the cut to frame 1008; put a mask of frame 1008 beside it"),
    ):
        trimaps(plan, tmp_path / "keep")


def test_a_mask_on_either_side_of_a_cut_serves(folder: Path, tmp_path: Path) -> None:
    shot(folder, keys=(0, 5), cut_at=4)
    with planned(folder) as plan:
        made = trimaps(plan, tmp_path / "keep")
    assert max(wrong(trimap, n) for n, trimap in enumerate(made)) < 0.005


def leaving(folder: Path) -> None:
    """A ball that rolls out of the frame, which it has left from the fifth frame on, and its mask."""
    rng = np.random.default_rng(1)
    for n in range(FRAMES):
        picture = _wall(0) + rng.normal(0, 2, (*SIZE, 3))
        cv2.circle(picture, (170 + 12 * n, 60), 16, (40, 60, 220), -1)
        write(folder / f"shot.{n + 1}.png", np.clip(picture, 0, 255).astype(np.uint8))
    mask = np.zeros(SIZE, np.uint8)
    cv2.circle(mask, (170, 60), 17, 255, -1)
    write(folder / "shot_mask.1.png", mask)


def test_a_black_mask_says_that_nobody_is_there_from_then_on(folder: Path, tmp_path: Path) -> None:
    leaving(folder)
    write(folder / "shot_mask.6.png", np.zeros(SIZE, np.uint8))
    with planned(folder) as plan:
        made = trimaps(plan, tmp_path / "keep")
    assert [bool(trimap.values.any()) for trimap in made[5:]] == [False] * (FRAMES - 5)
    assert made[5].confidence == 1
    assert min(trimap.confidence for trimap in made[6:]) > 0.6
    # The frames before it are the other key's alone.
    assert float((made[1].values == 1).float().mean()) > 0.005
    assert made[1].confidence > 0.6


def test_a_shot_without_its_subject_is_served_by_a_black_mask(folder: Path, tmp_path: Path) -> None:
    shot(folder, cut_at=4)
    write(folder / "shot_mask.1007.png", np.zeros(SIZE, np.uint8))
    with planned(folder) as plan:
        made = trimaps(plan, tmp_path / "keep")
    assert [bool(trimap.values.any()) for trimap in made] == [True] * 4 + [False] * 4
    assert wrong(made[3], 3) < 0.005


@pytest.mark.parametrize("value", [0, 90])
def test_masks_none_of_which_has_a_subject_are_told(folder: Path, tmp_path: Path, value: int) -> None:
    shot(folder, keys=())
    for n in (1003, 1006):
        write(folder / f"shot_mask.{n}.png", np.full(SIZE, value, np.uint8))
    with planned(folder) as plan, pytest.raises(TrimapError, match="frame 1003 shows no subject; paint"):
        trimaps(plan, tmp_path / "keep")


def test_painted_frames_win_over_a_carried_mask(folder: Path, tmp_path: Path) -> None:
    shot(folder)
    for n in (1003, 1004):
        write(folder / f"shot_trimap.{n}.png", np.full(SIZE, 255, np.uint8))
    with planned(folder) as plan:
        assert plan.trimap.name == "trimap"
        assert "for 2 frames; for the others, the mask of frame 1001 is carried" in plan.trimap.why
        made = trimaps(plan, tmp_path / "keep")
        json.dumps(plan.state())
    assert [float(trimap.values.mean()) == 1 for trimap in made] == [n in (2, 3) for n in range(FRAMES)]
    assert wrong(made[5], 5) < 0.005


def test_a_subject_that_leaves_the_frame_leaves_no_trust(folder: Path, tmp_path: Path) -> None:
    leaving(folder)
    with planned(folder) as plan:
        made = trimaps(plan, tmp_path / "keep")
    assert made[0].confidence > 0.6
    assert made[-1].confidence < 0.3
    assert float((made[-1].values == 1).float().mean()) < 0.01
