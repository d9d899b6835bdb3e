"""Metrics: each against numbers done by hand or by another way."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import ndimage

from dim_model import metrics

ALL = [metrics.sad, metrics.mse, metrics.mad, metrics.grad, metrics.conn]


def unknown_left(height: int = 20, width: int = 30) -> torch.Tensor:
    trimap = torch.zeros(1, 1, height, width)
    trimap[..., : width // 2] = 0.5
    return trimap


@pytest.mark.parametrize("metric", ALL)
def test_a_perfect_matte_has_no_error(metric: object) -> None:
    alpha = torch.rand(2, 1, 20, 30, generator=torch.Generator().manual_seed(0))
    assert metric(alpha, alpha, torch.full_like(alpha, 0.5)).abs().max() < 1e-6  # type: ignore[operator]


@pytest.mark.parametrize("metric", [metrics.sad, metrics.mse, metrics.mad])
def test_known_pixels_do_not_count(metric: object) -> None:
    truth = torch.zeros(1, 1, 20, 30)
    alpha = truth.clone()
    alpha[..., 15:] = 1
    assert metric(alpha, truth, unknown_left()) == 0  # type: ignore[operator]


def test_sums_and_means_are_scaled_as_the_field_does() -> None:
    truth, alpha = torch.zeros(1, 1, 20, 30), torch.full((1, 1, 20, 30), 0.2)
    trimap = unknown_left()
    assert metrics.sad(alpha, truth, trimap) == pytest.approx(300 * 0.2 / 1000)
    assert metrics.mad(alpha, truth, trimap) == pytest.approx(0.2)
    assert metrics.mse(alpha, truth, trimap) == pytest.approx(0.04)


def test_frames_of_a_batch_are_judged_one_by_one() -> None:
    truth = torch.zeros(2, 1, 8, 8)
    alpha = torch.stack([torch.zeros(1, 8, 8), torch.ones(1, 8, 8)])
    assert metrics.mse(alpha, truth, torch.full_like(truth, 0.5)).tolist() == [0, 1]


def test_gradient_agrees_with_scipys_gaussian_derivatives() -> None:
    rng = np.random.default_rng(0)
    alpha, truth = (ndimage.gaussian_filter(rng.random((60, 60)), 2).astype(np.float32) for _ in range(2))

    def magnitude(x: np.ndarray) -> np.ndarray:
        parts = [
            ndimage.gaussian_filter(x, 1.4, order, mode="nearest", truncate=8 / 1.4)
            for order in ((0, 1), (1, 0))
        ]
        return np.hypot(*parts)

    # The benchmark scales its kernel to unit norm; scipy's is the true derivative.
    sigma = 1.4
    norm = math.sqrt(1 / (2 * sigma * math.sqrt(math.pi)) * 1 / (4 * sigma**3 * math.sqrt(math.pi)))
    inside = np.zeros((60, 60), bool)
    inside[10:-10, 10:-10] = True
    expected = ((magnitude(alpha) - magnitude(truth))[inside] / norm) ** 2
    trimap = torch.from_numpy(np.where(inside, 0.5, 0).astype(np.float32))[None, None]
    made = metrics.grad(torch.from_numpy(alpha)[None, None], torch.from_numpy(truth)[None, None], trimap)
    assert float(made) == pytest.approx(expected.sum() / 1000, rel=0.03)


def test_connectivity_punishes_an_island_and_forgives_the_body() -> None:
    truth = torch.zeros(1, 1, 20, 40)
    truth[..., 4:16, 2:20] = 1
    island = truth.clone()
    island[..., 8:12, 30:34] = 1  # sixteen opaque pixels that hang in the air
    trimap = torch.full_like(truth, 0.5)
    # At every level the island is outside the source region, so phi is 1 - 1 there against 1: an error of 1
    # each.
    assert float(metrics.conn(island, truth, trimap)) == pytest.approx(16 / 1000, abs=1e-6)
    softer = truth.clone()
    softer[..., 4:16, 2:20] = 0.95  # as connected as it was
    assert float(metrics.conn(softer, truth, trimap)) < float(metrics.sad(softer, truth, trimap)) + 1e-6
