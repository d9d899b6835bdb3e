"""Trimap sources: the first that applies, frame by frame, or one sentence on what to supply."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from daemon.config import TrimapSettings
from daemon.inbox import scan
from daemon.media import VideoTags, find_media, open_source
from daemon.plan import Plan
from daemon.trimaps import Sidecar, TrimapError
from tests.daemon.cases import SIZE, config, plate, sequence, still, trimap, video, write
from tests.daemon.colour_cases import exr


def planned(folder: Path, **trimap_settings: object) -> Plan:
    settings = config(folder.parent).clip
    if trimap_settings:
        settings = settings.model_copy(update={"trimap": TrimapSettings.model_validate(trimap_settings)})
    (clip,) = scan(folder)
    return Plan(clip, settings, max_pixels=10**6, state={})


def first_trimap(plan: Plan) -> torch.Tensor:
    frame = next(iter(plan.frames(0)))
    return plan.trimap.trimap(frame, 0, plan.view(frame)).values[0]


def test_a_painted_trimap_beats_a_mask(folder: Path) -> None:
    still(folder)
    write(folder / "shot_mask.png", trimap())
    with planned(folder) as plan:
        assert plan.trimap.name == "trimap"
        np.testing.assert_array_equal(first_trimap(plan) == 0.5, trimap() == 128)


def test_a_mask_gives_a_band_around_its_edge(folder: Path) -> None:
    still(folder, with_trimap=False)
    write(folder / "shot_mask.png", np.where(trimap() == 255, 255, 0).astype(np.uint8))
    with planned(folder, erode=60, dilate=90, soft=0) as plan:
        assert plan.trimap.name == "mask"
        row = first_trimap(plan)[10].tolist()
        assert row == [0] * 37 + [0.5] * 5 + [1] * 22  # 36 lines of 1080: a thirtieth of the widths


@pytest.mark.parametrize(
    ("code", "what"), [(0, "shows no subject"), (3, "shows no subject"), (255, "is white all over")]
)
def test_a_stills_mask_that_is_all_one_is_refused(folder: Path, code: int, what: str) -> None:
    still(folder, with_trimap=False)
    write(folder / "shot_mask.png", np.full(SIZE, code, np.uint8))
    with pytest.raises(TrimapError, match=rf"^shot_mask.png: {what}; paint the subject white on black\.$"):
        planned(folder)


@pytest.mark.parametrize("code", [0, 255])
def test_a_stills_mask_with_some_grey_in_it_serves(folder: Path, code: int) -> None:
    still(folder, with_trimap=False)
    mask = np.full(SIZE, code, np.uint8)
    mask[10:20] = 128
    write(folder / "shot_mask.png", mask)
    with planned(folder) as plan:
        assert (first_trimap(plan)[10:20] == 0.5).all()


def test_the_plates_own_alpha_serves(folder: Path) -> None:
    write(folder / "shot.png", np.dstack([plate(), trimap()]))
    with planned(folder) as plan:
        assert plan.trimap.name == "alpha"
        made = first_trimap(plan)
        assert (made[:, :20] == 0).all()
        assert (made[:, 26:38] == 0.5).all()
        assert (made[:, 44:] == 1).all()


@pytest.mark.parametrize("alpha", [0, 1, 254, 255])
def test_an_alpha_that_shows_nobody_is_no_source(folder: Path, alpha: int) -> None:
    """Software that has no alpha writes an empty one beside the picture."""
    green = np.full((96, 96, 3), (40, 170, 30), np.uint8)
    green[30:70, 30:70] = (60, 60, 120)
    write(folder / "shot.png", np.dstack([green, np.full(green.shape[:2], alpha, np.uint8)]))
    with planned(folder) as plan:
        assert plan.trimap.name == "chroma"
        assert (first_trimap(plan)[45:55, 45:55] == 1).all()


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_a_mask_in_the_colours_serves_whatever_is_in_an_alpha_that_says_nothing(
    folder: Path, alpha: float
) -> None:
    matte = (trimap() > 200).astype(np.float32)
    rgba = np.dstack([matte, matte, matte, np.full_like(matte, alpha)])
    write(folder / "shot.png", plate())
    exr(folder / "shot_mask.exr", rgba)
    with planned(folder) as plan:
        made = first_trimap(plan)
    assert made[:, -10:].min() == 1
    assert made[:, :10].max() == 0


def test_what_lies_in_a_folder_of_its_own_is_told_with_that(folder: Path) -> None:
    for n in (1, 2):
        write(folder / f"shot/plate/{n:04d}.png", plate(n))
        write(folder / f"shot/trimap/{n:04d}.png", trimap())
        write(folder / f"shot/mask/{n:04d}.png", trimap()[:9])
    with pytest.raises(TrimapError, match=r"^mask/####\.png: is 64x9, its plate 64x36; supply it at"):
        planned(folder)


def test_a_mask_that_stands_as_players_turn_its_plate_is_told_so(folder: Path) -> None:
    write(folder / "shot_mask.png", np.rot90(trimap()).copy())
    (ref,) = find_media(folder)
    with open_source(ref, max_pixels=10**6) as source:
        height, width = trimap().shape
        lying = replace(source.info, width=width, height=height, tags=VideoTags(rotation=90))
        mask = Sidecar("shot_mask.png", source, lying, pytest.fail)
        with pytest.raises(TrimapError, match=r"before players turn it; turn it to lie as"):
            mask.check()


def walls(folder: Path, *, same: bool = True) -> None:
    """A subject before a patterned wall, and the wall alone, or another."""
    rng = np.random.default_rng(0)
    wall, other = (cv2.resize(rng.integers(80, 200, (18, 24, 3), np.uint8), (192, 144)) for _ in range(2))
    shot = wall.copy()
    shot[40:144, 70:120] = (200, 60, 40)
    write(folder / "shot.png", shot)
    write(folder / "shot_clean.png", wall if same else 255 - other)


def test_what_differs_from_the_clean_plate_is_the_subject(folder: Path) -> None:
    walls(folder)
    with planned(folder) as plan:
        assert plan.trimap.name == "clean"
        assert plan.trimap.why.startswith("what differs from shot_clean.png is the subject; confidence ")
        made = first_trimap(plan)
        assert (made[60:140, 80:110] == 1).all()
        assert (made[:, :50] == 0).all()
        assert (made[:, 140:] == 0).all()


def test_the_clean_plate_of_another_shot_is_refused(folder: Path) -> None:
    walls(folder, same=False)
    with pytest.raises(TrimapError, match=r"shot_clean\.png: differs from the plate over \d+% of the frame"):
        planned(folder)


def test_the_clean_plate_of_another_place_with_the_same_colours_is_refused(folder: Path) -> None:
    rng = np.random.default_rng(0)
    skies = [cv2.resize(rng.integers(128, 151, (18, 24), np.uint8), (192, 144)) for _ in range(2)]
    skies[0][40:144, 70:120] = 20
    write(folder / "shot.png", np.repeat(skies[0][..., None], 3, 2))
    write(folder / "shot_clean.png", np.repeat(skies[1][..., None], 3, 2))
    with pytest.raises(TrimapError, match=r"shot_clean\.png: shows another view than the plate"):
        planned(folder)


def test_clean_plates_of_some_frames_are_refused_before_it_begins(folder: Path) -> None:
    walls(folder)
    shot, wall = (cv2.imread(str(folder / name)) for name in ("shot.png", "shot_clean.png"))
    for name in ("shot.png", "shot_clean.png"):
        (folder / name).unlink()
    for n in range(1001, 1005):
        write(folder / f"shot.{n}.png", np.asarray(shot, np.uint8))
    for n in (1001, 1002):
        write(folder / f"shot_clean.{n}.png", np.asarray(wall, np.uint8))
    with pytest.raises(TrimapError) as refused:
        planned(folder)
    assert str(refused.value) == (
        "shot_clean.####.png: has no picture for frame 1003 and 1 more; supply one for each frame of the "
        "plate, or a still for all of them."
    )


def test_clean_plates_with_numbers_of_their_own_go_by_position(folder: Path) -> None:
    walls(folder)
    for name in ("shot", "shot_clean"):
        picture = np.asarray(cv2.imread(str(folder / f"{name}.png")), np.uint8)
        (folder / f"{name}.png").unlink()
        for n in range(3):
            write(folder / f"{name}.{(1001 if name == 'shot' else 1) + n}.png", picture)
    with planned(folder) as plan:
        assert plan.trimap.name == "clean"


def test_a_green_screen_is_found_by_itself(folder: Path) -> None:
    picture = np.full((36, 64, 3), (40, 170, 30), np.uint8)
    cv2.circle(picture, (32, 20), 9, (120, 140, 200), -1)
    write(folder / "shot.png", picture)
    with planned(folder) as plan:
        assert plan.trimap.name == "chroma"
        assert "green screen" in plan.trimap.why
        made = first_trimap(plan)
        assert made[20, 32] == 1
        assert made[3, 3] == 0


def test_a_screen_can_be_named(folder: Path) -> None:
    picture = np.full((36, 64, 3), (160, 60, 160), np.uint8)  # magenta is not looked for
    cv2.circle(picture, (32, 20), 9, (120, 140, 130), -1)
    write(folder / "shot.png", picture)
    with pytest.raises(TrimapError):
        planned(folder)
    with planned(folder, source="chroma", screen="#a03ca0") as plan:
        assert first_trimap(plan)[3, 3] == 0
        assert first_trimap(plan)[20, 32] == 1


def test_a_clip_with_nothing_to_go_by_is_told_what_to_supply(folder: Path) -> None:
    still(folder, with_trimap=False)
    with pytest.raises(
        TrimapError, match=r"shot\.png: has nothing .* put shot_trimap, shot_mask or shot_clean beside it"
    ):
        planned(folder)


@pytest.mark.parametrize("source", ["trimap", "mask", "alpha", "chroma"])
def test_a_source_that_was_asked_for_and_is_not_there_is_named(folder: Path, source: str) -> None:
    still(folder, with_trimap=False)
    with pytest.raises(TrimapError, match=r"^shot\.png: (has no|shows no) "):
        planned(folder, source=source)


def test_a_sidecar_of_another_size_is_refused_with_both_sizes(folder: Path) -> None:
    still(folder)
    write(folder / "shot_trimap.png", trimap((50, 64)))
    with pytest.raises(TrimapError, match=r"shot_trimap\.png: is 64x50, its plate 64x36"):
        planned(folder)


def test_a_codecs_padding_is_fitted_with_a_warning(folder: Path) -> None:
    still(folder)
    write(folder / "shot_trimap.png", trimap((40, 64)))
    with planned(folder) as plan:
        assert first_trimap(plan).shape == (36, 64)
        assert plan.warnings == ["shot_trimap.png: is 64x40, fitted to the plate's 64x36."]


def test_a_sequence_of_trimaps_goes_by_frame_number(folder: Path) -> None:
    sequence(folder, numbers=(1001, 1003))
    (folder / "shot_trimap.png").unlink()
    for n in range(1001, 1004):
        flat = np.full((36, 64), {1001: 0, 1002: 128, 1003: 255}[n], np.uint8)
        write(folder / f"shot_trimap.{n}.png", flat)
    with planned(folder) as plan:
        made = [
            float(plan.trimap.trimap(f, n, plan.view(f)).values.mean()) for n, f in enumerate(plan.frames(0))
        ]
    assert made == [0, 1]


def test_a_sequence_of_trimaps_with_a_gap_is_refused_before_it_begins(folder: Path) -> None:
    sequence(folder, numbers=(1001, 1002, 1003))
    (folder / "shot_trimap.png").unlink()
    for n in (1001, 1003):
        write(folder / f"shot_trimap.{n}.png", trimap())
    with pytest.raises(TrimapError, match="has only frames 1001 and 1003 of 1001 to 1003; put shot_mask"):
        planned(folder)


def painted_of_a_video(folder: Path, *numbers: int, frames: int = 6) -> None:
    video(folder, frames=frames)
    (folder / "shot_trimap.png").unlink()
    for n in numbers:
        write(folder / f"shot_trimap.{n:04d}.png", trimap())


@pytest.mark.parametrize(
    ("numbers", "there"),
    [
        ((2, 4), "frames 2 and 4"),
        ((1, 2, 3), "frames 1 to 3"),
        ((0, 2, 4, 6, 8, 10, 12), "frames 0, 2, 4, 6 and 3 more"),
    ],
)
def test_trimaps_of_some_frames_of_a_video_alone_are_refused_with_what_the_others_need(
    folder: Path, numbers: tuple[int, ...], there: str
) -> None:
    painted_of_a_video(folder, *numbers, frames=14)
    with pytest.raises(TrimapError) as refused:
        planned(folder)
    assert str(refused.value) == (
        f"shot_trimap.####.png: has only {there} of 0 to 13; put shot_mask or shot_clean beside it for the "
        "others, or supply one for each frame of the plate."
    )


def test_trimaps_of_some_frames_of_a_video_lack_those_that_they_are_not_named_after(folder: Path) -> None:
    painted_of_a_video(folder, 2, 4)
    with pytest.raises(TrimapError, match=r"has no frame 0 and 3 more; supply one for each frame"):
        planned(folder, source="trimap")


def test_a_trimap_of_one_frame_is_told_in_the_singular(folder: Path) -> None:
    sequence(folder, numbers=(1001, 1002, 1003))
    (folder / "shot_trimap.png").rename(folder / "shot_trimap.1002.png")
    write(folder / "shot_mask.1001.png", trimap())
    with planned(folder) as plan:
        assert plan.trimap.why.startswith("shot_trimap.1002.png is beside the plate for one frame; for the ")


def test_trimaps_of_no_frame_of_the_video_are_to_be_named_after_one(folder: Path) -> None:
    painted_of_a_video(folder, 1001, 1002)
    with pytest.raises(TrimapError, match=r"is of frames 1001 to 1002, its plate has 0 to 5; name it after"):
        planned(folder)


def test_missing_frames_of_the_plate_are_told(folder: Path) -> None:
    sequence(folder, numbers=(1001, 1002, 1005))
    with planned(folder) as plan:
        (warning,) = plan.warnings
        assert warning == "shot.####.png: frames 1003, 1004 are missing, and will be so in the result."


def test_a_video_goes_with_a_sequence_of_masks_by_position(folder: Path) -> None:
    video(folder, frames=3)
    (folder / "shot_trimap.png").unlink()
    for n, grey in ((1, 0), (2, 128), (3, 255)):
        write(folder / f"shot_trimap.{n}.png", np.full((36, 64), grey, np.uint8))
    with planned(folder) as plan:
        made = [
            float(plan.trimap.trimap(f, n, plan.view(f)).values.mean()) for n, f in enumerate(plan.frames(0))
        ]
    assert made == [0, 0.5, 1]
