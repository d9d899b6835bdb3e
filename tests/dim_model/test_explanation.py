"""Explanation: what is said of each unknown pixel, and of no other."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from dim_model.explanation import explain


def linear(size: tuple[int, int], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A smooth picture, and an alpha that is linear in its colours, between 0 and 1."""
    noise = np.random.default_rng(seed).random((*size, 3), np.float32)
    rgb = cv2.GaussianBlur(noise, (0, 0), 4)
    alpha = rgb @ np.array([0.3, 0.2, 0.4], np.float32)
    spread = (alpha - alpha.min()) / max(float(np.ptp(alpha)), 1e-6)
    return rgb, spread


@pytest.mark.parametrize("size", [(96, 128), (37, 53), (3, 50)])
def test_unknown_pixels_that_lie_singly_are_explained_each(size: tuple[int, int]) -> None:
    """Nearly all that is fitted around them is left out, and none of that may be read."""
    rng = np.random.default_rng(2)
    rgb, alpha = linear(size, 2)
    trimap = np.where(rng.random(size) < 0.02, np.float32(0.5), (alpha > 0.5).astype(np.float32))
    trimap[-1, -1] = 0.5
    made = explain(rgb, trimap)
    pixels = trimap == 0.5
    assert made.estimates.shape == (pixels.sum(), 5)
    assert np.isfinite(made.estimates).all()
    assert ((made.estimates >= 0) & (made.estimates <= 1)).all()
    y, x = np.nonzero(pixels)
    assert (made.slot[y - made.corner[0], x - made.corner[1]] == np.arange(len(y))).all()
    for colours in (made.foreground, made.background):
        told = colours[(y - made.corner[0]) // 2, (x - made.corner[1]) // 2]
        assert np.isfinite(told).all()


def test_a_soft_edge_between_two_colours_is_found_by_every_estimate() -> None:
    x = np.linspace(-1, 1, 160, dtype=np.float32)
    alpha = np.repeat(np.clip(0.5 - 4 * x, 0, 1)[None], 96, 0)
    red, blue = np.array([0.8, 0.3, 0.2], np.float32), np.array([0.1, 0.3, 0.7], np.float32)
    rgb = alpha[..., None] * red + (1 - alpha[..., None]) * blue
    trimap = np.repeat(np.select([x < -0.2, x > 0.2], [1, 0], 0.5)[None].astype(np.float32), 96, 0)
    made = explain(rgb, trimap)
    truth = alpha[trimap == 0.5]
    for column in range(4):
        assert np.abs(made.estimates[:, column] - truth).mean() < 0.06, column
    assert made.estimates[:, 4].mean() > 0.8


def test_far_from_what_is_unknown_nothing_is_looked_at() -> None:
    rgb, _ = linear((600, 900), 3)
    trimap = np.zeros((600, 900), np.float32)
    trimap[280:320, 430:470], trimap[290:310, 440:460] = 0.5, 1.0
    made = explain(rgb, trimap)
    assert made.slot.shape[0] <= 400
    assert made.slot.shape[1] <= 400
    changed = rgb.copy()
    changed[:, :100] = 1 - rgb[:, :100]
    np.testing.assert_array_equal(made.estimates, explain(changed, trimap).estimates)
