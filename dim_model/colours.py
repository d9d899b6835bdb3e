"""Which of two sides a colour belongs to: histograms of both, learnt while a shot goes on.

Jones & Rehg, "Statistical Color Models with Application to Skin Detection" (2002): coarse histograms of RGB
classify as well as mixtures of Gaussians, and are learnt by counting.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from dim_model.arrays import Floats, Mask

_BINS = 16
_BLUR = 0.7
"""Bins: neighbouring colours are told by each other."""
_FLOOR = 2e-5
"""Share that a colour never seen is taken to have: not a proof."""
_MOST = 4.0
"""Greatest log odds that a colour alone gives."""


class ColourModel:
    """A histogram of the colours of one side. rgb: float32 [H, W, 3], 0..1; mask: the pixels to learn."""

    def __init__(self, rgb: Floats, mask: Mask) -> None:
        self._first = _counts(rgb, mask)
        self._counts = self._first.copy()

    def learn(self, rgb: Floats, mask: Mask, rate: float) -> None:
        """Forget a share ``rate`` of what was learnt for what is seen now; what was learnt first is never
        forgotten by more than half.
        """
        mixed = (1 - rate) * self._counts + rate * _counts(rgb, mask)
        self._counts = np.maximum(mixed, 0.5 * self._first)

    def shares(self, rgb: Floats) -> Floats:
        """The share of each pixel's colour on this side, float32 [H, W]."""
        blurred = gaussian_filter(self._counts, _BLUR)
        red, green, blue = _bins(rgb)
        return np.asarray(blurred[red, green, blue] / max(float(blurred.sum()), 1e-9), np.float32)


def log_odds(rgb: Floats, foreground: ColourModel, background: ColourModel) -> Floats:
    """Of foreground against background, float32 [H, W], within ±4."""
    odds = np.log((foreground.shares(rgb) + _FLOOR) / (background.shares(rgb) + _FLOOR))
    return np.asarray(np.clip(odds, -_MOST, _MOST), np.float32)


def _bins(rgb: Floats) -> tuple[NDArray[np.intp], ...]:
    cells = (np.clip(rgb, 0, 1) * (_BINS - 1) + 0.5).astype(np.intp)
    return cells[..., 0], cells[..., 1], cells[..., 2]


def _counts(rgb: Floats, mask: Mask) -> Floats:
    red, green, blue = _bins(rgb[mask])
    cell = (red * _BINS + green) * _BINS + blue
    return np.bincount(cell, minlength=_BINS**3).reshape(_BINS, _BINS, _BINS).astype(np.float32)
