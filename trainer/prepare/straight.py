"""Straight colour where a file has none worth the name: under alpha near 0, and in photographs."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from dim_model import foreground
from dim_model.arrays import Floats

_EXACT, _LOSSY = (0.02, 0.1), (0.3, 0.9)
"""Alpha up to which a stored colour means nothing, and from which it is taken as it is. Divided by little, an
eight-bit colour is coarse; a lossy codec mixes in what lies outside, and halves the raster of chroma.
"""


def spread(colour: Floats, weight: Floats) -> Floats:
    """``colour``, float32 [H, W, 3], where ``weight``, float32 [H, W], is 1, and elsewhere the weighted mean
    of the nearest: pull and push over halved pictures (Gortler et al., "The Lumigraph", SIGGRAPH 1996, 3.3).
    """
    height, width = weight.shape
    heavy = colour * weight[..., None]
    if max(height, width) == 1:
        return np.asarray(heavy / max(float(weight[0, 0]), 1e-6), np.float32)
    half = ((width + 1) // 2, (height + 1) // 2)
    cover = cv2.resize(weight, half, interpolation=cv2.INTER_AREA).reshape(half[::-1]).astype(np.float32)
    small = cv2.resize(heavy, half, interpolation=cv2.INTER_AREA).reshape(*half[::-1], 3)
    mean = np.asarray(small / np.maximum(cover, 1e-6)[..., None], np.float32)
    below = spread(mean, np.minimum(4 * cover, 1))
    around = cv2.resize(below, (width, height), interpolation=cv2.INTER_LINEAR).reshape(colour.shape)
    return np.asarray(heavy + around * (1 - weight[..., None]), np.float32)


def sensible(colour: Floats, alpha: Floats, lossy: bool = False) -> Floats:
    """Straight colour, float32 [H, W, 3], that means something everywhere: what is stored where ``alpha``,
    float32 [H, W], vouches for it, and the nearest such colour elsewhere. lossy: as ``Footage`` has it.
    """
    low, high = _LOSSY if lossy else _EXACT
    ramp = np.clip((alpha - low) / (high - low), 0, 1)
    if not ramp.any():  # smoke thinner than all trust: its own colours are the best there are
        ramp = alpha
    return spread(colour, np.asarray(ramp, np.float32))


def lifted(image: Floats, alpha: Floats) -> Floats:
    """The foreground's own colour, float32 [H, W, 3], lifted from a photograph of it with known alpha."""
    rgb = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None]
    colour = foreground.estimate(rgb, torch.from_numpy(np.ascontiguousarray(alpha))[None, None])
    found = np.ascontiguousarray(colour[0].numpy().transpose(1, 2, 0))
    return sensible(found, alpha)
