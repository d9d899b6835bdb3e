"""The unknown pixels of a frame, as a table: their colours are read from the frame once, and in order."""

# numba types a kernel by its call; annotations on kernels would say it twice.
# mypy: disable-error-code="no-untyped-def, no-untyped-call"

from __future__ import annotations

from typing import NamedTuple, Self

import numba
import numpy as np
from numpy.typing import NDArray

from dim_model.arrays import Floats, Indices, Mask
from dim_model.numbered import numbered


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


@numba.njit(nogil=True, cache=True)
def read(rgb, pixels, width, top, left):
    """The colours of pixels of a part, by their flat indices into it, in order: float32 [N, 3]."""
    out = np.empty((pixels.size, 3), np.float32)
    y, first = 0, 0
    for n in range(pixels.size):
        while pixels[n] >= first + width:  # a division would cost more than all that is read
            y, first = y + 1, first + width
        pixel = rgb[top + y, left + pixels[n] - first]
        out[n, 0], out[n, 1], out[n, 2] = pixel[0], pixel[1], pixel[2]
    return out
