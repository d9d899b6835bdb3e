"""The terms a matting network is trained by. Each is a mean over a picture's unknown region; ``losses`` names
and weighs them.

Throughout: alpha [B, 1, H, W], colours [B, 3, H, W], ``unknown`` [B, 1, H, W] of 0 and 1, all float32; a term
is [B]. Known pixels are copied from the trimap at inference, so an error there costs nothing and teaches
nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

WEIGHTS: dict[str, float] = {
    "alpha": 1.0,
    "square": 6.0,
    "laplacian": 0.5,
    "gradient": 0.5,
    "temporal": 0.5,
    "composition": 0.5,
    "coarse": 0.5,
}
"""How much each term counts. A term is there only when the network gives what it judges."""

_EPSILON = 1e-6
_USUAL, _LEAST = 0.12, 0.03
"""What a picture of the usual kind costs, and one on which there is little left to learn."""
_FEW = 600
"""Unknown pixels below which a picture counts for less than another, whatever it costs."""


def _mean(error: Tensor, mask: Tensor) -> Tensor:
    mask = mask.expand_as(error)
    return (error * mask).sum((1, 2, 3)) / mask.sum((1, 2, 3)).clamp_min(1.0)


def alpha_prediction(alpha: Tensor, truth: Tensor, unknown: Tensor) -> Tensor:
    """sqrt((a - a*)² + ε²): Xu et al., Deep Image Matting (2017), eq. 1, masked as there."""
    return _mean(torch.sqrt((alpha - truth).square() + _EPSILON**2), unknown)


def square(alpha: Tensor, truth: Tensor, unknown: Tensor) -> Tensor:
    """(a - a*)²: where the picture cannot tell, the mean is the better answer than the median that eq. 1
    gives.
    """
    return _mean((alpha - truth).square(), unknown)


def composition(
    alpha: Tensor, image: Tensor, foreground: Tensor, background: Tensor, unknown: Tensor
) -> Tensor:
    """sqrt((c - (aF + (1 - a)B))² + ε²) with the true F and B: Xu et al. (2017), eq. 2."""
    made = alpha * foreground + (1.0 - alpha) * background
    return _mean(torch.sqrt((image - made).square() + _EPSILON**2), unknown)


def laplacian(alpha: Tensor, truth: Tensor, unknown: Tensor, levels: int = 4) -> Tensor:
    """Sum over levels i of 2^i |L_i(a) - L_i(a*)|: Hou & Liu, Context-Aware Image Matting (2019), eq. 2."""
    error = (alpha - truth) * unknown
    total = error.new_zeros(len(error))
    for level in range(levels):
        small = F.avg_pool2d(error, 2)
        detail = error - F.interpolate(small, scale_factor=2, mode="bilinear", align_corners=False)
        # 4^i: a level has that many fewer pixels.
        total = total + 2.0**level * 4.0**level * detail.abs().sum((1, 2, 3))
        error = small
    return total / unknown.sum((1, 2, 3)).clamp_min(1.0) / levels


def gradient(alpha: Tensor, truth: Tensor, unknown: Tensor) -> Tensor:
    """|∂(a - a*)/∂x| + |∂(a - a*)/∂y|: keeps an edge as crisp as it is (Tang et al., 2019)."""
    error = (alpha - truth) * unknown
    return _mean(error.diff(dim=-1).abs(), unknown[..., 1:]) + _mean(
        error.diff(dim=-2).abs(), unknown[..., 1:, :]
    )


def temporal(alpha: Tensor, truth: Tensor, unknown: Tensor, frames: int) -> Tensor:
    """|Δa - Δa*| from each frame of a clip to the next, where either is unknown: what dtSSD squares (Erofeev
    et al., Perceptually Motivated Benchmark for Video Matting, 2015, section 4). Batches hold clips of
    ``frames``, one after the other; of all of them it is one number.
    """
    error = (alpha - truth).view(-1, frames, *truth.shape[1:]).diff(dim=1)
    seen = unknown.view(-1, frames, *unknown.shape[1:])
    return _weighted(error.abs(), torch.maximum(seen[:, 1:], seen[:, :-1]))


def losses(outputs: Mapping[str, Tensor], truth: Mapping[str, Tensor], frames: int = 1) -> dict[str, Tensor]:
    """Every term that ``outputs`` allows, by its name, the mean over all unknown pixels, and their ``total``.

    With l a picture's weighted terms and u what is usual, the total is half the mean over all unknown pixels
    of l / u, and half the mean over pictures of log(1 + l / e), e a little. By the one what is hard is all
    that counts; by the other, whose minimum is that of a geometric mean, a sharp edge that is off by little
    counts as much as a thicket.

    outputs: what a network of ``dim_model.nets`` gives. truth: ``alpha``, ``image``, ``foreground``,
    ``background``, ``trimap``. frames: of each clip in the batch; 1 for stills.
    """
    unknown = (truth["trimap"] == 0.5).float()
    true, alpha = truth["alpha"], outputs["alpha"]
    # A matte ends at 0 and 1: beyond, nothing is wrong. The gradient passes, for it may be the wrong end.
    alpha = alpha + (alpha.clamp(0, 1) - alpha).detach()
    terms = {
        "alpha": alpha_prediction(alpha, true, unknown),
        "square": square(alpha, true, unknown),
        "laplacian": laplacian(alpha, true, unknown),
        "gradient": gradient(alpha, true, unknown),
        "composition": composition(alpha, truth["image"], truth["foreground"], truth["background"], unknown),
    }
    if "coarse" in outputs:
        terms["coarse"] = alpha_prediction(outputs["coarse"], true, unknown)
    costs = torch.stack([WEIGHTS[name] * term for name, term in terms.items()]).sum(0)
    area = unknown.sum((1, 2, 3))
    total = 0.5 * _weighted(costs, area) / _USUAL
    total = total + 0.5 * _weighted(torch.log1p(costs / _LEAST), area.clamp_max(_FEW))
    means = {name: _weighted(term, area) for name, term in terms.items()}
    if frames > 1:  # only the unknown is the network's; at known pixels alpha is the trimap
        matte = torch.where(unknown > 0, alpha, true)
        means["temporal"] = temporal(matte, true, unknown, frames)
        total = total + WEIGHTS["temporal"] * means["temporal"] / _USUAL
    return {**means, "total": total}


def _weighted(costs: Tensor, weights: Tensor) -> Tensor:
    return (costs * weights).sum() / weights.sum().clamp_min(1.0)
