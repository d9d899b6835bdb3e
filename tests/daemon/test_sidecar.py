"""Which frames of its plate the pictures beside it are of, and where that is not plain it is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from daemon.config import ClipSettings
from daemon.inbox import scan
from daemon.media import MediaError
from daemon.plan import Plan
from daemon.trimaps import TrimapError
from tests.daemon.cases import plate, sequence, trimap, video, write
from tests.daemon.test_trimaps import planned


@pytest.mark.parametrize("role", ["trimap", "mask", "clean"])
def test_what_goes_on_for_longer_than_its_video_is_told(folder: Path, role: str) -> None:
    """With handles on one side alone every picture would lie beside the wrong frame."""
    video(folder, frames=4)
    (folder / "shot_trimap.png").unlink()
    for n in range(6):
        write(folder / f"shot_{role}.{1001 + n}.png", trimap() if role != "clean" else plate(0))
    with planned(folder) as plan:
        (warning,) = plan.warnings
    assert warning == (
        f"shot_{role}.####.png: has 6 pictures, its plate 4 frames, so its first 4 are taken; let both begin "
        "with the same frame."
    )


def test_masks_of_handles_beside_a_sequence_go_by_number_and_need_no_word(folder: Path) -> None:
    sequence(folder, numbers=range(1003, 1006))
    (folder / "shot_trimap.png").unlink()
    for n in range(1001, 1008):
        write(folder / f"shot_mask.{n}.png", trimap())
    with planned(folder) as plan:
        assert plan.warnings == []


@pytest.mark.parametrize("name", ["shot_mask.-2.png", "shot_mask.-0002.png", "shot_mask_-2.png"])
def test_a_single_mask_may_be_of_a_frame_before_zero(folder: Path, name: str) -> None:
    for n in range(-4, 4):
        write(folder / f"shot.{n}.png", plate(n + 4))
    write(folder / name, trimap())
    with planned(folder) as plan:
        assert plan.trimap.why == f"the mask of frame -2 is carried from {name} to the others"


@pytest.mark.parametrize("role", ["trimap", "mask"])
def test_a_video_that_ends_before_its_sequence_lacks_frames_by_the_plates_numbers(
    folder: Path, role: str
) -> None:
    sequence(folder, numbers=range(1001, 1007))
    (folder / "shot_trimap.png").unlink()
    video(folder, f"shot_{role}", frames=4)
    (folder / f"shot_{role}_trimap.png").unlink()
    with pytest.raises(TrimapError, match=rf"^shot_{role}.mov: has no frame 1005 and 1 more; supply one for"):
        planned(folder)


def test_a_mask_video_need_not_go_on_beyond_the_part_that_is_made(folder: Path) -> None:
    video(folder, frames=6)
    (folder / "shot_trimap.png").unlink()
    video(folder, "shot_mask", frames=4)
    (folder / "shot_mask_trimap.png").unlink()
    (clip,) = scan(folder)
    for frames, reach in (("0-3", range(4)), ("1", range(4)), ("0-4", None)):
        settings = ClipSettings.model_validate({"frames": frames})
        if reach is None:
            with pytest.raises(TrimapError, match="has no frame 4; supply one for each frame"):
                Plan(clip, settings, max_pixels=10**6, state={})
        else:
            with Plan(clip, settings, max_pixels=10**6, state={}) as plan:
                assert plan.trimap.reach(plan.shot) == reach


def _saved(path: Path, grey: np.ndarray, how: str) -> None:
    """A grey picture as painters' programs save it."""
    white = np.full_like(grey, 255)
    shown = {"L": grey, "RGB": np.dstack([grey] * 3), "RGBA": np.dstack([grey, grey, grey, white])}
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(shown[how], how).save(path, icc_profile=None if how == "L" else profile)


@pytest.mark.parametrize("role", ["trimap", "mask"])
def test_a_grey_picture_that_was_painted_over_may_come_back_as_rgb(folder: Path, role: str) -> None:
    sequence(folder, numbers=range(1001, 1004))
    (folder / "shot_trimap.png").unlink()
    for n, how in enumerate(("L", "RGB", "RGBA")):
        _saved(folder / f"shot_{role}.{1001 + n}.png", trimap(), how)
    with planned(folder, soft=0) as plan:
        first, *others = [plan.trimap.trimap(f, n, plan.view(f)).values for n, f in enumerate(plan.frames(0))]
    assert first.unique().tolist() == [0, 0.5, 1]
    assert all(other.equal(first) for other in others)


def test_a_plate_of_mixed_channels_is_refused_as_before(folder: Path) -> None:
    sequence(folder, numbers=range(1001, 1003))
    _saved(folder / "shot.1003.png", trimap(), "L")
    with planned(folder) as plan, pytest.raises(MediaError, match="has other channels or another depth"):
        list(plan.frames(0))
