"""A plate with alpha is matted as the picture that it is, with whatever its alpha lets through."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from daemon.config import ClipSettings
from daemon.inbox import scan
from daemon.media import ClipInfo, Frame, VideoTags, open_sink
from daemon.plan import Plan
from tests.daemon.cases import SIZE
from tests.daemon.stills import picture

RATE = Fraction(25)
SUBJECT, WALL = np.array([0.8, 0.4, 0.15], np.float32), np.array([0.1, 0.3, 0.6], np.float32)


def ramp() -> np.ndarray:
    """Alpha from 0 to 1 across the picture, both there, float32 [H, W, 1]."""
    height, width = SIZE
    row = np.clip((np.arange(width, dtype=np.float32) - 20) / 16, 0, 1)
    return np.broadcast_to(row[None, :, None], (height, width, 1))


def shown(folder: Path) -> np.ndarray:
    (clip,) = scan(folder)
    with Plan(clip, ClipSettings(), max_pixels=10**6, state={}) as plan:
        return plan.plate(next(iter(plan.frames(0)))).permute(1, 2, 0).numpy()


@pytest.mark.parametrize("suffix", ["exr", "tif"])
def test_a_premultiplied_render_is_shown_before_black(folder: Path, suffix: str) -> None:
    held = np.dstack([SUBJECT * ramp(), ramp()])
    picture(folder / f"shot.{suffix}", held, "float")
    np.testing.assert_allclose(shown(folder), held[..., :3], atol=1e-6)


def test_a_plate_whose_exr_has_a_matte_beside_it_is_shown_as_it_was_shot(folder: Path) -> None:
    shot = SUBJECT * ramp() + WALL * (1 - ramp())
    picture(folder / "shot.exr", np.dstack([shot, ramp()]), "float")
    np.testing.assert_allclose(shown(folder), shot, atol=1e-6)


@pytest.mark.parametrize("nothing", [0.0, 1.0])
def test_a_straight_cut_out_is_shown_before_black(folder: Path, nothing: float) -> None:
    colours = np.where(ramp() > 0, SUBJECT, nothing)
    write = {"oiio:UnassociatedAlpha": 1}
    picture(folder / "shot.png", np.dstack([colours, ramp()]).astype(np.float32), "uint16", **write)
    np.testing.assert_allclose(shown(folder), SUBJECT * ramp(), atol=1e-4)


@pytest.mark.parametrize("wall", [WALL, np.zeros(3, np.float32)])
def test_a_picture_with_a_matte_is_shown_as_it_is(folder: Path, wall: np.ndarray) -> None:
    shot = SUBJECT * ramp() + wall * (1 - ramp())
    write = {"oiio:UnassociatedAlpha": 1}
    picture(folder / "shot.png", np.dstack([shot, ramp()]).astype(np.float32), "uint16", **write)
    np.testing.assert_allclose(shown(folder), shot, atol=1e-4)


@pytest.mark.parametrize("format", ["prores4444", "vp9"])
@pytest.mark.parametrize("straight", [True, False])
def test_a_cut_out_is_told_from_what_is_multiplied_in_video_too(
    folder: Path, tmp_path: Path, format: str, straight: bool
) -> None:
    colours = np.where(ramp() > 0, SUBJECT, 0) if straight else SUBJECT * ramp()
    pixels = np.dstack([colours, ramp()]).astype(np.float32)
    height, width = SIZE
    like = ClipInfo(
        "video", width, height, 4, (0,), (), "display", 8, False, RATE, 1 / RATE, (0,), VideoTags()
    )
    (tmp_path / "making").mkdir()
    with open_sink(format, tmp_path / "making", "shot", like, channels=4) as sink:
        sink.write(Frame(0, pixels))
        sink.finish()
    (made,) = (tmp_path / "making").iterdir()
    made.rename(folder / made.name)
    np.testing.assert_allclose(shown(folder)[:, 24:], (SUBJECT * ramp())[:, 24:], atol=0.06)
