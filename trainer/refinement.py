"""The last step of a matte, ``dim_model.refine``, as a layer: a network learns what that step asks of it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from dim_model.finish import settled
from dim_model.refine import refined


class _Refine(torch.autograd.Function):
    """Refining is linear in alpha, and symmetric between mixed pixels, so a gradient is refined in turn. What
    of it comes to a sure pixel by its neighbours is left out: that one has an error of its own to learn from.
    """

    @staticmethod
    def forward(ctx: Any, alpha: Tensor, image: Tensor, mixed: Tensor) -> Tensor:
        ctx.save_for_backward(image, mixed)
        return _each(alpha, image, mixed)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        image, mixed = ctx.saved_tensors
        (gradient,) = gradients
        return torch.where(mixed, _each(gradient * mixed, image, mixed), gradient), None, None


def _each(alpha: Tensor, image: Tensor, mixed: Tensor) -> Tensor:
    pictures = image.float().permute(0, 2, 3, 1).contiguous().numpy(force=True)
    planes = zip(pictures, alpha.float().numpy(force=True), mixed.numpy(force=True), strict=True)
    made = [torch.from_numpy(refined(rgb, plane[0], where[0])) for rgb, plane, where in planes]
    return torch.stack(made)[:, None].to(alpha)


def delivered(alpha: Tensor, image: Tensor, unknown: Tensor) -> Tensor:
    """What the daemon makes of a network's alpha: settled at the ends and refined, float32 [B, 1, H, W].

    alpha: [B, 1, H, W], not clamped; the gradient passes where it is, for it may be the wrong end. image:
    [B, 3, H, W]; unknown: bool [B, 1, H, W].
    """
    sure = settled(alpha)
    ends = sure.detach().clamp(0, 1)
    mixed = unknown & (ends > 0) & (ends < 1)
    made: Tensor = _Refine.apply(sure + (ends - sure).detach(), image, mixed)
    return made
