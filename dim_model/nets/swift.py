"""``swift``: the default network. It weighs estimates of alpha against each other, pixel by pixel.

At quarter resolution a small U-Net looks around. At half resolution a head, which sees the pixels themselves,
the colours that were sampled for them and each estimate (two guided ones, the sampled and the propagated
one), says how far each is to be believed, and gives one of its own. Two habits follow: what is learnt
on drawn and rendered pictures holds on photographs, because the estimates are made by rules that hold there;
and edges stay sharp at a fraction of the cost of full size. A weighted mean is never quite 0 or 1, so what is
all but that is taken for it: a haze of a hundredth over the background is what a compositor sees first.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.nn.utils.fusion import fuse_conv_bn_eval

from dim_model import encode
from dim_model.encode import CELL, packed
from dim_model.tiles import Tiling


def separable(inside: int, outside: int, rank: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution, batch normalisation (folded into it at inference), ReLU. The convolution of ``kernel`` x
    ``kernel`` is one along columns and one along rows, with ``rank`` channels between them: Jaderberg,
    Vedaldi & Zisserman, "Speeding up Convolutional Neural Networks with Low Rank Expansions" (2014), scheme
    2. With a quarter of the channels it costs a sixth; what whole ones had learnt was nearly of such a rank
    (docs/experiments.md).
    """
    around = (kernel - 1) // 2
    return nn.Sequential(
        nn.Conv2d(inside, rank, (kernel, 1), (stride, 1), (around, 0), bias=False),
        nn.Conv2d(rank, outside, (1, kernel), (1, stride), (0, around), bias=False),
        nn.BatchNorm2d(outside),
        nn.ReLU(True),
    )


class Joined(nn.Module):
    """A block of 1 x 1 on fine features and on coarse ones of half their size. Interpolation and convolution
    of 1 x 1 may change places, so the coarse ones are convolved while they are small.
    """

    def __init__(self, fine: int, coarse: int, outside: int) -> None:
        super().__init__()
        self.fine = nn.Conv2d(fine, outside, 1, bias=False)
        self.coarse = nn.Conv2d(coarse, outside, 1, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(outside)

    def forward(self, fine: Tensor, coarse: Tensor) -> Tensor:
        """fine: [N, ``fine``, H, W]; coarse: [N, ``coarse``, H/2, W/2]. Returns [N, ``outside``, H, W]."""
        larger = F.interpolate(self.coarse(coarse), scale_factor=2, mode="bilinear", align_corners=False)
        return F.relu(self.norm(self.fine(fine) + larger))

    def fold(self) -> None:
        """Make the normalisation part of the convolutions, for inference."""
        norm = self.norm
        if not isinstance(norm, nn.BatchNorm2d):
            return
        self.fine = fuse_conv_bn_eval(self.fine, norm)
        with torch.no_grad():
            scale = norm.weight / torch.sqrt(cast(Tensor, norm.running_var) + norm.eps)
            self.coarse.weight.mul_(scale[:, None, None, None])
        self.norm = nn.Identity()


class Swift(nn.Module):
    """``width``: channels at a quarter, an eighth and a sixteenth of the size. ``head``: channels at half
    size. ``rank``: of separable convolutions, at each of these four sizes.
    """

    inputs: encode.Inputs = "sampled"
    stride = 16
    """Height and width of the input are multiples of this."""
    tiling = Tiling(height=112, margin=8, widths=(64, 112, 160, 224))

    ESTIMATES = 5
    """Guided, guided wide, sampled, propagated, the network's own."""

    SURE = 0.02
    """A mean within so much of 0 or 1 is 0 or 1; all between is stretched to meet them."""

    def __init__(
        self,
        width: tuple[int, int, int] = (64, 96, 128),
        head: int = 32,
        rank: tuple[int, int, int, int] = (16, 24, 32, 16),
    ) -> None:
        super().__init__()
        quarter, eighth, sixteenth = width
        at_quarter, at_eighth, at_sixteenth, at_half = rank
        self.stem = nn.Sequential(
            separable(encode.CHANNELS["sampled"] * CELL, quarter, at_quarter, kernel=2, stride=2),
            separable(quarter, quarter, at_quarter),
            separable(quarter, quarter, at_quarter),
        )
        self.down8 = nn.Sequential(
            separable(quarter, eighth, at_eighth, stride=2),
            separable(eighth, eighth, at_eighth),
            separable(eighth, eighth, at_eighth),
        )
        self.down16 = nn.Sequential(
            separable(eighth, sixteenth, at_sixteenth, stride=2),
            separable(sixteenth, sixteenth, at_sixteenth),
            separable(sixteenth, sixteenth, at_sixteenth),
            separable(sixteenth, sixteenth, at_sixteenth),
        )
        self.join8 = Joined(eighth, sixteenth, eighth)
        self.up8 = separable(eighth, eighth, at_eighth)
        self.join4 = Joined(quarter, eighth, quarter)
        self.up4 = nn.Sequential(
            separable(quarter, quarter, at_quarter), separable(quarter, quarter, at_quarter)
        )
        self.join2 = Joined(CELL * encode.CHANNELS["sampled"], quarter, head)
        self.head = nn.Sequential(separable(head, head, at_half), separable(head, head, at_half))
        self.gate = nn.Conv2d(head, CELL * (self.ESTIMATES + 1), 1)
        self._begin_at_guided()

    def _begin_at_guided(self) -> None:
        """An untrained network gives the guided alpha: training starts from what is already known to work."""
        nn.init.zeros_(self.gate.weight)
        bias = cast(Tensor, self.gate.bias)
        nn.init.zeros_(bias)
        with torch.no_grad():
            bias[:CELL] = 2.5

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """x: float32 [B, 16, H, W] from ``encode`` ("sampled"), H and W multiples of ``stride``.

        Returns ``alpha`` [B, 1, H, W], not clamped.
        """
        return {"alpha": F.pixel_shuffle(self.tiles(F.pixel_unshuffle(x, encode.PACK)), encode.PACK)}

    def tiles(self, x: Tensor) -> Tensor:
        """Alpha of packed tiles, float32 [N, 64, S/2, S/2] to float32 [N, 4, S/2, S/2], not clamped: a
        channel of ``encode`` is ``CELL`` of them, one of each pixel. The layers compute in the type of their
        weights; estimates and alpha remain float32.
        """
        coarse = x.to(self.gate.weight.dtype)
        quarter = self.stem(coarse)
        eighth = self.down8(quarter)
        around = self.up8(self.join8(eighth, self.down16(eighth)))
        around = self.up4(self.join4(quarter, around))
        seen = self.head(self.join2(coarse, around))
        # Not channels last from here: a pixel's few numbers are summed many pixels at once.
        gate = self.gate(seen).to(torch.float32, memory_format=torch.contiguous_format)
        likely, own = gate[:, : CELL * self.ESTIMATES], gate[:, CELL * self.ESTIMATES :]
        estimates = torch.cat([x[:, packed(encode.ESTIMATES)].contiguous(), own + 0.5], 1)
        likely, estimates = (torch.unflatten(y, 1, (self.ESTIMATES, CELL)) for y in (likely, estimates))
        mean = (torch.softmax(likely, 1) * estimates).sum(1)
        return (mean - self.SURE) / (1 - 2 * self.SURE)
