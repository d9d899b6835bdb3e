"""A quick matte: sampled colour pairs, smoothed by the guide, without a network. Good enough to say where a
trimap is to be wide, and to be carried from frame to frame.
"""

from __future__ import annotations

import numpy as np

from dim_model import guided, sampling
from dim_model.arrays import Floats, Mask
from dim_model.unknown import Unknown


def quick_matte(rgb: Floats, inside: Mask, unknown: Mask, radius: int) -> tuple[Floats, Floats]:
    """The matte, and how far its colours explain each pixel; both float32 [H, W], 0..1.

    rgb: float32 [H, W, 3], 0..1. inside: bool [H, W], surely the subject; what is neither that nor
    ``unknown`` is surely not. Neither side may be empty. radius: of the smoothing, in pixels.
    """
    trimap = np.where(unknown, np.float32(0.5), inside.astype(np.float32))
    found = sampling.sample(
        sampling.by_cells(rgb), trimap, Unknown.of(rgb, unknown), effort=sampling.THOROUGH
    )
    matte, trust = inside.astype(np.float32), np.ones(inside.shape, np.float32)
    matte[unknown], trust[unknown] = found.alpha, found.confidence
    weight = trust.copy()
    weight[unknown] += np.float32(1e-3)  # what nothing explains is still heard where nothing else is
    matte[unknown] = guided.smooth(rgb, matte, weight, unknown, radius)
    return matte, trust
