"""``swift``: the default network. It weighs estimates of alpha against each other, pixel by pixel.

At quarter resolution a small U-Net looks around. At half resolution a head, which sees the pixels themselves,
the colours that were sampled for them and each estimate (two guided ones, the sampled, the propagated and the
linked one), says how far each is to be believed, and gives one of its own. Two habits follow: what is learnt
on drawn and rendered pictures holds on photographs, because the estimates are made by rules that hold there;
and edges stay sharp at a fraction of the cost of full size.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from dim_model import encode
from dim_model.encode import CELL, packed
from dim_model.tiles import Tiling


def block(inside: int, outside: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution, batch normalisation (folded into it at inference), ReLU."""
    return nn.Sequential(
        nn.Conv2d(inside, outside, kernel, stride, (kernel - 1) // 2, bias=False),
        nn.BatchNorm2d(outside),
        nn.ReLU(True),
    )


def _up(x: Tensor, factor: int) -> Tensor:
    return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


class Swift(nn.Module):
    """``width``: channels at a quarter, an eighth and a sixteenth of the size. ``head``: channels at half
    size.
    """

    inputs: encode.Inputs = "sampled"
    stride = 16
    """Height and width of the input are multiples of this."""
    tiling = Tiling(size=112, margin=8)

    ESTIMATES = 6
    """Guided, guided wide, sampled, propagated, linked, the network's own."""

    def __init__(self, width: tuple[int, int, int] = (64, 96, 128), head: int = 32) -> None:
        super().__init__()
        quarter, eighth, sixteenth = width
        self.stem = nn.Sequential(
            block(encode.CHANNELS["sampled"] * CELL, quarter, 2, stride=2),
            block(quarter, quarter),
            block(quarter, quarter),
        )
        self.down8 = nn.Sequential(
            block(quarter, eighth, stride=2), block(eighth, eighth), block(eighth, eighth)
        )
        self.down16 = nn.Sequential(
            block(eighth, sixteenth, stride=2),
            block(sixteenth, sixteenth),
            block(sixteenth, sixteenth),
            block(sixteenth, sixteenth),
        )
        self.up8 = nn.Sequential(block(sixteenth + eighth, eighth, 1), block(eighth, eighth))
        self.up4 = nn.Sequential(
            block(eighth + quarter, quarter, 1), block(quarter, quarter), block(quarter, quarter)
        )
        self.context = nn.Conv2d(quarter, head, 1)
        pixels = CELL * (encode.TOLD.stop - encode.TOLD.start)
        self.fuse = nn.Sequential(block(pixels + head, head, 1), block(head, head), block(head, head))
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
        """x: float32 [B, 18, H, W] from ``encode`` ("sampled"), H and W multiples of ``stride``.

        Returns ``alpha`` [B, 1, H, W], not clamped.
        """
        return {"alpha": F.pixel_shuffle(self.tiles(F.pixel_unshuffle(x, encode.PACK)), encode.PACK)}

    def tiles(self, x: Tensor) -> Tensor:
        """Alpha of packed tiles, float32 [N, 72, S/2, S/2] to float32 [N, 4, S/2, S/2], not clamped: a
        channel of ``encode`` is ``CELL`` of them, one of each pixel. The layers compute in the type of their
        weights; estimates and alpha remain float32.
        """
        coarse = x.to(self.gate.weight.dtype)
        quarter = self.stem(coarse)
        eighth = self.down8(quarter)
        deep = self.up8(torch.cat([_up(self.down16(eighth), 2), eighth], 1))
        deep = self.up4(torch.cat([_up(deep, 2), quarter], 1))

        pixels, around = coarse[:, packed(encode.TOLD)], _up(self.context(deep), 2)
        gate = self.gate(self.fuse(torch.cat([pixels, around], 1))).float()
        likely, own = gate[:, : CELL * self.ESTIMATES], gate[:, CELL * self.ESTIMATES :]
        estimates = torch.cat([x[:, packed(encode.ESTIMATES)], own + 0.5], 1)
        likely, estimates = (torch.unflatten(y, 1, (self.ESTIMATES, CELL)) for y in (likely, estimates))
        return (torch.softmax(likely, 1) * estimates).sum(1)
