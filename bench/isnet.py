"""The architecture of IS-Net with random weights, as a rival whose time is known.

Written from the papers, for its speed alone: Qin, Dai, Hu, Fan, Shao & Van Gool, "Highly Accurate Dichotomous
Image Segmentation" (2022), section 4, for what stands around it: a first convolution that halves the picture,
and a map from every stage; Qin, Zhang, Huang, Dehghan, Zaiane & Jagersand, "U²-Net" (2020), section 3 and
table 1, for the blocks and their channels.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

SIDE = 1024
"""Pixels: the square that the authors run it on."""

_FIRST = 64


def _block(inside: int, outside: int, dilation: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inside, outside, 3, padding=dilation, dilation=dilation),
        nn.BatchNorm2d(outside),
        nn.ReLU(),
    )


def _halved(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 2, 2, ceil_mode=True)


def _resized(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, like.shape[-2:], mode="bilinear", align_corners=False)


class _Stage(nn.Module):
    """A residual U-block: a small U-Net of ``height`` encoding layers, ``middle`` channels wide, whose output
    is added to its input. The deep ones do not pool (``flat``) and see as far by dilation.
    """

    def __init__(self, height: int, inside: int, middle: int, outside: int, flat: bool = False) -> None:
        super().__init__()
        self.flat = flat
        dilations = [2**n if flat else 1 for n in range(height - 1)]
        self.enter = _block(inside, outside)
        self.down = nn.ModuleList(
            _block(middle if n else outside, middle, dilation) for n, dilation in enumerate(dilations)
        )
        self.bottom = _block(middle, middle, 2 ** (height - 1) if flat else 2)
        self.up = nn.ModuleList(
            _block(2 * middle, middle if n else outside, dilation) for n, dilation in enumerate(dilations)
        )

    def forward(self, x: Tensor) -> Tensor:
        entered = x = self.enter(x)
        skips: list[Tensor] = []
        for n, layer in enumerate(self.down):
            x = layer(x if self.flat or n == 0 else _halved(x))
            skips.append(x)
        x = self.bottom(x)
        for layer, skip in zip(reversed(self.up), reversed(skips), strict=True):
            x = layer(torch.cat([_resized(x, skip), skip], 1))
        return cast(Tensor, entered + x)


class IsNet(nn.Module):
    """picture: float32 [B, 3, H, W] to six maps of the subject, float32 [B, 1, H, W], 0..1, the finest first.
    It has 44 million parameters: the paper tells of 176.6 MB.
    """

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, _FIRST, 3, stride=2, padding=1)
        self.down = nn.ModuleList([
            _Stage(7, _FIRST, 32, 64),
            _Stage(6, 64, 32, 128),
            _Stage(5, 128, 64, 256),
            _Stage(4, 256, 128, 512),
            _Stage(4, 512, 256, 512, flat=True),
        ])  # fmt: skip
        self.bottom = _Stage(4, 512, 256, 512, flat=True)
        self.up = nn.ModuleList([
            _Stage(7, 128, 16, 64),
            _Stage(6, 256, 32, 64),
            _Stage(5, 512, 64, 128),
            _Stage(4, 1024, 128, 256),
            _Stage(4, 1024, 256, 512, flat=True),
        ])  # fmt: skip
        self.maps = nn.ModuleList(
            nn.Conv2d(channels, 1, 3, padding=1) for channels in (64, 64, 128, 256, 512, 512)
        )

    def forward(self, picture: Tensor) -> tuple[Tensor, ...]:
        x, skips = self.first(picture), []
        for stage in self.down:
            x = stage(x)
            skips.append(x)
            x = _halved(x)
        x = self.bottom(x)
        made = [x]
        for stage, skip in zip(reversed(self.up), reversed(skips), strict=True):
            x = stage(torch.cat([_resized(x, skip), skip], 1))
            made.insert(0, x)
        return tuple(
            torch.sigmoid(_resized(layer(one), picture)) for layer, one in zip(self.maps, made, strict=True)
        )


def written(folder: Path, side: int = SIDE) -> Path:
    """isnet.onnx in ``folder``, for a square of ``side`` pixels."""
    path = folder / "isnet.onnx"
    program = torch.onnx.export(IsNet().eval(), (torch.zeros(1, 3, side, side),), dynamo=True, verbose=False)
    assert program is not None
    program.save(path)
    return path
