"""A trimap from a frame and nothing else: what the ``trimap`` network sees, how sure of it it is.

    network = opened(resolve(SHIPPED), "cpu")
    made = segment(network, rgb)    # made.trimap, made.confidence

The network looks at a small copy of the frame; its probabilities, not its verdicts, are scaled up to the
plate.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from dim_model import nets, trimap, weights
from dim_model.nets.trimap import TrimapNet

SHIPPED = Path(__file__).parent / "trimap_weights"
"""Where versions of the trimap network are kept, apart from those that matte: each folder has a ``current``
of its own.
"""

SIDE = 320
"""Pixels: the small copy has the area of a square of this side, which is what training shows by default."""

SURE = 0.6
"""Probability from which a pixel is called foreground or background; below, it is left to the matte."""

_SUBJECT = 0.005
"""Of the frame: with less known foreground a matte has little to go by, with none nothing."""
_GROUND = 0.05
"""Of the frame: the same of background."""
_AROUND = 0.05
"""Of the longer side: how far around the subject the doubt about it is measured."""

Network = Callable[[Tensor], Tensor]
"""float32 [B, 3, h, w], display-referred, 0..1, h and w multiples of 32, to probabilities of ``CLASSES``
(background, unknown, foreground), float32 [B, 3, h, w], on the CPU.
"""


@dataclass(frozen=True)
class Segmented:
    """trimap: float32 [1, H, W] of exactly 0, 0.5, 1. confidence: 0..1. probabilities: float32 [3, h, w], of
    background, unknown, foreground, at the working size.
    """

    trimap: Tensor
    confidence: float
    probabilities: Tensor


def opened(folder: Path, device: torch.device | str = "cpu") -> Network:
    """A published version of the trimap network, ready, in float32. Not for several threads at once.

    folder: as ``weights.resolve`` gives it. Raises ``WeightsError``, also for weights that matte.
    """
    found = weights.load(folder)
    if nets.is_matting(found.card.network):
        raise weights.WeightsError(
            f"{folder}: holds weights of {found.card.network}, which makes mattes and needs a trimap; name a "
            "folder of weights of the network trimap."
        )
    return network_of(found.network(), device)


def network_of(module: torch.nn.Module, device: torch.device | str = "cpu") -> Network:
    """A ``TrimapNet`` as a ``Network``: it is moved to ``device``, and evaluated there without gradients."""
    placed = module.eval().to(device).to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def network(pictures: Tensor) -> Tensor:
        x = pictures.to(device, memory_format=torch.channels_last)
        return torch.softmax(placed(x)["logits"].float(), 1).cpu()

    return network


def working_size(height: int, width: int, side: int = SIDE) -> tuple[int, int]:
    """Height and width of a frame's small copy: about ``side``² pixels, the frame's shape as nearly as
    multiples of the network's stride allow.
    """
    slope = math.sqrt(height / width)
    step = TrimapNet.stride
    tall, wide = (max(1, round(side * factor / step)) * step for factor in (slope, 1 / slope))
    return tall, wide


def probabilities(network: Network, rgb: Tensor, side: int = SIDE) -> Tensor:
    """Of background, unknown and foreground, float32 [3, h, w] at the working size; they sum to 1.

    rgb: float32 [3, H, W], display-referred, 0..1.
    """
    size = working_size(rgb.shape[-2], rgb.shape[-1], side)
    small = F.interpolate(rgb[None], size, mode="bilinear", align_corners=False, antialias=True)
    return network(small.clamp(0, 1))[0]


def trimap_of(likely: Tensor, size: tuple[int, int], sure: float = SURE) -> Tensor:
    """Probabilities [3, h, w] as the trimap of a plate of ``size`` (height, width): float32 [1, H, W] of
    exactly 0, 0.5, 1. What is neither foreground nor background by ``sure`` is unknown.
    """
    plate = F.interpolate(likely[None], size, mode="bilinear", align_corners=False)
    return trimap.compose(plate[:, 2:] >= sure, plate[:, :1] >= sure)[0]


def confidence(likely: Tensor) -> float:
    """How far probabilities, float32 [3, h, w], are to be relied on, 0..1.

    The mean lead of the likeliest class over the next, on the subject and close around it; the rest of the
    frame, where any network is sure, would hide the doubt. Falls to 0 as known foreground, or known
    background, falls to nothing: without both there is no matte.
    """
    best = likely.argmax(0)
    foreground, background = (float((best == c).float().mean()) for c in (2, 0))
    enough = min(1.0, foreground / _SUBJECT) * min(1.0, background / _GROUND)
    if not enough:
        return 0.0
    near = trimap.grow((best > 0)[None, None], max(1, round(_AROUND * max(likely.shape[-2:]))))[0, 0]
    first, second = likely.topk(2, 0).values
    return enough * float((first - second)[near].mean())


def segment(network: Network, rgb: Tensor, *, side: int = SIDE, sure: float = SURE) -> Segmented:
    """The trimap of one frame, float32 [3, H, W], display-referred, 0..1, by nothing but its look. It depends
    on this frame alone.
    """
    likely = probabilities(network, rgb, side)
    height, width = rgb.shape[-2:]
    return Segmented(trimap_of(likely, (height, width), sure), confidence(likely), likely)
