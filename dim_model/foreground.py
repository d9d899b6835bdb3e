"""The foreground's own colour in every partly transparent pixel: what a comp needs beside alpha."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dim_model.arrays import Floats, Mask
from dim_model.by_pixel import by_pixel
from dim_model.numbered import positions
from dim_model.unmixing import looked_at, unmixed


class Mixed(NamedTuple):
    """What of a frame is partly transparent, found once. alpha: float32 [H, W], 0..1, C-contiguous; mask:
    bool [H, W], where it is neither 0 nor 1; pixels: int64 [N], their flat indices in order.
    """

    alpha: Floats
    mask: Mask
    pixels: NDArray[np.intp]

    @classmethod
    def of(cls, alpha: Tensor) -> Self:
        """alpha: float32 [1, H, W], 0..1."""
        opacity = np.ascontiguousarray(alpha[0].numpy(force=True))
        mask = (opacity > 0) & (opacity < 1)
        return cls(opacity, mask, positions(mask))

    @property
    def needed(self) -> NDArray[np.intp]:
        """Of which pixels of the flattened frame ``mixed_colours`` must be given the colour, in order; others
        may be anything.
        """
        return looked_at(self.mask)


def mixed_colours(rgb: Tensor, mixed: Mixed) -> tuple[Tensor, Tensor]:
    """Straight foreground and background colours of the mixed pixels of one frame, each float32 [3, N], in
    the colour space of ``rgb``.

    rgb: float32 [3, H, W], finite, scene- or display-referred. Values stay within the range of the frame, so
    no colour is brighter than all that was photographed; but for that, a times the one and 1 - a times the
    other are the plate.
    """
    seen = by_pixel(rgb)
    foreground, background = torch.from_numpy(unmixed(seen, mixed.alpha, mixed.pixels)).to(rgb)
    return foreground.T, background.T


def estimate(rgb: Tensor, alpha: Tensor) -> Tensor:
    """Straight foreground colour, float32 [B, 3, H, W], in the colour space of ``rgb``.

    rgb: float32 [B, 3, H, W], finite, scene- or display-referred. alpha: float32 [B, 1, H, W], 0..1. Where
    alpha is 1 it is ``rgb`` bit for bit, and where alpha is 0, nothing: 0. Between, see ``mixed_colours``.
    """
    foreground = torch.where(alpha > 0, rgb, 0.0)
    for n in range(len(rgb)):
        mixed = Mixed.of(alpha[n])
        colour, _ = mixed_colours(rgb[n], mixed)
        foreground[n].flatten(1).index_copy_(1, torch.from_numpy(mixed.pixels).to(rgb.device), colour)
    return foreground
