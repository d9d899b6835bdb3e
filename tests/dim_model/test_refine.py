"""The last step of a matte: alpha follows the plate where it is mixed, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from dim_model import laplacian
from dim_model.arrays import Floats
from dim_model.refine import _ROUGH, _STEPS, refined
from dim_model.residuals import RIDGE
from tests.dim_model.linear import dense, noisy


def _kept(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share that is left of what has these eigenvalues of L/9: the Chebyshev polynomial that is least on
    ``_ROUGH``..1 of those that are 1 at 0.
    """

    def polynomial(x: NDArray[np.float64]) -> NDArray[np.float64]:
        inside = np.cos(_STEPS * np.arccos(x.clip(-1, 1)))
        return np.where(x > 1, np.cosh(_STEPS * np.arccosh(x.clip(1))), inside)

    middle, half = (1 + _ROUGH) / 2, (1 - _ROUGH) / 2
    share: NDArray[np.float64] = polynomial((middle - values) / half)
    return share / polynomial(np.array(middle / half))


@pytest.mark.parametrize(("height", "width"), [(12, 20), (4, 150), (3, 3), (7, 65)])
def test_what_is_rough_by_the_matting_laplacian_is_taken_away(height: int, width: int) -> None:
    rng = np.random.default_rng(height)
    picture = noisy(height, width, 3)
    alpha = rng.random((height, width), dtype=np.float32)
    matrix = dense(*laplacian.rows(picture, np.ones((height, width), bool), RIDGE)) / 9
    values, vectors = np.linalg.eigh(matrix)
    assert values.max() < 1 + 1e-6
    exact = vectors @ (_kept(values) * (vectors.T @ alpha.ravel()))
    found = refined(picture, alpha, np.ones((height, width), bool))
    assert np.abs(found.ravel() - exact).max() < 2e-4


def _edge(rng: np.random.Generator) -> tuple[Floats, Floats]:
    """A slanted edge, two pixels wide, between two textures that are alike in nothing: plate and alpha."""
    y, x = np.mgrid[:48, :150].astype(np.float32)
    alpha = ((x - 70 - 0.2 * y) / 2 + 0.5).clip(0, 1)
    shade = 1 + 0.05 * rng.standard_normal((48, 150, 1)).astype(np.float32)
    sides = np.float32([0.7, 0.5, 0.3]) * shade, np.float32([0.2, 0.3, 0.6]) * shade
    return (alpha[..., None] * sides[0] + (1 - alpha[..., None]) * sides[1]).astype(np.float32), alpha


def test_a_matte_that_is_too_soft_becomes_as_sharp_as_the_plate() -> None:
    picture, alpha = _edge(np.random.default_rng(1))
    y, x = np.mgrid[:48, :150]
    soft = ((x - 70 - 0.2 * y) / 12 + 0.5).clip(0, 1).astype(np.float32)
    mixed = (soft > 0) & (soft < 1)
    found = refined(picture, soft, mixed)
    assert np.abs(found - alpha)[mixed].mean() < 0.5 * np.abs(soft - alpha)[mixed].mean()


def test_what_is_sure_stays_and_its_neighbours_hear_it() -> None:
    rng = np.random.default_rng(2)
    picture = noisy(20, 90, 3)
    alpha = rng.random((20, 90), dtype=np.float32)
    mixed = rng.random((20, 90)) < 0.3
    mixed[10, 64] = True
    found = refined(picture, alpha, mixed)
    assert np.array_equal(found[~mixed], alpha[~mixed])
    assert np.abs(found - alpha)[mixed].mean() > 0.1
    beside = alpha.copy()
    beside[10, 63] += 0.5
    told = mixed.copy()
    told[10, 63] = False
    assert refined(picture, beside, told)[10, 64] != refined(picture, alpha, told)[10, 64]


@pytest.mark.parametrize(("height", "width"), [(2, 40), (40, 2), (1, 1), (0, 0)])
def test_a_frame_without_a_window_is_left_as_it_is(height: int, width: int) -> None:
    alpha = np.full((height, width), 0.5, np.float32)
    found = refined(np.zeros((height, width, 3), np.float32), alpha, np.ones((height, width), bool))
    assert np.array_equal(found, alpha)


def test_frames_of_one_colour_and_without_anything_mixed_are_no_exception() -> None:
    picture = np.full((30, 70, 3), 0.25, np.float32)
    alpha = np.random.default_rng(3).random((30, 70), dtype=np.float32)
    assert np.array_equal(refined(picture, alpha, np.zeros((30, 70), bool)), alpha)
    found = refined(picture, alpha, np.ones((30, 70), bool))
    # Where colour tells nothing, windows have but a mean: alpha is smoothed.
    assert found.std() < 0.3 * alpha.std()
