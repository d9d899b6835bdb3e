"""Fractal noise: smoke, uneven light, the waver of a trimap's width."""

from __future__ import annotations

import cv2
import numpy as np

from dim_model.arrays import Floats
from trainer.synth.foreground import Rng

_PER_CELL = 8
"""Pixels that show a cell of the finest octave as smooth; more are interpolated afterwards."""


def fractal(rng: Rng, size: int, coarsest: int, finest: int, ridged: bool = False) -> Floats:
    """Value noise, float32 [size, size], 0..1, with ``coarsest`` to ``finest`` cells across, octave by
    octave; ``ridged``: with sharp crests, as crumpled film has.
    """
    side = min(size, _PER_CELL * finest)
    total = np.zeros((side, side), np.float32)
    amplitude, cells = 1.0, coarsest
    while cells <= finest:
        octave = cv2.resize(
            rng.random((cells, cells), np.float32), (side, side), interpolation=cv2.INTER_CUBIC
        )
        total += amplitude * (1 - np.abs(2 * octave - 1) if ridged else octave)
        amplitude *= rng.uniform(0.4, 0.7)
        cells *= 2
    total -= total.min()
    total /= total.max() + 1e-6
    if side < size:
        total = np.asarray(cv2.resize(total, (size, size), interpolation=cv2.INTER_LINEAR), np.float32)
    return total


def warped(rng: Rng, field: Floats, reach: float, cells: int = 4) -> Floats:
    """``field`` [N, N] or [N, N, C] pushed about by up to ``reach`` pixels, in eddies ``cells`` across."""
    size = field.shape[0]
    y, x = np.mgrid[:size, :size].astype(np.float32)
    x += np.float32(reach) * (2 * fractal(rng, size, cells, 2 * cells) - 1)
    y += np.float32(reach) * (2 * fractal(rng, size, cells, 2 * cells) - 1)
    return np.asarray(cv2.remap(field, x, y, cv2.INTER_LINEAR, None, cv2.BORDER_REFLECT_101), np.float32)
