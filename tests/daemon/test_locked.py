"""A locked-off shot without a clean plate: its own background serves; what cannot is told in a sentence."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from daemon.config import TrimapSettings
from daemon.inbox import scan
from daemon.plan import Plan
from daemon.trimaps import TrimapError
from tests.daemon.cases import config, write

HEIGHT, WIDTH, FRAMES = 120, 160, 20


def picture(index: int, *, sways: bool = True, pans: bool = False) -> np.ndarray:
    """A swaying figure before a wall, uint8 [H, W, 3], BGR."""
    rng = np.random.default_rng(0)
    wall, cloth = (
        cv2.resize(rng.uniform(*span, (18, 24, 3)), (WIDTH + 60, HEIGHT)) for span in ((90, 220), (5, 90))
    )
    left = 2 * index if pans else 0
    wall = wall[:, left : left + WIDTH]
    sway = round(9 * np.sin(index * 0.7)) if sways else 0
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    alpha = np.hypot((x - 80 - sway) / 20, (y - 75) / 38) < 1
    made = np.where(alpha[..., None], np.roll(cloth[:, :WIDTH], sway, 1), wall)
    noise = np.random.default_rng(index).normal(0, 1.2, made.shape)
    return np.clip(made + noise, 0, 255).astype(np.uint8)


def shoot(folder: Path, frames: int = FRAMES, *, sways: bool = True, pans: bool = False) -> None:
    folder.mkdir()
    for n in range(frames):
        write(folder / f"shot.{1001 + n}.png", picture(n, sways=sways, pans=pans))


def planned(folder: Path, state: dict[str, object] | None = None, **trimap_settings: object) -> Plan:
    settings = config(folder.parent).clip
    settings = settings.model_copy(update={"trimap": TrimapSettings.model_validate(trimap_settings)})
    (clip,) = scan(folder)
    return Plan(clip, settings, max_pixels=10**6, state=state or {})


def prepared(plan: Plan, keep: Path) -> torch.Tensor:
    """The trimap of the frame in the middle."""
    for _ in plan.trimap.prepare(plan.shot, keep):
        pass
    frame = next(iter(plan.frames(FRAMES // 2)))
    return plan.trimap.trimap(frame, FRAMES // 2, plan.view(frame)).values[0]


def test_a_subject_that_never_leaves_its_place_is_found_without_a_clean_plate(tmp_path: Path) -> None:
    shoot(tmp_path / "in")
    with planned(tmp_path / "in", erode=18, dilate=18) as plan:
        assert plan.trimap.name == "locked"
        made = prepared(plan, tmp_path / "keep")
        assert (made[55:95, 75:85] == 1).all()
        assert (made[:, :40] == 0).all()
        assert (made[:, 120:] == 0).all()


def test_a_resumed_run_makes_the_same_trimaps(tmp_path: Path) -> None:
    shoot(tmp_path / "in")
    with planned(tmp_path / "in") as plan:
        first, state = prepared(plan, tmp_path / "keep"), plan.state()
    with planned(tmp_path / "in", state) as plan:
        torch.testing.assert_close(prepared(plan, tmp_path / "keep"), first, rtol=0, atol=0)


def test_a_camera_that_moves_is_refused_with_how_far(tmp_path: Path) -> None:
    shoot(tmp_path / "in", pans=True)
    with pytest.raises(
        TrimapError,
        match=r"shot\.####\.png: the camera moves by up to \d+ px; supply shot_clean or shot_mask, or choose",
    ):
        planned(tmp_path / "in", source="locked")


def test_a_camera_that_moves_leaves_auto_to_the_others(tmp_path: Path) -> None:
    shoot(tmp_path / "in", pans=True)
    with pytest.raises(TrimapError, match="has nothing to derive a trimap from"):
        planned(tmp_path / "in")


def test_a_shot_in_which_nothing_moves_is_told(tmp_path: Path) -> None:
    shoot(tmp_path / "in", sways=False)
    with (
        planned(tmp_path / "in", source="locked") as plan,
        pytest.raises(TrimapError, match="nothing or too little moves in it"),
    ):
        prepared(plan, tmp_path / "keep")
    with pytest.raises(TrimapError, match="has nothing to derive a trimap from"):
        planned(tmp_path / "in")


def test_a_shot_that_is_too_short_is_told(tmp_path: Path) -> None:
    shoot(tmp_path / "in", 7)
    with pytest.raises(TrimapError, match="has fewer than 8 frames"):
        planned(tmp_path / "in", source="locked")
