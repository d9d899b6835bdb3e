"""Propagation: alpha that reaches where no colour is known."""

from __future__ import annotations

import numpy as np
import pytest

from dim_model.propagation import propagate
from tests.dim_model.linear import noisy


def test_alpha_follows_a_ramp_between_the_two_sides() -> None:
    x = np.linspace(0, 1, 240, dtype=np.float32)
    alpha = np.broadcast_to(np.clip((0.75 - x) * 2, 0, 1), (120, 240))[..., None]
    red, blue = np.array([0.9, 0.3, 0.2], np.float32), np.array([0.1, 0.3, 0.7], np.float32)
    trimap = np.repeat(np.select([x < 0.2, x > 0.8], [1, 0], 0.5)[None].astype(np.float32), 120, 0)
    found, linked = propagate(np.ascontiguousarray(alpha * red + (1 - alpha) * blue), trimap).T
    truth = alpha[trimap == 0.5, 0]
    assert np.abs(found - truth).mean() < 0.08  # a smooth ramp is what cycles solve last
    assert np.abs(linked - truth).mean() < 0.15  # links hold like colours together, which takes longer still
    assert np.corrcoef(found, truth)[0, 1] > 0.97


def test_a_part_whose_colours_are_nowhere_known_goes_with_what_it_is_joined_to() -> None:
    """Rough cloth that turns from red to blue, and is known where it is red; green behind its hard edge."""
    rng = np.random.default_rng(0)
    x = np.mgrid[:160, :160][1].astype(np.float32)
    blueness = np.clip((x - 20) / 60, 0, 1)[..., None]
    cloth = (1 - blueness) * [0.8, 0.1, 0.1] + blueness * [0.1, 0.1, 0.8]
    rough = np.kron(rng.normal(0, 0.015, (40, 40, 3)), np.ones((4, 4, 1)))
    rgb = np.where((x < 112)[..., None], cloth, [0.2, 0.6, 0.2]) + rough
    trimap = np.select([x < 30, x < 120], [1, 0.5], 0).astype(np.float32)
    found = propagate(np.ascontiguousarray(rgb, np.float32), trimap)[:, 0].reshape(160, -1)
    assert found[:, 30:78].mean() > found[:, 83:].mean() + 0.4


@pytest.mark.parametrize("seed", range(3))
def test_likeness_carries_alpha_to_islands(seed: int) -> None:
    """Rough tiles of the subject's two colours among three others; a quarter of the frame is known."""
    rng = np.random.default_rng(seed)
    colours = [[0.7, 0.3, 0.2], [0.3, 0.2, 0.5], [0.2, 0.4, 0.6], [0.5, 0.5, 0.45], [0.3, 0.5, 0.3]]
    tile = np.kron(rng.integers(0, 5, (10, 15)), np.ones((16, 16), int))
    subject = tile < 2
    rgb = np.array(colours)[tile] + rng.normal(0, 0.08, (160, 240, 3))
    trimap = np.where(np.arange(240) < 64, subject, np.float32(0.5)).astype(np.float32)
    propagated, linked = propagate(np.ascontiguousarray(rgb, np.float32), trimap).T
    truth = subject[trimap == 0.5]
    assert np.abs(linked - truth).mean() < 0.22
    assert np.abs(linked - truth).mean() < 0.65 * np.abs(propagated - truth).mean()


@pytest.mark.parametrize("size", [(1, 1), (2, 90), (11, 13), (64, 7)])
def test_any_size_has_an_alpha(size: tuple[int, int]) -> None:
    trimap = np.full(size, 0.5, np.float32)
    trimap[0, 1:2] = 1
    found = propagate(noisy(*size), trimap)
    assert found.shape == ((trimap == 0.5).sum(), 2)
    assert np.isfinite(found).all()
    assert ((found >= 0) & (found <= 1)).all()
