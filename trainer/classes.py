"""What the trimap network is taught and judged by: the three classes of an alpha, loss terms, figures."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from dim_model import trimap
from dim_model.nets.trimap import CLASSES

OPAQUE = 0.98
"""Alpha from which a pixel is foreground, and one minus which it is background until: cameras and codecs
leave a solid body a little short of 1.
"""

_MARGIN = 0.01
"""Of the picture's side: the band that is unknown beside what is partly transparent. About three pixels of
the working size, which are some twenty of a plate in HD.
"""

_EPSILON = 1e-6


def partial(alpha: Tensor) -> Tensor:
    """Where a pixel holds both sides: bool, of the shape of ``alpha``."""
    return (alpha > 1 - OPAQUE) & (alpha < OPAQUE)


def classes(alpha: Tensor) -> Tensor:
    """Each pixel's class, int64 [B, H, W] of 0, 1, 2 (``CLASSES``). alpha: float32 [B, 1, H, W], 0..1."""
    by = max(1, round(_MARGIN * max(alpha.shape[-2:])))
    foreground = trimap.shrink(alpha >= OPAQUE, by)
    background = trimap.shrink(alpha <= 1 - OPAQUE, by)
    return (2 * trimap.compose(foreground, background))[:, 0].long()


def losses(logits: Tensor, truth: Tensor) -> dict[str, Tensor]:
    """``entropy``, ``dice`` and their sum ``total``. logits: float32 [B, 3, H, W]; truth: int64 [B, H, W].

    Cross-entropy weighs a class by the inverse root of its share of the batch: the unknown is thin, and a
    little of it too much costs less than a hair that is missed. Dice is that of Milletari et al. (V-Net,
    2016, eq. 1, with plain sums below), whose value does not hang on the shares at all.
    """
    hot = F.one_hot(truth, len(CLASSES)).movedim(-1, 1).float()
    there = hot.sum((0, 2, 3))
    share = there / there.sum()
    weight = torch.where(there > 0, share.clamp_min(1e-3).rsqrt(), 0)
    entropy = F.cross_entropy(logits, truth, weight / (weight * share).sum().clamp_min(_EPSILON))
    likely = torch.softmax(logits, 1)
    both, all_of = (likely * hot).sum((0, 2, 3)), (likely + hot).sum((0, 2, 3))
    overlap = (2 * both + 1) / (all_of + 1)
    dice = 1 - overlap[there > 0].mean()
    return {"entropy": entropy, "dice": dice, "total": entropy + dice}


def counts(found: Tensor, alpha: Tensor) -> Tensor:
    """What ``figures`` are made of, summed over pictures as needed: int64 [4, 3].

    found: trimaps, float32 [B, 1, H, W] of 0, 0.5, 1. Rows 0 to 2: pixels by true class and found class; row
    3: pixels that are partly transparent, by found class.
    """
    truth, seen = classes(alpha), (2 * found[:, 0]).round().long()
    table = torch.bincount((3 * truth + seen).flatten(), minlength=9).view(3, 3)
    return torch.cat([table, torch.bincount(seen[partial(alpha)[:, 0]], minlength=3)[None]])


def figures(table: Tensor) -> dict[str, float]:
    """Per class its IoU (intersection over union), ``miou``, their mean, and ``coverage``: the share of
    partly transparent pixels that the unknown region holds. Each 0..1; a class that is nowhere, and nowhere
    found, has 1.
    """
    square = table[:3].double()
    hit = square.diagonal()
    union = square.sum(0) + square.sum(1) - hit
    iou = torch.where(union > 0, hit / union.clamp_min(1), 1.0)
    named = {f"iou_{name}": float(v) for name, v in zip(CLASSES, iou, strict=True)}
    total = float(table[3].sum())
    return named | {"miou": float(iou.mean()), "coverage": float(table[3, 1]) / total if total else 1.0}


def told(reached: Mapping[str, float]) -> str:
    """Figures as part of a sentence."""
    per = ", ".join(f"{name} {reached[f'iou_{name}']:.3f}" for name in CLASSES)
    return f"IoU is {reached['miou']:.3f} ({per}) and coverage {reached['coverage']:.3f}"
