"""NaN and infinity in a float picture: filled from the pixels around, and counted.

A renderer leaves them at single pixels. Whatever filters a picture afterwards (a blur, an edge extend, a
resize in the comp) spreads one over a whole disc, so they end where they are read.
"""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt

from daemon.media.base import Pixels

_RINGS = 4
"""Pixels that a hole is filled inward from its rim; what lies deeper is no firefly but an area."""

LARGEST = 65504.0
"""Of a half, beyond which lies infinity: what that stands for in an area (a sun that overflowed)."""

_AROUND = tuple(step for step in itertools.product((-1, 0, 1), repeat=2) if step != (0, 0))


def mend(pixels: Pixels) -> int:
    """Fill in place what is not finite in float32 [H, W, C]; returns how many pixels held such a number.

    Each channel takes the mean of its finite neighbours, inward for a few pixels; deeper inside, NaN becomes
    0 and infinity the largest half, with its sign.
    """
    broken = ~np.isfinite(pixels)
    if not broken.any():
        return 0
    count = int(broken.any(-1).sum())
    for _ in range(_RINGS):
        _fill_rim(pixels, broken)
    np.nan_to_num(pixels, copy=False, nan=0.0, posinf=LARGEST, neginf=-LARGEST)
    return count


def _fill_rim(pixels: Pixels, broken: npt.NDArray[np.bool_]) -> None:
    rows, columns, channels = np.nonzero(broken)
    height, width = broken.shape[:2]
    total, known = np.zeros(len(rows)), np.zeros(len(rows), int)
    for down, right in _AROUND:
        y, x = rows + down, columns + right
        inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        y, x = y.clip(0, height - 1), x.clip(0, width - 1)
        sound = inside & ~broken[y, x, channels]
        total += np.where(sound, pixels[y, x, channels], 0.0)
        known += sound
    rim = known > 0
    place = (rows[rim], columns[rim], channels[rim])
    pixels[place] = total[rim] / known[rim]
    broken[place] = False
