"""The unknown pixels of a frame, as a table: their colours are read from the frame once, and in order."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from dim_model.arrays import Floats, Indices, Mask
from dim_model.numbered import numbered, read


class Unknown(NamedTuple):
    """Of a part of a frame. slot: each unknown pixel's row in the table, int32 [H, W], or -1. pixels: int
    [N], each row's pixel, its flat index into the part. colours: float32 [N, 3].
    """

    slot: Indices
    pixels: NDArray[np.intp]
    colours: Floats

    @classmethod
    def of(cls, rgb: Floats, mask: Mask, corner: tuple[int, int] = (0, 0)) -> Self:
        """rgb: a whole frame, C-contiguous; mask: of the part, bool [H, W], whose corner (y, x) this is."""
        slot, pixels = numbered(mask)
        return cls(slot, pixels, read(rgb, pixels, mask.shape[1], *corner))
