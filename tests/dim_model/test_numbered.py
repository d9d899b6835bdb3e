"""Numbered: a row for each pixel of a mask."""

from __future__ import annotations

import numpy as np

from dim_model.numbered import numbered


def test_pixels_are_numbered_as_they_are_read_and_found_by_their_numbers() -> None:
    mask = np.array([[False, True, False], [True, False, True]])
    slot, pixels = numbered(mask)
    assert slot.tolist() == [[-1, 0, -1], [1, -1, 2]]
    assert slot.dtype == np.int32
    assert (slot.ravel()[pixels] == np.arange(3)).all()
