"""A mask's pixels in reading order: what only they have is held in a table with a row for each."""

# numba types a kernel by its call; annotations on kernels would say it twice.
# mypy: disable-error-code="no-untyped-def, no-untyped-call"

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from dim_model.arrays import Indices, Mask


def numbered(mask: Mask) -> tuple[Indices, NDArray[np.intp]]:
    """Each pixel's row, int32 [H, W], -1 outside the mask [H, W]; each row's pixel, its flat index [N]."""
    pixels = positions(mask)
    slot = np.full(mask.shape, -1, np.int32)
    _number(slot.ravel(), pixels)
    return slot, pixels


def positions(mask: Mask) -> NDArray[np.intp]:
    """The flat indices of a mask's pixels in order, as ``np.flatnonzero`` finds them in three times as long:
    eight pixels of which none is in it are one number.
    """
    flat = np.ascontiguousarray(mask).reshape(-1)
    eights = flat[: flat.size // 8 * 8].view(np.uint64)
    return np.asarray(_positions(flat, eights, np.count_nonzero(flat)), np.intp)


@numba.njit(nogil=True, cache=True)
def _positions(flat, eights, count):
    out = np.empty(count, np.intp)
    n, one, eight, size = np.uintp(0), np.uintp(1), np.uintp(8), np.uintp(flat.size)
    for k in range(np.uintp(eights.size) + one):  # the last is what is left of eight
        if k < np.uintp(eights.size) and not eights[k]:
            continue
        for p in range(eight * k, min(eight * (k + one), size)):
            if flat[p]:
                out[n] = p
                n += one
    return out


@numba.njit(nogil=True, cache=True)
def _number(slot, pixels):
    for n in range(pixels.size):
        slot[np.uintp(pixels[n])] = n


@numba.njit(nogil=True, cache=True)
def read(picture, pixels, width, top=0, left=0):
    """The colours of pixels in order, float32 [N, 3].

    picture: float32 [H, W, 3], C-contiguous. pixels: flat indices into that part of it which is ``width``
    wide and has its corner at (top, left).
    """
    out = np.empty((pixels.size, 3), np.float32)
    y, first = 0, 0
    for n in range(pixels.size):
        while pixels[n] >= first + width:  # a division would cost more than all that is read
            y, first = y + 1, first + width
        pixel = picture[top + y, left + pixels[n] - first]
        out[n, 0], out[n, 1], out[n, 2] = pixel[0], pixel[1], pixel[2]
    return out


@numba.njit(nogil=True, cache=True)
def write(picture, pixels, colours):
    """Give pixels in order their colours, float32 [N, 3]. picture: float32 [H, W, 3 or 4], C-contiguous."""
    y, first, width = 0, 0, picture.shape[1]
    for n in range(pixels.size):
        while pixels[n] >= first + width:
            y, first = y + 1, first + width
        pixel = picture[y, pixels[n] - first]
        pixel[0], pixel[1], pixel[2] = colours[n, 0], colours[n, 1], colours[n, 2]
