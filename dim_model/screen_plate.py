"""What a chroma screen looks like behind the subject: a clean plate that nobody had to shoot.

Around a pixel the screen is what its nearest plain parts are, so uneven light, a vignette and broad wrinkles
are kept. Means are taken at a reduced size, of ever wider surroundings where there is no screen nearer
(normalised convolution: Knutsson & Westin, "Normalized and Differential Convolution", 1993).
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor

from dim_model.arrays import Floats

_LINES = 135
"""The shorter side of the reduced frame."""

_SIDES = (3, 7, 21, 63)
"""Of ever wider surroundings, in reduced pixels."""

_FAINT = np.float32(1e-3)
"""What each of them counts beside the one before it."""


def screen_plate(view: Tensor, screen: Tensor, wanted: Tensor) -> Tensor:
    """The screen's colour where it is ``wanted``, float32 [3, H, W], not a number elsewhere.

    view: float32 [3, H, W], display-referred, 0..1. screen: bool [1, H, W], where it is plain to see, at
    least in one place. wanted: bool [1, H, W].
    """
    height, width = view.shape[-2:]
    reduce = max(1, min(height, width) // _LINES)
    size = (max(1, width // reduce), max(1, height // reduce))
    # Two rows and columns of each that are one: enough to take the grain off.
    step = max(1, reduce // 2)
    plain = screen[0, ::step, ::step].numpy(force=True).astype(np.float32)
    some = view[:, ::step, ::step].numpy(force=True)
    planes = [cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in (*(some * plain), plain)]
    colours, where = _spread(np.dstack(planes)), wanted[0].numpy(force=True)
    x, y, across, down = cv2.boundingRect(where.view(np.uint8))
    box = slice(y, y + down), slice(x, x + across)
    plate = np.full((3, height, width), np.nan, np.float32)
    for channel, out in enumerate(plate):
        colour = np.ascontiguousarray(colours[..., channel])
        large = cv2.resize(colour, (width, height), interpolation=cv2.INTER_LINEAR)
        np.copyto(out[box], large[box], where=where[box])
    return torch.from_numpy(plate)


def _spread(seen: Floats) -> Floats:
    """Means of what is seen around each pixel, float32 [h, w, 3]: of three sums of colours, and how much went
    into them, [h, w, 4].
    """
    total, counts = seen.copy(), np.float32(1)
    for side in _SIDES:
        counts *= _FAINT
        total += counts * cv2.blur(seen, (side, side))
    total += counts * _FAINT * seen.mean((0, 1))
    return np.asarray(total[..., :3] / total[..., 3:], np.float32)
