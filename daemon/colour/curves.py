"""Transfer functions as their standards write them: a file's own numbers to light, and back.

Each takes float32 of any shape and gives the same; negative values are mirrored and values above 1 go on, so
that nothing of a picture is lost on the way. Light is relative: 1 is diffuse white, or what stands for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from dim_model import srgb

Curve = Callable[[Tensor], Tensor]

_PQ_M1, _PQ_M2 = 2610 / 16384, 2523 / 4096 * 128
_PQ_C1, _PQ_C2, _PQ_C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
_PQ_PEAK = 10_000 / 203
"""The brightest that PQ holds, cd/m², over HDR reference white (ITU-R BT.2408, table 1)."""

_PQ_LAST = 1.98
"""Code at which light would become infinite, less a little: far above what any file holds."""

_HLG_A = 0.17883277
_HLG_B = 1 - 4 * _HLG_A
_HLG_C = 0.5 - _HLG_A * math.log(4 * _HLG_A)
_HLG_WHITE = (math.exp((0.75 - _HLG_C) / _HLG_A) + _HLG_B) / 12
"""Scene light of HLG's reference white, which is the code 0.75 (ITU-R BT.2408, table 1)."""


@dataclass(frozen=True)
class Transfer:
    """A pair of curves that undo each other. to_light: from a file's own numbers."""

    name: str
    to_light: Curve
    from_light: Curve


def pq_to_light(rgb: Tensor) -> Tensor:
    """The EOTF of ITU-R BT.2100, table 4: display light, 203 cd/m² as 1."""
    root = rgb.abs().clamp_max(_PQ_LAST) ** (1 / _PQ_M2)
    light = ((root - _PQ_C1).clamp_min(0) / (_PQ_C2 - _PQ_C3 * root)) ** (1 / _PQ_M1)
    return torch.copysign(light * _PQ_PEAK, rgb)


def pq_from_light(light: Tensor) -> Tensor:
    """The inverse of ``pq_to_light``."""
    power = (light.abs() / _PQ_PEAK) ** _PQ_M1
    # Black is the code 7e-7 by the letter of the standard, which would take the sign of zero with it.
    code = torch.where(light == 0, 0.0, ((_PQ_C1 + _PQ_C2 * power) / (1 + _PQ_C3 * power)) ** _PQ_M2)
    return torch.copysign(code, light)


def hlg_to_light(rgb: Tensor) -> Tensor:
    """The inverse OETF of ITU-R BT.2100, table 5: scene light, before any OOTF, reference white as 1."""
    size = rgb.abs()
    light = torch.where(size <= 0.5, size**2 / 3, (torch.exp((size - _HLG_C) / _HLG_A) + _HLG_B) / 12)
    return torch.copysign(light / _HLG_WHITE, rgb)


def hlg_from_light(light: Tensor) -> Tensor:
    """The OETF of ITU-R BT.2100, table 5; the inverse of ``hlg_to_light``."""
    size = light.abs() * _HLG_WHITE
    bright = _HLG_A * torch.log((12 * size - _HLG_B).clamp_min(1e-6)) + _HLG_C
    return torch.copysign(torch.where(size <= 1 / 12, (3 * size).sqrt(), bright), light)


def _as_it_is(numbers: Tensor) -> Tensor:
    return numbers


SRGB = Transfer("sRGB", srgb.to_light, srgb.from_light)
IDENTITY = Transfer("linear", _as_it_is, _as_it_is)
PQ = Transfer("PQ", pq_to_light, pq_from_light)
HLG = Transfer("HLG", hlg_to_light, hlg_from_light)
