"""What a matte shows of a frame, in one pass over it: a frame that is known is nothing but this.

The kernels release the GIL.
"""

# numba types a kernel by its call; annotations on kernels would say it twice.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg"

from __future__ import annotations

import numba
import numpy as np

from dim_model.arrays import Floats


def shown(rgb: Floats, alpha: Floats) -> Floats:
    """``rgb``, [H, W, 3], where ``alpha``, [H, W], is above 0, and 0 elsewhere, whatever was there; alpha is
    its fourth channel: float32 [H, W, 4].
    """
    picture = np.empty((*alpha.shape, 4), np.float32)
    _show(np.ascontiguousarray(rgb), np.ascontiguousarray(alpha), picture)
    return picture


def over(rgb: Floats, alpha: Floats, behind: Floats) -> Floats:
    """``rgb`` where ``alpha`` is above 0, and ``behind`` elsewhere: float32 [H, W, 3], as both are."""
    picture = np.empty((*alpha.shape, 3), np.float32)
    _lay(rgb, np.ascontiguousarray(alpha), np.ascontiguousarray(behind), picture)
    return picture


@numba.njit(nogil=True, cache=True)
def _lay(rgb, alpha, behind, picture):
    height, width = alpha.shape
    for y in range(height):
        for x in range(width):
            for k in range(3):
                picture[y, x, k] = rgb[y, x, k] if alpha[y, x] > 0 else behind[y, x, k]


@numba.njit(nogil=True, cache=True)
def _show(rgb, alpha, picture):
    height, width = alpha.shape
    for y in range(height):
        for x in range(width):
            a = alpha[y, x]
            for k in range(3):
                picture[y, x, k] = rgb[y, x, k] if a > 0 else np.float32(0)
            picture[y, x, 3] = a
