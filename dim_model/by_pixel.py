"""A picture as kernels and files have it, pixel by pixel, where torch has planes."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from dim_model.arrays import Floats


def by_pixel(planes: Tensor) -> Floats:
    """float32 [C, H, W], on any device, as [H, W, C]; not a copy where it lies so in memory."""
    return np.ascontiguousarray(planes.permute(1, 2, 0).numpy(force=True))
