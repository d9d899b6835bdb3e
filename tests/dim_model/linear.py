"""Pictures and systems for the tests of what is solved on them."""

from __future__ import annotations

import numpy as np


def noisy(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Soft blobs of colour with a little noise, float32 [height, width, 3]."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width].astype(np.float32) / 8
    waves = np.stack([np.sin(x * a + y * b) for a, b in rng.uniform(-1, 1, (3, 2))], -1)
    return (0.5 + 0.4 * waves + 0.02 * rng.standard_normal((height, width, 3))).astype(np.float32)


def dense(slot: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Rows of 5 x 5 coefficients as columns over all pixels."""
    height, width = slot.shape
    full = np.zeros((len(rows), height * width))
    for y, x in zip(*np.nonzero(slot >= 0), strict=True):
        for k in range(25):
            v, u = y + k // 5 - 2, x + k % 5 - 2
            if 0 <= v < height and 0 <= u < width:
                full[slot[y, x], v * width + u] += rows[slot[y, x], k]
    return full
