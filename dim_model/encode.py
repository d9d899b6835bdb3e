"""What a network is told of a frame: the pixels, the trimap and, for ``swift``, what the trimap's colours
explain.

Encoding sees the whole frame, so a tile that is cut from it afterwards loses nothing. It stands outside the
network because it has nothing to learn: the same numbers serve training, every runtime and every later
network.
"""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
import torch
from torch import Tensor

from dim_model import guided, sampling

Inputs = Literal["plain", "sampled"]

CHANNELS: dict[Inputs, int] = {"plain": 4, "sampled": 16}

# Channels of "sampled", in order.
RGB = slice(0, 3)
KNOWN = slice(3, 5)
"""1 where the trimap says foreground; 1 where it says background."""
FOREGROUND = slice(5, 8)
BACKGROUND = slice(8, 11)
GUIDED = slice(11, 12)
GUIDED_WIDE = slice(12, 13)
SAMPLED = slice(13, 14)
CONFIDENCE = slice(14, 15)
UNKNOWN = slice(15, 16)

_COLOUR_RADIUS = 3
_NARROW = 5
_WIDE = 20


def encode(rgb: Tensor, trimap: Tensor, inputs: Inputs = "sampled") -> Tensor:
    """A network's input for whole frames.

    rgb: float32 [B, 3, H, W], display-referred, 0..1. trimap: float32 [B, 1, H, W] of exactly 0, 0.5, 1.
    Returns float32 [B, CHANNELS[inputs], H, W]: ``plain`` is RGB and trimap (Xu et al. 2017); ``sampled``
    adds sampled foreground and background colours, two guided alphas, the sampled alpha and its confidence.
    """
    if inputs == "plain":
        return torch.cat([rgb, trimap], dim=1)
    frames = [
        _encode_frame(np.ascontiguousarray(i.permute(1, 2, 0).numpy(force=True)), t[0].numpy(force=True))
        for i, t in zip(rgb, trimap, strict=True)
    ]
    return torch.stack([torch.from_numpy(f) for f in frames]).to(rgb.device)


def _encode_frame(rgb: sampling.Floats, trimap: sampling.Floats) -> sampling.Floats:
    foreground, background, unknown = trimap == 1.0, trimap == 0.0, trimap == 0.5
    out = np.empty((CHANNELS["sampled"], *trimap.shape), np.float32)
    out[RGB] = rgb.transpose(2, 0, 1)
    out[3], out[4], out[UNKNOWN] = foreground, background, unknown
    if not (foreground.any() and background.any() and unknown.any()):
        # One side is nowhere known: there is nothing to sample, and a confidence of 0 says so to the network.
        out[FOREGROUND] = out[BACKGROUND] = out[RGB]
        out[GUIDED] = out[GUIDED_WIDE] = out[SAMPLED] = trimap
        out[CONFIDENCE] = ~unknown
        return out

    found = sampling.sample(rgb, trimap)
    alpha = foreground.astype(np.float32)
    alpha.ravel()[found.pixels] = found.alpha
    confidence = np.ones_like(alpha)
    confidence.ravel()[found.pixels] = found.confidence
    out[FOREGROUND] = _spread(
        rgb, found.foreground, found.pixels, confidence * ~background * (0.05 + alpha), foreground
    )
    out[BACKGROUND] = _spread(
        rgb, found.background, found.pixels, confidence * ~foreground * (1.05 - alpha), background
    )
    weight = confidence + np.float32(1e-3)
    for channel, radius, reduce in ((GUIDED, _NARROW, 1), (GUIDED_WIDE, _WIDE, 2)):
        smooth = guided.smooth(rgb, alpha, weight, radius, reduce=reduce)
        out[channel] = np.where(unknown, smooth, alpha)
    out[SAMPLED], out[CONFIDENCE] = alpha, confidence
    return out


def _spread(
    rgb: sampling.Floats,
    colour: sampling.Floats,
    pixels: sampling.Indices,
    weight: sampling.Floats,
    known: np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
) -> sampling.Floats:
    """A sampled colour for every pixel [3, H, W]: the weighted mean around it, the pixel itself where it is
    known.
    """
    image = rgb.copy()
    image.reshape(-1, 3)[pixels] = colour
    weight = weight + np.float32(1e-4)
    side = 2 * _COLOUR_RADIUS + 1
    mean = cv2.blur(image * weight[..., None], (side, side)) / cv2.blur(weight, (side, side))[..., None]
    return np.where(known[..., None], rgb, mean).transpose(2, 0, 1)
