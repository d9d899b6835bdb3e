"""The architecture of RobustVideoMatting with random weights, as a rival whose time is known.

Written from the papers, for its speed alone: Lin, Yang, Saleemi & Sengupta, "Robust High-Resolution Video
Matting with Temporal Guidance" (2021), section 3 and its MobileNetV3 variant, 128, 80, 40, 32 and 16
channels; Howard et al., "Searching for MobileNetV3" (2019), section 6.3, for the lite reduced pooling; Wu,
Zheng, Zhang & Huang, "Fast End-to-End Trainable Guided Filter" (2018) for the refiner.
"""

from __future__ import annotations

from typing import cast

import torch
import torchvision  # type: ignore[import-untyped]
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

DOWNSAMPLE = 0.25
"""Of a 1080p frame, as the authors advise."""

_POOLED, _DECODER = 128, (80, 40, 32, 16)
_ENCODER = (16, 24, 40)
"""Channels at a half, a quarter and an eighth of the size."""


def _block(inside: int, outside: int, kernel: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inside, outside, kernel, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(outside),
        nn.ReLU(),
    )


def _resized(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, like.shape[-2:], mode="bilinear", align_corners=False)


class _Memory(nn.Module):
    """A convolutional gated recurrent unit over half of the channels; the others pass."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.share = channels // 2
        self.gates = nn.Conv2d(channels, channels, 3, padding=1)
        self.candidate = nn.Conv2d(channels, self.share, 3, padding=1)

    def forward(self, x: Tensor, held: Tensor) -> tuple[Tensor, Tensor]:
        passing, seen = torch.split(x, self.share, 1)
        gates = torch.sigmoid(self.gates(torch.cat([seen, held], 1)))
        forget, update = torch.split(gates, self.share, 1)
        fresh = torch.tanh(self.candidate(torch.cat([seen, forget * held], 1)))
        held = (1 - update) * held + update * fresh
        return torch.cat([passing, held], 1), held


class _Refiner(nn.Module):
    """The deep guided filter: foreground and alpha as a line of the frame's own pixels, at its own size."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.slope = nn.Sequential(_block(8 + hidden, 16, 1), _block(16, 16, 1), nn.Conv2d(16, 4, 1))

    def forward(self, frame: Tensor, small: Tensor, made: Tensor, hidden: Tensor) -> Tensor:
        guide, fine = (torch.cat([x, x.mean(1, keepdim=True)], 1) for x in (small, frame))
        mean_x, mean_y, mean_xy, mean_xx = (
            F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
            for x in (guide, made, guide * made, guide * guide)
        )
        spread = torch.cat([mean_xy - mean_x * mean_y, mean_xx - mean_x * mean_x, hidden], 1)
        slope = self.slope(spread)
        offset = mean_y - slope * mean_x
        return _resized(slope, frame) * fine + _resized(offset, frame)


class Rvm(nn.Module):
    """frame: float32 [1, 3, H, W] to foreground and alpha, float32 [1, 4, H, W]; it remembers frames. It has
    3.75 million parameters, as the paper tells of its own.
    """

    def __init__(self) -> None:
        super().__init__()
        # Dilated, the last blocks keep a sixteenth of the size.
        self.encoder = torchvision.models.mobilenet_v3_large(weights=None, dilated=True).features
        self.pooled = _block(960, _POOLED, 1)
        self.share = nn.Conv2d(960, _POOLED, 1, bias=False)
        above = (_POOLED, *_DECODER[:3])
        self.memory = nn.ModuleList([_Memory(_POOLED), *map(_Memory, _DECODER[:3])])
        self.merge = nn.ModuleList(
            _block(inside + skip + 3, outside)
            for inside, skip, outside in zip(above, reversed(_ENCODER), _DECODER[:3], strict=False)
        )
        last = _DECODER[3]
        self.output = nn.Sequential(_block(above[3] + 3, last), _block(last, last))
        self.project = nn.Conv2d(last, 4, 1)
        self.refine = _Refiner(last)
        self._held: list[Tensor] = []

    def forward(self, frame: Tensor) -> Tensor:
        small = F.interpolate(
            frame, scale_factor=DOWNSAMPLE, mode="bilinear", align_corners=False, recompute_scale_factor=True
        )
        x, skips = small, []
        for n, layer in enumerate(self.encoder):
            x = layer(x)
            if n in (1, 3, 6):
                skips.append(x)
        x = self.pooled(x) * torch.sigmoid(self.share(F.adaptive_avg_pool2d(x, 1)))
        pictures = [small]
        for _ in skips:
            pictures.append(F.avg_pool2d(pictures[-1], 2, 2, ceil_mode=True))
        held: list[Tensor] = []

        def remembered(n: int, x: Tensor) -> Tensor:
            memory = self.memory[n]
            before = self._held[n] if self._held else x.new_zeros(1, x.shape[1] // 2, *x.shape[-2:])
            x, now = memory(x, before)
            held.append(now)
            return x

        x = remembered(0, x)
        for n, (skip, picture) in enumerate(zip(reversed(skips), reversed(pictures), strict=False), 1):
            x = self.merge[n - 1](torch.cat([_resized(x, skip), skip, _resized(picture, skip)], 1))
            x = remembered(n, x)
        hidden = self.output(torch.cat([_resized(x, small), small], 1))
        self._held = held
        made = self.project(hidden)
        low = torch.cat([made[:, :3] + small, made[:, 3:]], 1)
        return cast(Tensor, self.refine(frame, small, low, hidden))
