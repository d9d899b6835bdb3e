"""The screen's light taken out of the foreground: what a green or blue wall throws on hair and shoulders.

No more of the screen's channel is left than a limit made of the other two: their mean, or their greater one
(Vlahos' limit, US 3,595,987 in its usual electronic form), as keyers have it. It only takes away, so a pixel
without spill is left as it is, bit for bit.
"""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
import torch
from torch import Tensor

Channel = Literal["green", "blue"]
Method = Literal["average", "double"]

_CHANNELS: dict[Channel, int] = {"green": 1, "blue": 2}

_FADE = 0.25
"""Below opaque by so much, a partly transparent pixel is despilled whole; up to opaque it fades out."""


def spill(rgb: Tensor, channel: Channel, method: Method) -> Tensor:
    """What is more than the limit, float32 [...], at least 0; ``rgb`` and ``method`` as in ``despilled``.
    A colour that is not finite has none.
    """
    here = _CHANNELS[channel]
    one, other = (rgb[n] for n in range(3) if n != here)
    limit = (one + other) / 2 if method == "average" else torch.maximum(one, other)
    over = rgb[here] - limit
    return torch.where(over.isfinite(), over.clamp_min(0), 0.0)


def despilled(rgb: Tensor, channel: Channel, method: Method, weight: Tensor | float) -> Tensor:
    """The same colours, their spill taken off by ``weight``; a new tensor.

    rgb: float32 [3, ...], straight, scene-linear, any range. method: ``average`` leaves as much of the
    channel as the mean of the other two, ``double`` as much as the greater, which is milder and keeps yellows
    (cyans, before a blue screen). weight: 0 nothing, 1 all of it; a number, or float32 [...].
    """
    made = rgb.clone()
    made[_CHANNELS[channel]] -= weight * spill(rgb, channel, method)
    return made


def mixed_weight(alpha: Tensor) -> Tensor:
    """How much a partly transparent pixel is despilled where opaque ones are not, float32 as ``alpha`` is:
    nothing next to opaque, so that no edge shows between the two.
    """
    return ((1 - alpha) / _FADE).clamp(0, 1)


def edge_weight(alpha: Tensor, reach: int | None) -> Tensor:
    """How much each pixel is despilled, float32 [1, H, W]: 1 where it is partly transparent, and on opaque
    ones falling to 0 at ``reach`` pixels from the nearest that is not; None: 1 on all. 0 where alpha is 0.

    alpha: float32 [1, H, W], 0..1.
    """
    shown = (alpha > 0).to(alpha)
    if reach is None:
        return shown
    opaque = np.ascontiguousarray((alpha[0] == 1).numpy(force=True), np.uint8)
    if opaque.all():
        return torch.zeros_like(alpha)
    depth = cv2.distanceTransform(opaque, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return shown * (1 - torch.from_numpy(depth).to(alpha)[None] / (reach + 1)).clamp_min(0)
