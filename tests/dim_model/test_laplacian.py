"""Propagation: the field's matting Laplacian, solved; alpha that reaches where no colour is known."""

from __future__ import annotations

import numpy as np
import pymatting
import pytest
import scipy.sparse
import scipy.sparse.linalg

from dim_model import laplacian


def noisy(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Soft blobs of colour with a little noise, float32 [height, width, 3]."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width].astype(np.float32) / 8
    waves = np.stack([np.sin(x * a + y * b) for a, b in rng.uniform(-1, 1, (3, 2))], -1)
    return (0.5 + 0.4 * waves + 0.02 * rng.standard_normal((height, width, 3))).astype(np.float32)


def dense(slot: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Rows of 5 x 5 coefficients as columns over all pixels."""
    height, width = slot.shape
    full = np.zeros((len(rows), height * width))
    for y, x in zip(*np.nonzero(slot >= 0), strict=True):
        for k in range(25):
            v, u = y + k // 5 - 2, x + k % 5 - 2
            if 0 <= v < height and 0 <= u < width:
                full[slot[y, x], v * width + u] += rows[slot[y, x], k]
    return full


def test_the_rows_are_levins() -> None:
    picture = noisy(17, 23)
    unknown = np.ones((17, 23), bool)
    slot, rows = laplacian._laplacian(picture, unknown, 1e-5)
    levins = pymatting.cf_laplacian(
        picture.astype(float), epsilon=9e-5
    ).toarray()  # per window, not per pixel
    assert np.allclose(dense(slot, rows), levins, atol=1e-4)


def test_rows_of_a_band_equal_those_of_the_whole() -> None:
    picture = noisy(20, 30)
    band = np.zeros((20, 30), bool)
    band[5:12, 8:25] = True
    slot, rows = laplacian._laplacian(picture, band, 1e-5)
    whole_slot, whole = laplacian._laplacian(picture, np.ones_like(band), 1e-5)
    assert np.allclose(rows, whole[whole_slot[band]], atol=1e-6)
    assert np.array_equal(np.flatnonzero(slot.ravel() >= 0), np.flatnonzero(band.ravel()))


def test_the_cycles_solve_the_system() -> None:
    """Against a direct solution: near everywhere, for a fixed and small amount of work."""
    picture = noisy(48, 64, 3)
    alpha = np.zeros((48, 64), np.float32)
    alpha[:, :20] = 1
    unknown = np.zeros((48, 64), bool)
    unknown[:, 20:44] = True
    slot, rows = laplacian._laplacian(picture, unknown, 1e-4)
    neighbours, right = laplacian._split(slot, rows, alpha, 1e-7)
    matrix = scipy.sparse.csc_matrix(dense(slot, rows)[:, np.flatnonzero(unknown)])
    exact = scipy.sparse.linalg.spsolve(matrix, right)
    found = laplacian._solve(slot, neighbours, rows, right)
    assert np.abs(found - exact).mean() < 0.01
    assert exact.std() > 0.2


def test_alpha_follows_a_ramp_between_the_two_sides() -> None:
    x = np.linspace(0, 1, 240, dtype=np.float32)
    alpha = np.broadcast_to(np.clip((0.75 - x) * 2, 0, 1), (120, 240))[..., None]
    red, blue = np.array([0.9, 0.3, 0.2], np.float32), np.array([0.1, 0.3, 0.7], np.float32)
    trimap = np.repeat(np.select([x < 0.2, x > 0.8], [1, 0], 0.5)[None].astype(np.float32), 120, 0)
    found = laplacian.propagate(np.ascontiguousarray(alpha * red + (1 - alpha) * blue), trimap)
    assert np.abs(found - alpha[trimap == 0.5, 0]).mean() < 0.08  # a smooth ramp is what cycles solve last
    assert np.corrcoef(found, alpha[trimap == 0.5, 0])[0, 1] > 0.97


def test_a_part_whose_colours_are_nowhere_known_goes_with_what_it_is_joined_to() -> None:
    """Rough cloth that turns from red to blue, and is known where it is red; green behind its hard edge."""
    rng = np.random.default_rng(0)
    x = np.mgrid[:160, :160][1].astype(np.float32)
    blueness = np.clip((x - 20) / 60, 0, 1)[..., None]
    cloth = (1 - blueness) * [0.8, 0.1, 0.1] + blueness * [0.1, 0.1, 0.8]
    rough = np.kron(rng.normal(0, 0.015, (40, 40, 3)), np.ones((4, 4, 1)))
    rgb = np.where((x < 112)[..., None], cloth, [0.2, 0.6, 0.2]) + rough
    trimap = np.select([x < 30, x < 120], [1, 0.5], 0).astype(np.float32)
    found = laplacian.propagate(np.ascontiguousarray(rgb, np.float32), trimap).reshape(160, -1)
    assert found[:, 30:78].mean() > found[:, 83:].mean() + 0.4


@pytest.mark.parametrize("size", [(1, 1), (2, 90), (11, 13), (64, 7)])
def test_any_size_has_an_alpha(size: tuple[int, int]) -> None:
    trimap = np.full(size, 0.5, np.float32)
    trimap[0, 1:2] = 1
    found = laplacian.propagate(noisy(*size), trimap)
    assert found.shape == ((trimap == 0.5).sum(),)
    assert np.isfinite(found).all()
    assert ((found >= 0) & (found <= 1)).all()
