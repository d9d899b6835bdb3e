"""Numbered: a row for each pixel of a mask."""

from __future__ import annotations

import numpy as np
import pytest

from dim_model.numbered import numbered, positions


def test_pixels_are_numbered_as_they_are_read_and_found_by_their_numbers() -> None:
    mask = np.array([[False, True, False], [True, False, True]])
    slot, pixels = numbered(mask)
    assert slot.tolist() == [[-1, 0, -1], [1, -1, 2]]
    assert slot.dtype == np.int32
    assert (slot.ravel()[pixels] == np.arange(3)).all()


@pytest.mark.parametrize("size", [(1, 5), (3, 8), (7, 13), (64, 65), (0, 4)])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 1.0])
def test_positions_are_those_that_numpy_finds(size: tuple[int, int], share: float) -> None:
    mask = np.random.default_rng(3).random(size) < share
    for some in (mask, mask[:, 1:], mask.T):
        found = positions(some)
        assert found.dtype == np.intp
        assert found.tolist() == np.flatnonzero(some).tolist()
