"""Propagation: alpha that reaches where no colour is known."""

from __future__ import annotations

import numpy as np
import pytest

from dim_model import likeness
from dim_model.propagation import propagate
from tests.dim_model.linear import noisy


def carried(rgb: np.ndarray, trimap: np.ndarray) -> np.ndarray:
    return propagate(np.ascontiguousarray(rgb, np.float32), (trimap == 1).astype(np.float32), trimap == 0.5)


def test_alpha_follows_a_ramp_between_the_two_sides() -> None:
    x = np.linspace(0, 1, 60, dtype=np.float32)
    alpha = np.broadcast_to(np.clip((0.75 - x) * 2, 0, 1), (30, 60))[..., None]
    red, blue = np.array([0.9, 0.3, 0.2], np.float32), np.array([0.1, 0.3, 0.7], np.float32)
    trimap = np.repeat(np.select([x < 0.2, x > 0.8], [1, 0], 0.5)[None].astype(np.float32), 30, 0)
    found = carried(alpha * red + (1 - alpha) * blue, trimap)
    # A smooth ramp is what cycles solve last, and links hold like colours together.
    assert np.abs(found - alpha[..., 0])[trimap == 0.5].mean() < 0.15
    assert np.corrcoef(found[trimap == 0.5], alpha[trimap == 0.5, 0])[0, 1] > 0.85


def test_a_part_whose_colours_are_nowhere_known_goes_with_what_it_is_joined_to() -> None:
    """Rough cloth that turns from red to blue, and is known where it is red; green behind its hard edge."""
    rng = np.random.default_rng(0)
    x = np.mgrid[:40, :40][1].astype(np.float32)
    blueness = np.clip((x - 5) / 15, 0, 1)[..., None]
    cloth = (1 - blueness) * [0.8, 0.1, 0.1] + blueness * [0.1, 0.1, 0.8]
    rgb = np.where((x < 28)[..., None], cloth, [0.2, 0.6, 0.2]) + rng.normal(0, 0.015, (40, 40, 3))
    trimap = np.select([x < 7, x < 30], [1, 0.5], 0).astype(np.float32)
    found = carried(rgb, trimap)
    assert found[:, 7:27].mean() > found[:, 28:30].mean() + 0.4


@pytest.mark.parametrize("seed", range(3))
def test_likeness_carries_alpha_to_islands(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rough tiles of the subject's two colours among three others; a quarter of the frame is known."""
    rng = np.random.default_rng(seed)
    colours = [[0.7, 0.3, 0.2], [0.3, 0.2, 0.5], [0.2, 0.4, 0.6], [0.5, 0.5, 0.45], [0.3, 0.5, 0.3]]
    tile = np.kron(rng.integers(0, 5, (10, 15)), np.ones((4, 4), int))
    subject = tile < 2
    rgb = np.array(colours)[tile] + rng.normal(0, 0.02, (40, 60, 3))
    trimap = np.where(np.arange(60) < 16, subject, np.float32(0.5)).astype(np.float32)

    def error() -> float:
        return float(np.abs(carried(rgb, trimap) - subject)[trimap == 0.5].mean())

    linked = error()
    monkeypatch.setattr(likeness, "_WEIGHT", np.float32(0))
    assert linked < 0.22
    assert linked < 0.65 * error()


@pytest.mark.parametrize("size", [(1, 1), (2, 90), (11, 13), (64, 7)])
def test_any_size_has_an_alpha(size: tuple[int, int]) -> None:
    trimap = np.full(size, 0.5, np.float32)
    trimap[0, 1:2] = 1
    found = carried(noisy(*size), trimap)
    assert found.shape == size
    assert np.isfinite(found).all()
    assert ((found >= 0) & (found <= 1)).all()
    assert (found[trimap == 1] == 1).all()
