"""A plate with alpha is matted as the picture that it is, with whatever its alpha lets through."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from daemon.config import ClipSettings
from daemon.inbox import scan
from daemon.plan import Plan
from tests.daemon.cases import SIZE
from tests.daemon.stills import picture

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
