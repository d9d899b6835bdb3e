"""``dim-vgg16``: Deep Image Matting as published, the reference for those who have its data and a GPU for it.

Xu, Price, Cohen & Huang, "Deep Image Matting" (CVPR 2017), section 4: the 13 convolutions of VGG16 with a
fourth input channel for the trimap, max-unpooling with the encoder's indices and 5x5 convolutions on the way
back, and a refinement stage that adds a residual to the coarse alpha.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from dim_model.encode import CHANNELS, PACK, Inputs
from dim_model.tiles import Tiling

_STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
"""Widths of VGG16's convolutions between its five poolings (Simonyan & Zisserman 2014, configuration D)."""

_DECODER = (512, 256, 128, 64, 64)
"""Widths after each unpooling (Xu et al., section 4.1)."""


def _conv(inside: int, outside: int, kernel: int) -> nn.Sequential:
    layer = nn.Conv2d(inside, outside, kernel, padding=kernel // 2)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return nn.Sequential(layer, nn.ReLU(inplace=True))


class DimVgg16(nn.Module):
    """Coarse alpha by encoder and decoder, then refined. Any height and width: frames are padded to
    ``stride``.
    """

    inputs: Inputs = "plain"
    stride = 32
    tiling = Tiling(height=160, margin=16)
    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        # ImageNet's statistics, which VGG16 weights from elsewhere expect; the trimap is centred alike.
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406, 0.5]).view(1, 4, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225, 0.5]).view(1, 4, 1, 1))
        width = CHANNELS["plain"]
        stages = []
        for widths in _STAGES:
            layers = []
            for following in widths:
                layers.append(_conv(width, following, 3))
                width = following
            stages.append(nn.Sequential(*layers))
        self.encoder = nn.ModuleList(stages)
        self.bridge = nn.Sequential(_conv(512, 512, 3), _conv(512, 512, 1))
        steps = []
        for following in _DECODER:
            steps.append(_conv(width, following, 5))
            width = following
        self.decoder = nn.ModuleList(steps)
        self.coarse = nn.Conv2d(width, 1, 5, padding=2)
        self.refine = nn.Sequential(
            _conv(4, 64, 3), _conv(64, 64, 3), _conv(64, 64, 3), nn.Conv2d(64, 1, 3, padding=1)
        )

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """x: float32 [B, 4, H, W], RGB display-referred 0..1 and trimap (``encode``, "plain").

        Returns ``alpha`` (refined) and ``coarse``, each float32 [B, 1, H, W], not clamped.
        """
        height, width = x.shape[-2:]
        x = F.pad(x, (0, -width % self.stride, 0, -height % self.stride), mode="replicate")
        y = (x - self.mean) / self.std
        pooled: list[Tensor] = []
        for stage in self.encoder:
            y, indices = F.max_pool2d(stage(y), 2, return_indices=True)
            pooled.append(indices)
        y = self.bridge(y)
        for step, indices in zip(self.decoder, reversed(pooled), strict=True):
            # Indices of a stage have its width; the decoder's first convolution after them narrows to the
            # next one's.
            y = step(F.max_unpool2d(y, indices, [2, 2]))
        coarse = self.coarse(y)
        normalised = (x[:, :3] - self.mean[:, :3]) / self.std[:, :3]
        alpha = coarse + self.refine(torch.cat([normalised, coarse], 1))
        return {"alpha": alpha[..., :height, :width], "coarse": coarse[..., :height, :width]}

    def tiles(self, x: Tensor) -> Tensor:
        """Alpha of packed tiles, float32 [N, 16, S/2, S/2] to float32 [N, 4, S/2, S/2], not clamped."""
        pixels = F.pixel_shuffle(x, PACK).to(self.coarse.weight.dtype)
        return F.pixel_unshuffle(self(pixels)["alpha"].float(), PACK)
