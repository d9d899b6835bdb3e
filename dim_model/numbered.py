"""A mask's pixels in reading order: what only they have is held in a table with a row for each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dim_model.arrays import Indices, Mask


def numbered(mask: Mask) -> tuple[Indices, NDArray[np.intp]]:
    """Each pixel's row, int32 [H, W], -1 outside the mask [H, W]; each row's pixel, its flat index [N]."""
    pixels = np.flatnonzero(mask)
    slot = np.full(mask.shape, -1, np.int32)
    slot.ravel()[pixels] = np.arange(pixels.size, dtype=np.int32)
    return slot, pixels
