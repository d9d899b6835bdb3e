"""``trimap``: what is background, foreground, or not to be told without a matte, from the picture alone.

The encoder is EfficientNet-Lite0 (Tan & Le, "EfficientNet", 2019, table 1; the Lite variant leaves out
squeeze-and-excitation and clamps with ReLU6), so that ImageNet weights fit it (``trainer.imagenet``). The
decoder is a feature pyramid with a look at the whole picture on top: subjects are told apart far from their
edges, edges near them.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

CLASSES = ("background", "unknown", "foreground")
"""In the order of the logits; class c is the trimap's value c / 2."""

_EPSILON = 1e-3
"""Of batch normalisation, as the encoder's ImageNet weights were trained with."""


class Stage(NamedTuple):
    """Blocks that share an expansion, a kernel and a width; the first of them has the stride."""

    expansion: int
    kernel: int
    stride: int
    width: int
    blocks: int


LITE0 = (
    Stage(1, 3, 1, 16, 1),
    Stage(6, 3, 2, 24, 2),
    Stage(6, 5, 2, 40, 2),
    Stage(6, 3, 2, 80, 3),
    Stage(6, 5, 1, 112, 3),
    Stage(6, 5, 2, 192, 4),
    Stage(6, 3, 1, 320, 1),
)
"""Tan & Le (2019), table 1, B0."""

_STEM = 32


class _Same(nn.Conv2d):
    """Without bias, padded as TensorFlow's SAME is: at stride 2 an even input gets less before than after."""

    def __init__(self, inside: int, outside: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(inside, outside, kernel, stride, groups=groups, bias=False)
        before, after = (kernel - stride) // 2, kernel - stride - (kernel - stride) // 2
        self._margin = (before, after, before, after)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, self._margin) if any(self._margin) else x)


def _layer(inside: int, outside: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Convolution, batch normalisation, ReLU6."""
    return nn.Sequential(
        _Same(inside, outside, kernel, stride, groups), nn.BatchNorm2d(outside, _EPSILON), nn.ReLU6(True)
    )


class _Block(nn.Module):
    """Inverted residual (Sandler et al., MobileNetV2, 2018, figure 4)."""

    def __init__(self, inside: int, stage: Stage, stride: int) -> None:
        super().__init__()
        wide = inside * stage.expansion
        self.expand = _layer(inside, wide, 1) if stage.expansion > 1 else nn.Identity()
        self.depthwise = _layer(wide, wide, stage.kernel, stride, wide)
        self.project = _layer(wide, stage.width, 1)[:2]  # linear
        self.is_residual = stride == 1 and inside == stage.width

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.project(self.depthwise(self.expand(x)))
        return x + y if self.is_residual else y


class Lite0(nn.Module):
    """EfficientNet-Lite0 without its classifier. widths: channels of the five outputs."""

    widths: tuple[int, ...]

    def __init__(self) -> None:
        super().__init__()
        self.stem = _layer(3, _STEM, 3, 2)
        blocks, widths, inside = list[nn.Module](), list[int](), _STEM
        self._taken: list[int] = []
        for n, stage in enumerate(LITE0):
            for k in range(stage.blocks):
                blocks.append(_Block(inside, stage, stage.stride if k == 0 else 1))
                inside = stage.width
            if n + 1 == len(LITE0) or LITE0[n + 1].stride == 2:  # the last of its size
                self._taken.append(len(blocks) - 1)
                widths.append(stage.width)
        self.blocks, self.widths = nn.ModuleList(blocks), tuple(widths)

    def forward(self, x: Tensor) -> list[Tensor]:
        """x: float32 [B, 3, H, W], (RGB of 0..255 - 127) / 128. Returns features at 1/2, 1/4, 1/8, 1/16,
        1/32.
        """
        x = self.stem(x)
        found = []
        for n, block in enumerate(self.blocks):
            x = block(x)
            if n in self._taken:
                found.append(x)
        return found


class _Merge(nn.Module):
    """What is known at half the size, and what is seen at this one, as ``width`` channels."""

    def __init__(self, deep: int, skip: int, width: int) -> None:
        super().__init__()
        self.deep = _layer(deep, width, 1)[:2]
        self.skip = _layer(skip, width, 1)[:2]
        self.mix = nn.Sequential(_layer(width, width, 5, groups=width), _layer(width, width, 1))

    def forward(self, deep: Tensor, skip: Tensor) -> Tensor:
        # The 1x1 convolution commutes with the interpolation, and costs a quarter before it.
        up = F.interpolate(self.deep(deep), scale_factor=2, mode="bilinear", align_corners=False)
        y = F.relu(up + self.skip(skip))
        out: Tensor = y + self.mix(y)
        return out


class TrimapNet(nn.Module):
    """``widths``: channels of the decoder at 1/2, 1/4, 1/8 and 1/16 of the size."""

    inputs = "picture"
    stride = 32
    """Height and width of the input are multiples of this."""
    mean: Tensor
    std: Tensor

    def __init__(self, widths: tuple[int, int, int, int] = (32, 48, 80, 128)) -> None:
        super().__init__()
        # As the ImageNet weights expect it: (x - 127) / 128 of 0..255.
        self.register_buffer("mean", torch.tensor(127 / 255))
        self.register_buffer("std", torch.tensor(128 / 255))
        self.encoder = Lite0()
        top = self.encoder.widths[-1]
        self.whole = nn.Sequential(nn.Linear(top, top), nn.ReLU(True), nn.Linear(top, top))
        merges, deep = [], top
        for skip, width in zip(self.encoder.widths[-2::-1], widths[::-1], strict=True):
            merges.append(_Merge(deep, skip, width))
            deep = width
        self.decoder = nn.ModuleList(merges)
        self.classify = nn.Conv2d(deep, len(CLASSES), 3, padding=1)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """x: float32 [B, 3, H, W], display-referred RGB, 0..1, H and W multiples of ``stride``.

        Returns ``logits`` [B, 3, H, W], of ``CLASSES``.
        """
        *skips, deep = self.encoder((x - self.mean) / self.std)
        deep = deep + self.whole(deep.mean((2, 3)))[..., None, None]
        for merge, skip in zip(self.decoder, skips[::-1], strict=True):
            deep = merge(deep, skip)
        logits = self.classify(deep)
        return {"logits": F.interpolate(logits, scale_factor=2, mode="bilinear", align_corners=False)}
