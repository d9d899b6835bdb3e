"""What becomes of a network's alpha: the same for all networks, in the daemon, in training, on judgement."""

from __future__ import annotations

from typing import TypeVar

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
    matte = known.copy()
    flat, ends = matte.reshape(-1), settled(alpha).clip(0, 1)
    flat[pixels] = ends
    mixed = np.zeros(matte.shape, np.bool_)
    mixed.reshape(-1)[pixels] = (ends > 0) & (ends < 1)
    refine(rgb, matte, mixed)
    flat[pixels] = flat[pixels].clip(0, 1)
    return matte
