"""Between a file's own numbers, light, and what a network sees.

sRGB by its exact piecewise functions (IEC 61966-2-1). Video is taken as sRGB-like too: its own transfer
functions and camera logs are OpenColorIO's work, which a later release brings.
"""

from __future__ import annotations

import torch
from torch import Tensor

from daemon.media.base import Encoding

_KNEE = 0.8
"""Scene-linear values up to here are shown as they are; above, highlights roll off towards 1 rather than
clip.
"""


def to_linear(rgb: Tensor, encoding: Encoding) -> Tensor:
    """Scene-linear light, float32, from a file's own numbers, any shape. Negative and super-white values
    survive.
    """
    if encoding == "linear":
        return rgb
    size = rgb.abs()
    light = torch.where(size <= 0.04045, size / 12.92, ((size + 0.055) / 1.055) ** 2.4)
    return torch.copysign(light, rgb)


def from_linear(light: Tensor, encoding: Encoding) -> Tensor:
    """The inverse of ``to_linear``."""
    if encoding == "linear":
        return light
    size = light.abs()
    rgb = torch.where(size <= 0.0031308, size * 12.92, 1.055 * size ** (1 / 2.4) - 0.055)
    return torch.copysign(rgb, light)


def network_view(rgb: Tensor, encoding: Encoding) -> Tensor:
    """What a network sees, float32 in 0..1, display-referred, from a file's own numbers. Not finite becomes
    0.
    """
    if encoding == "display":
        return rgb.nan_to_num(0.0, 1.0, 0.0).clamp(0, 1)
    light = rgb.nan_to_num(0.0, 1e4, 0.0).clamp_min(0)
    span = 1 - _KNEE
    rolled = torch.where(light > _KNEE, _KNEE + span * (1 - torch.exp(-(light - _KNEE) / span)), light)
    return from_linear(rolled, "display")
