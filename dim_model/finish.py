"""What becomes of a network's alpha: the same for all networks, in the daemon, in training, on judgement."""

# numba types a kernel by its call; annotations on kernels would say it twice.
# mypy: disable-error-code="no-untyped-def, no-untyped-call"

from __future__ import annotations

from typing import TypeVar

import numba
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from dim_model.arrays import Floats
from dim_model.refine import refine

Alpha = TypeVar("Alpha", Floats, Tensor)

_HAZE = 1 / 255
"""An alpha this near to 0 or 1 is meant to be: a network's outputs tend to an end and never reach it, and
what is left would show as a veil over the whole unknown region once a comp is graded.
"""


def settled(alpha: Alpha) -> Alpha:
    """Alpha, stretched so that what is all but 0 or 1 is at its end or beyond; not clamped."""
    return (alpha - _HAZE) / (1 - 2 * _HAZE)


def finished(rgb: Floats, known: Floats, pixels: NDArray[np.intp], alpha: Floats) -> Floats:
    """The matte, float32 [H, W], 0..1: ``known`` but for the pixels that a network was asked for, and these
    settled at their ends and, where they are mixed, refined.

    rgb: float32 [H, W, 3], display-referred, 0..1; known: float32 [H, W], 0 or 1 elsewhere; pixels: flat
    indices [N]; alpha: float32 [N], not clamped.
    """
    matte, mixed = known.copy(), np.zeros(known.shape, np.bool_)
    flat, alpha = matte.reshape(-1), settled(alpha)
    _lay(flat, mixed.reshape(-1), pixels, alpha)
    refine(rgb, matte, mixed)
    _clamp(flat, pixels)
    return matte


@numba.njit(nogil=True, cache=True)
def _lay(matte, mixed, pixels, alpha):
    zero, one = np.float32(0), np.float32(1)
    for n in range(pixels.size):
        p = np.uintp(pixels[n])
        matte[p] = min(max(alpha[n], zero), one)
        mixed[p] = zero < alpha[n] < one


@numba.njit(nogil=True, cache=True)
def _clamp(matte, pixels):
    zero, one = np.float32(0), np.float32(1)
    for n in range(pixels.size):
        p = np.uintp(pixels[n])
        matte[p] = min(max(matte[p], zero), one)
