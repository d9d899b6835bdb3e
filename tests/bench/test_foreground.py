"""The foreground's bench measures what it says."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from bench import foreground


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two pictures with detail enough to be taken for photographs."""
    (tmp_path / "photos").mkdir()
    for n in range(2):
        coarse = np.random.default_rng(n).integers(0, 255, (24, 24, 3), np.uint8)
        picture = cv2.resize(coarse, (640, 640), interpolation=cv2.INTER_CUBIC)
        assert cv2.imwrite(str(tmp_path / f"photos/{n}.png"), picture)
    return tmp_path / "photos"


def test_a_foreground_that_is_no_secret_has_no_error() -> None:
    alpha = np.zeros((32, 32), np.float32)
    alpha[:, 12:20], alpha[:, 20:] = 0.5, 1
    flat = np.full((32, 32, 3), 0.4, np.float32)
    found = foreground.figures(foreground.Case("flat", flat, alpha, flat))
    assert max(found.values()) < 0.01


def test_errors_are_those_of_mixed_pixels_and_weighted_by_alpha() -> None:
    alpha = np.full((16, 16), 0.25, np.float32)
    alpha[:, :8] = 1
    flat = np.full((16, 16, 3), 0.4, np.float32)
    wrong = np.where(alpha[..., None] == 1, np.float32(9), np.float32(0.5)) + 0 * flat
    found = foreground.figures(foreground.Case("off", flat, alpha, wrong))
    assert found["dimd, plain"] == pytest.approx(0.1, abs=0.01)
    assert found["dimd, weighted"] == pytest.approx(0.025, abs=0.0025)


def test_every_drawn_scene_is_judged_as_light_and_as_a_plate(photos: Path) -> None:
    kinds = [case.kind for case in foreground.drawn(photos, 2, 0)]
    assert kinds == ["drawn, light", "drawn, plate"] * 2


def test_mattes_lie_before_photographs(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "mattes").mkdir()
    matte = np.tile(np.arange(96, dtype=np.uint8) * 2, (64, 1))
    assert cv2.imwrite(str(tmp_path / "mattes/one.png"), matte)
    (case,) = foreground.mattes(tmp_path / "mattes", photos, 0)
    assert case.image.shape == (64, 64, 3)
    assert np.allclose(case.alpha * 255, matte[:, :64])
