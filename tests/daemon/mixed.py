"""Soft edges that were mixed in light, and the alpha of them that a network is to tell: by numbers."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from daemon.colour import DISPLAY, ColourSpace
from dim_model import mixing, srgb
from dim_model.arrays import Floats


def mixed(
    front: Tensor, behind: Tensor, alpha: Tensor, space: ColourSpace = DISPLAY
) -> tuple[Tensor, Tensor]:
    """The plate, [3, H, W], in ``space``, of two pictures of it, and its alpha by numbers, [1, H, W]; alpha:
    [1, H, W], by light.
    """
    sides = space.to_linear(front.contiguous()), space.to_linear(behind.contiguous())
    light = alpha * sides[0] + (1 - alpha) * sides[1]
    return space.from_linear(light), by_numbers(light, *sides, alpha)


def by_numbers(light: Tensor, front: Tensor, behind: Tensor, alpha: Tensor) -> Tensor:
    """Alpha by numbers, [1, H, W], of light [3, H, W] between that of two sides; alpha: by light."""
    tables = (_table(srgb.from_light(side.contiguous()).expand_as(light)) for side in (light, front, behind))
    told = mixing.share(*tables, alpha.numpy().ravel())
    return torch.where((alpha > 0) & (alpha < 1), torch.from_numpy(told).view_as(alpha), alpha)


def _table(colours: Tensor) -> Floats:
    return np.ascontiguousarray(colours.permute(1, 2, 0).reshape(-1, 3).numpy())
