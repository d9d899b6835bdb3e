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

_SMOOTH = 3e-4
"""Variance of a known background, of three channels, before which a pixel is half as free."""


def settled(alpha: Alpha) -> Alpha:
    """Alpha, stretched so that what is all but 0 or 1 is at its end or beyond; not clamped."""
    return (alpha - _HAZE) / (1 - 2 * _HAZE)


def finished(
    rgb: Floats, known: Floats, pixels: NDArray[np.intp], alpha: Floats, behind: Floats | None = None
) -> Floats:
    """The matte, float32 [H, W], 0..1: ``known`` but for the pixels that a network was asked for, and these
    settled at their ends and, where they are mixed, refined.

    rgb: float32 [H, W, 3], display-referred, 0..1; known: float32 [H, W], 0 or 1 elsewhere; pixels: flat
    indices [N], in order; alpha: float32 [N], not clamped. behind: float32 [H, W, 3], the background, not a
    number where none is known: the network went by it, and where it varies, colour tells less of alpha.
    """
    matte, freedom = known.copy(), np.zeros_like(known)
    flat, ends = matte.reshape(-1), settled(alpha)
    _put(flat, pixels, ends)
    mixed = pixels[(ends > 0) & (ends < 1)]
    if behind is None:
        freedom.reshape(-1)[mixed] = 1
    else:
        _before(behind, mixed, freedom.reshape(-1))
    refine(rgb, matte, mixed, freedom)
    _put(flat, mixed, flat[mixed])
    return matte


@numba.njit(nogil=True, cache=True)
def _put(matte, pixels, alpha):
    """Alpha of pixels, cut off at 0 and 1. What is no number stays none: a device's fault is to show."""
    zero, one = np.float32(0), np.float32(1)
    for n in range(pixels.size):
        value = alpha[n]
        if value < zero:
            value = zero
        elif value > one:
            value = one
        matte[np.uintp(pixels[n])] = value


@numba.njit(nogil=True, cache=True)
def _before(behind, pixels, freedom):
    """How far pixels are free where the background around them is known."""
    height, width = behind.shape[:2]
    for n in range(pixels.size):
        y, x = pixels[n] // width, pixels[n] % width
        variance = 0.0
        top, bottom = max(0, y - 1), min(height, y + 2)
        left, right = max(0, x - 1), min(width, x + 2)
        count = (bottom - top) * (right - left)
        for channel in range(3):
            mean, square = 0.0, 0.0
            for v in range(top, bottom):
                for u in range(left, right):
                    value = np.float64(behind[v, u, channel])
                    mean += value
                    square += value * value
            mean /= count
            variance += square / count - mean * mean
        # What is not a number compares as false.
        freedom[pixels[n]] = _SMOOTH / (_SMOOTH + variance) if variance > 0 else 1.0
