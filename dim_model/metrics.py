"""How far a matte is from the true one, in the field's measures and scalings.

All take ``alpha`` and ``truth`` float32 [B, 1, H, W], 0..1, and ``trimap`` [B, 1, H, W] of 0, 0.5, 1, and
judge the unknown region alone. Each returns float32 [B], dtSSD [B - 1]. SAD, Grad and Conn are sums over a
frame divided by 1000; MSE and MAD are plain means; dtSSD is a root mean square times 100. Rhemann et al., "A
Perceptually Motivated Online Benchmark for Image Matting" (2009), unless said otherwise.
"""

from __future__ import annotations

import math
from itertools import pairwise

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

_SIGMA = 1.4
_STEP = 0.1
_TOLERATED = 0.15


def _unknown(trimap: Tensor) -> Tensor:
    return (trimap == 0.5).float()


def _total(error: Tensor) -> Tensor:
    return error.flatten(1).sum(1)


def sad(alpha: Tensor, truth: Tensor, trimap: Tensor) -> Tensor:
    """Sum of |a - a*| / 1000."""
    return _total((alpha - truth).abs() * _unknown(trimap)) / 1000


def mad(alpha: Tensor, truth: Tensor, trimap: Tensor) -> Tensor:
    """Mean of |a - a*|; 0 where nothing is unknown."""
    unknown = _unknown(trimap)
    return _total((alpha - truth).abs() * unknown) / _total(unknown).clamp_min(1)


def mse(alpha: Tensor, truth: Tensor, trimap: Tensor) -> Tensor:
    """Mean of (a - a*)²; 0 where nothing is unknown."""
    unknown = _unknown(trimap)
    return _total((alpha - truth).square() * unknown) / _total(unknown).clamp_min(1)


def _gaussian() -> tuple[Tensor, Tensor]:
    """A Gaussian and its derivative at ``_SIGMA``, as the benchmark's own code samples them: cut where they
    fall below 1 % and the 2-D derivative kernel scaled to unit norm.
    """
    half = math.ceil(_SIGMA * math.sqrt(-2 * math.log(math.sqrt(2 * math.pi) * _SIGMA * 1e-2)))
    x = torch.arange(-half, half + 1, dtype=torch.float64)
    smooth = torch.exp(-x.square() / (2 * _SIGMA**2)) / (_SIGMA * math.sqrt(2 * math.pi))
    return smooth, -x * smooth / _SIGMA**2


def _magnitude(alpha: Tensor) -> Tensor:
    smooth, slope = _gaussian()
    kernel = smooth[:, None] * slope[None, :]
    kernel = (kernel / kernel.square().sum().sqrt()).to(alpha)
    half = kernel.shape[0] // 2
    padded = F.pad(alpha, (half, half, half, half), mode="replicate")
    across, down = (F.conv2d(padded, k[None, None]) for k in (kernel, kernel.T))
    return (across.square() + down.square()).sqrt()


def grad(alpha: Tensor, truth: Tensor, trimap: Tensor) -> Tensor:
    """Sum of (|∇a| - |∇a*|)² / 1000, gradients by Gaussian derivatives with sigma 1.4."""
    return _total((_magnitude(alpha) - _magnitude(truth)).square() * _unknown(trimap)) / 1000


def _connected(alpha: Tensor, truth: Tensor) -> Tensor:
    """Sum over one frame [H, W] of what each matte loses to the source region: the largest part opaque in
    both.
    """
    a, t = alpha.numpy(force=True), truth.numpy(force=True)
    reach = np.full(a.shape, -1.0)
    levels = np.arange(0, 1 + _STEP, _STEP)
    for below, level in pairwise(levels):
        both = ((a >= level - 1e-9) & (t >= level - 1e-9)).astype(np.uint8)
        count, label, stats, _ = cv2.connectedComponentsWithStats(both, connectivity=4)
        inside = np.zeros(a.shape, bool)
        if count > 1:
            inside = label == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
        reach[(reach < 0) & ~inside] = below
    reach[reach < 0] = 1.0

    def phi(matte: np.ndarray) -> np.ndarray:
        off = matte - reach
        return np.asarray(1 - off * (off >= _TOLERATED))

    return torch.from_numpy(np.abs(phi(a) - phi(t)))


def conn(alpha: Tensor, truth: Tensor, trimap: Tensor) -> Tensor:
    """Connectivity error / 1000, threshold step 0.1."""
    error = torch.stack([_connected(a[0], t[0]) for a, t in zip(alpha, truth, strict=True)])[:, None]
    return _total(error.to(trimap) * _unknown(trimap)) / 1000


def dtssd(alpha: Tensor, truth: Tensor, trimap: Tensor) -> Tensor:
    """100 times the root mean square of da/dt - da*/dt over what is unknown in either frame, for B
    successive frames: float32 [B - 1]; 0 where nothing is unknown. A clip's figure is the mean of them.

    Erofeev et al., "Perceptually Motivated Benchmark for Video Matting" (2015), in the scaling of Robust
    Video Matting (Lin et al. 2022), whose mean is over the whole frame: a trimap that is all 0.5 gives it.
    """
    unknown = torch.maximum(_unknown(trimap[1:]), _unknown(trimap[:-1]))
    drift = (alpha - truth).diff(dim=0).square() * unknown
    return 100 * (_total(drift) / _total(unknown).clamp_min(1)).sqrt()
