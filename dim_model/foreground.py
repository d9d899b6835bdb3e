"""The foreground's own colour in every partly transparent pixel: what a comp needs beside alpha."""

from __future__ import annotations

import torch
from torch import Tensor

from dim_model.unmixing import looked_at, unmixed


def mixed_colours(rgb: Tensor, alpha: Tensor) -> tuple[Tensor, Tensor]:
    """Straight foreground and background colours of the pixels of one frame with 0 < alpha < 1, each float32
    [3, N], in the order and the colour space of ``rgb[:, mixed]``.

    rgb: float32 [3, H, W], finite, scene- or display-referred. alpha: float32 [1, H, W], 0..1. Values stay
    within the range of the frame, so no colour is brighter than all that was photographed; but for that,
    a times the one and 1 - a times the other are the plate.
    """
    (foreground, background), _ = _unmixed(rgb, alpha)
    return foreground, background


def needed(alpha: Tensor) -> Tensor:
    """Of which pixels of the flattened frame ``mixed_colours`` must be given the colour; others may be
    anything: int64 [N], in order. alpha: float32 [1, H, W].
    """
    return torch.from_numpy(looked_at(alpha[0].contiguous().numpy(force=True)))


def estimate(rgb: Tensor, alpha: Tensor) -> Tensor:
    """Straight foreground colour, float32 [B, 3, H, W], in the colour space of ``rgb``.

    rgb: float32 [B, 3, H, W], finite, scene- or display-referred. alpha: float32 [B, 1, H, W], 0..1. Where
    alpha is 1 it is ``rgb`` bit for bit, and where alpha is 0, nothing: 0. Between, see ``mixed_colours``.
    """
    foreground = torch.where(alpha > 0, rgb, 0.0)
    for n in range(len(rgb)):
        (colour, _), where = _unmixed(rgb[n], alpha[n])
        foreground[n].flatten(1).index_copy_(1, where, colour)
    return foreground


def _unmixed(rgb: Tensor, alpha: Tensor) -> tuple[Tensor, Tensor]:
    """Both colours, [2, 3, N], and their places in the flattened frame, [N]."""
    both, where = unmixed(rgb.contiguous().numpy(force=True), alpha[0].contiguous().numpy(force=True))
    return torch.from_numpy(both).to(rgb), torch.from_numpy(where).to(rgb.device)
