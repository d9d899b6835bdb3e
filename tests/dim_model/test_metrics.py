"""Metrics: each against numbers done by hand or by another way."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import ndimage
from skimage.measure import label

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


def test_gradient_agrees_with_the_benchmarks_loops() -> None:
    """Rhemann et al.'s gaussgradient.m, sigma 1.4, written out."""
    sigma, half = 1.4, 4
    kernel = np.zeros((2 * half + 1, 2 * half + 1))
    for i in range(-half, half + 1):
        for j in range(-half, half + 1):
            gauss = [math.exp(-(u**2) / (2 * sigma**2)) / (sigma * math.sqrt(2 * math.pi)) for u in (i, j)]
            kernel[i + half, j + half] = gauss[0] * -j * gauss[1] / sigma**2
    kernel /= math.sqrt((kernel**2).sum())
    rng = np.random.default_rng(1)
    alpha, truth = (ndimage.gaussian_filter(rng.random((50, 60)), 1).astype(np.float32) for _ in range(2))
    strengths = [
        np.hypot(*[ndimage.convolve(x.astype(float), k, mode="nearest") for k in (kernel, kernel.T)])
        for x in (alpha, truth)
    ]
    expected = np.square(strengths[0] - strengths[1]).sum() / 1000
    tensors = [torch.from_numpy(x)[None, None] for x in (alpha, truth)]
    assert float(metrics.grad(*tensors, torch.full((1, 1, 50, 60), 0.5))) == pytest.approx(expected, rel=1e-4)


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


def connectivity_by_hand(alpha: np.ndarray, truth: np.ndarray, step: float = 0.1) -> np.ndarray:
    """Rhemann et al. 2009, eq. 4, pixel by pixel: phi = 1 - (d where d >= 0.15), d above the highest level at
    which the pixel still hangs together with the source region.
    """
    highest = np.zeros(alpha.shape)
    joined = np.ones(alpha.shape, bool)
    for n in range(1, round(1 / step) + 1):
        parts = label(np.minimum(alpha, truth) >= n * step - 1e-9, connectivity=1)
        sizes = np.bincount(parts.ravel())[1:]
        source = parts == 1 + sizes.argmax() if sizes.size else np.zeros(alpha.shape, bool)
        joined &= source
        highest[joined] = n * step
    apart = [np.where(x - highest >= 0.15, x - highest, 0) for x in (alpha, truth)]
    return np.abs(apart[0] - apart[1])


@pytest.mark.parametrize("seed", range(3))
def test_connectivity_agrees_with_another_way_to_compute_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = np.clip(4 * ndimage.gaussian_filter(rng.random((60, 80)), 3) - 1.5, 0, 1).astype(np.float32)
    alpha = np.clip(truth + rng.normal(0, 0.15, truth.shape), 0, 1).astype(np.float32)
    inside = rng.random(truth.shape) > 0.3
    expected = connectivity_by_hand(alpha, truth)[inside].sum() / 1000
    trimap = torch.from_numpy(np.where(inside, 0.5, 1).astype(np.float32))[None, None]
    made = metrics.conn(torch.from_numpy(alpha)[None, None], torch.from_numpy(truth)[None, None], trimap)
    assert expected > 0.05
    assert float(made) == pytest.approx(expected, rel=1e-4)


def test_sums_and_means_agree_with_numpy() -> None:
    rng = np.random.default_rng(0)
    alpha, truth = rng.random((2, 3, 1, 40, 50), dtype=np.float32)
    trimap = rng.choice(np.float32([0, 0.5, 1]), (3, 1, 40, 50))
    tensors = [torch.from_numpy(x) for x in (alpha, truth, trimap)]
    off = [(a - t)[m == 0.5] for a, t, m in zip(alpha, truth, trimap, strict=True)]
    assert metrics.sad(*tensors).tolist() == pytest.approx([np.abs(x).sum() / 1000 for x in off], rel=1e-5)
    assert metrics.mad(*tensors).tolist() == pytest.approx([np.abs(x).mean() for x in off], rel=1e-5)
    assert metrics.mse(*tensors).tolist() == pytest.approx([np.square(x).mean() for x in off], rel=1e-5)


def test_flicker_is_scaled_as_robust_video_matting_does() -> None:
    rng = np.random.default_rng(0)
    alpha, truth = rng.random((2, 4, 1, 20, 30), dtype=np.float32)
    expected = []
    for t in range(1, 4):
        squared = ((alpha[t] - alpha[t - 1]) - (truth[t] - truth[t - 1])) ** 2
        expected.append(np.sqrt(squared.sum() / truth[t].size) * 1e2)
    whole = torch.full((4, 1, 20, 30), 0.5)
    made = metrics.dtssd(torch.from_numpy(alpha), torch.from_numpy(truth), whole)
    assert made.tolist() == pytest.approx(expected, rel=1e-5)


def test_flicker_counts_what_is_unknown_in_either_frame() -> None:
    truth, alpha = torch.zeros(2, 1, 20, 30), torch.zeros(2, 1, 20, 30)
    alpha[1] = 0.3
    trimap = torch.zeros(2, 1, 20, 30)
    trimap[0, :, :, :3], trimap[1, :, :, 27:] = 0.5, 0.5
    assert metrics.dtssd(alpha, truth, trimap).tolist() == pytest.approx([30.0])
    alpha[1, :, :, :3] = 0
    assert metrics.dtssd(alpha, truth, trimap).tolist() == pytest.approx([100 * 0.3 / math.sqrt(2)])


def test_an_error_that_stands_still_does_not_flicker() -> None:
    truth = torch.rand(3, 1, 20, 30, generator=torch.Generator().manual_seed(0)) / 2
    assert metrics.dtssd(truth + 0.3, truth, torch.full_like(truth, 0.5)).max() < 1e-4
    assert metrics.dtssd(truth + 0.3, truth, torch.zeros_like(truth)).tolist() == [0, 0]
