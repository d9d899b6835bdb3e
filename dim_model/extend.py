"""Foreground colour beyond the matte: so that an edge blur or new grain has colour to take, not black.

Push and pull (Gortler, Grzeszczuk, Szeliski & Cohen, "The Lumigraph", SIGGRAPH 1996, section 3.4): the
colours that there are, weighted by alpha, are averaged into ever smaller pictures, and these fill the larger
ones where those know nothing. What comes out is smooth, and near the edge takes after it.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

_TRUST = 0.01
"""Weight of a filled cell where one with colour of its own weighs 1: the near has more say than the far."""


def beyond(rgb: Tensor, alpha: Tensor, reach: int) -> tuple[Tensor, Tensor]:
    """Which pixels lie outside the matte by at most ``reach``, bool [H, W], and colour for them, [3, N].

    rgb: float32 [3, H, W], straight, scene-linear, any range. alpha: float32 [1, H, W], 0..1: outside is
    where it is 0. A colour that is not finite has no say.
    """
    clear = np.ascontiguousarray((alpha[0] == 0).numpy(force=True), np.uint8)
    if clear.all() or not clear.any():  # nothing to go on from, or nowhere to go
        return torch.zeros_like(alpha[0], dtype=torch.bool), rgb[:, :0, 0]
    far = cv2.distanceTransform(clear, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    outside = torch.from_numpy((far > 0) & (far <= reach)).to(alpha.device)
    weight = alpha * rgb.isfinite().all(0)
    # At full size only the pixels that are wanted are made: a dense picture of each step would be most of the
    # memory of a frame.
    y, x = outside.nonzero(as_tuple=True)
    smaller = _smaller((rgb * weight).nan_to_num_(0.0, 0.0, 0.0)[None], weight[None])
    tall, broad = 2 * smaller.shape[-2], 2 * smaller.shape[-1]
    at = torch.stack([(2 * x + 1) / broad - 1, (2 * y + 1) / tall - 1], -1)[None, None]
    both = F.grid_sample(smaller, at, mode="bilinear", padding_mode="border", align_corners=False)[0, :, 0]
    return outside, both[:3] / both[3:]


def _smaller(premult: Tensor, cover: Tensor) -> Tensor:
    """At half the size, [1, 4, h, w]: colour everywhere, times how far it is to be trusted, and that.

    premult: [1, 3, H, W], colour times ``cover``, [1, 1, H, W], which is 0..1.
    """
    pad = (0, premult.shape[-1] % 2, 0, premult.shape[-2] % 2)
    premult, cover = (F.avg_pool2d(F.pad(c, pad) if any(pad) else c, 2) for c in (premult, cover))
    known = (4 * cover).clamp_max(1)
    colour = premult / cover.clamp_min(1e-12)
    height, width = cover.shape[-2:]
    if height > 1 or width > 1:
        both = F.interpolate(_smaller(colour * known, known), scale_factor=2, mode="bilinear")
        around = (both[:, :3] / both[:, 3:])[..., :height, :width]
        colour = known * colour + (1 - known) * around
    trust = known + _TRUST
    return torch.cat([colour * trust, trust], 1)
