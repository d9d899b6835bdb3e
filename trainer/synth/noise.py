"""Fractal noise: smoke, uneven light, the waver of a trimap's width."""

from __future__ import annotations

import cv2
import numpy as np

from trainer.synth.foreground import Floats, Rng


def fractal(rng: Rng, size: int, coarsest: int, finest: int) -> Floats:
    """Value noise, float32 [size, size], 0..1, with ``coarsest`` to ``finest`` cells across, octave by
    octave.
    """
    total = np.zeros((size, size), np.float32)
    amplitude, cells = 1.0, coarsest
    while cells <= finest:
        octave = rng.random((cells, cells), np.float32)
        total += amplitude * cv2.resize(octave, (size, size), interpolation=cv2.INTER_CUBIC)
        amplitude *= rng.uniform(0.4, 0.7)
        cells *= 2
    total -= total.min()
    out: Floats = total / (total.max() + 1e-6)
    return out
