"""What a lossy codec does to a matte, undone: noise on what was 0 or 1, and specks far from any edge."""

from __future__ import annotations

import numpy as np

from dim_model.arrays import Floats
from dim_model.pieces import touching

_NOISE = 4 / 255
"""How far flat alpha strays."""

_SPECK = 0.1
"""A speck rises no higher."""


def cleaned(alpha: Floats) -> Floats:
    """``alpha``, float32 [H, W], 0..1, with its flat parts exactly 0 and 1; what is in between stays so."""
    stretched = np.clip((alpha - np.float32(_NOISE)) / np.float32(1 - 2 * _NOISE), 0, 1)
    return 1 - _without_specks(1 - _without_specks(stretched))


def _without_specks(alpha: Floats) -> Floats:
    return np.where(touching(alpha > 0, alpha > _SPECK), alpha, np.float32(0))
