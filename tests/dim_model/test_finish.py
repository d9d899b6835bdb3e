"""What becomes of a network's alpha: known pixels stay, ends are ends, what is mixed follows the plate."""

from __future__ import annotations

import numpy as np
import pytest

from dim_model.arrays import Floats
from dim_model.finish import finished
from dim_model.refine import refined
from tests.dim_model.linear import noisy


def _told(alpha: Floats, behind: Floats | None = None) -> tuple[Floats, Floats]:
    """A trimap with an unknown middle, and the matte that comes of an alpha of it all."""
    known = np.zeros(alpha.shape, np.float32)
    known[:, :20], known[:, 20:60] = 1, 0.5
    unknown = np.flatnonzero(known == 0.5)
    picture = noisy(*alpha.shape, 3)
    return known, finished(picture, known, unknown, alpha.ravel()[unknown], behind)


def test_known_pixels_stay_and_the_rest_is_the_refined_alpha() -> None:
    alpha = np.random.default_rng(1).uniform(0.1, 0.9, (30, 80)).astype(np.float32)
    known, matte = _told(alpha)
    assert np.array_equal(matte[known != 0.5], known[known != 0.5])
    settled = np.where(known == 0.5, (alpha - 1 / 255) / (1 - 2 / 255), known).astype(np.float32)
    expected = refined(noisy(30, 80, 3), settled, known == 0.5).clip(0, 1)
    assert np.abs(matte - expected).max() < 1e-5


@pytest.mark.parametrize(("said", "end"), [(-0.4, 0), (0.003, 0), (0.998, 1), (1.7, 1)])
def test_what_is_all_but_an_end_is_that_end(said: float, end: float) -> None:
    _, matte = _told(np.full((30, 80), said, np.float32))
    assert np.all(matte[:, 20:60] == end)


def test_what_is_no_number_is_told_as_none() -> None:
    """A device's fault is to be seen by the canary and by whoever checks frames."""
    alpha = np.full((30, 80), 0.5, np.float32)
    alpha[15, 40] = np.nan
    _, matte = _told(alpha)
    assert np.isnan(matte[15, 40])
    assert np.isfinite(matte[:, :20]).all()


def _moved(behind: Floats | None) -> float:
    """How far mixed alpha is moved before a background."""
    alpha = np.random.default_rng(2).uniform(0.1, 0.9, (30, 80)).astype(np.float32)
    _, matte = _told(alpha, behind)
    return float(np.abs(matte - alpha)[:, 20:60].mean())


def test_before_a_known_background_that_varies_alpha_follows_the_plate_less() -> None:
    """There the network went by the background, and colour tells less of alpha."""
    rough = np.random.default_rng(3).random((30, 80, 3), dtype=np.float32)
    smooth = np.full((30, 80, 3), 0.3, np.float32)
    unseen = np.full((30, 80, 3), np.nan, np.float32)
    assert _moved(smooth) == _moved(unseen) == pytest.approx(_moved(None), abs=1e-6)
    assert _moved(rough) < 0.5 * _moved(None)
