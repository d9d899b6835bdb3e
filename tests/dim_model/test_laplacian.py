"""The matting Laplacian is the field's."""

from __future__ import annotations

import numpy as np
import pymatting

from dim_model import laplacian
from tests.dim_model.linear import dense, noisy


def test_the_rows_are_levins() -> None:
    picture = noisy(17, 23)
    unknown = np.ones((17, 23), bool)
    slot, rows = laplacian.rows(picture, unknown, 1e-5)
    levins = pymatting.cf_laplacian(
        picture.astype(float), epsilon=9e-5
    ).toarray()  # per window, not per pixel
    assert np.allclose(dense(slot, rows), levins, atol=1e-4)


def test_rows_of_a_band_equal_those_of_the_whole() -> None:
    picture = noisy(20, 30)
    band = np.zeros((20, 30), bool)
    band[5:12, 8:25] = True
    slot, rows = laplacian.rows(picture, band, 1e-5)
    whole_slot, whole = laplacian.rows(picture, np.ones_like(band), 1e-5)
    assert np.allclose(rows, whole[whole_slot[band]], atol=1e-6)
    assert np.array_equal(np.flatnonzero(slot.ravel() >= 0), np.flatnonzero(band.ravel()))
