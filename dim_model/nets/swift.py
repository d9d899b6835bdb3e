"""``swift``: the default network. It corrects what the trimap's colours say; the pixel itself says the rest.

At quarter resolution a small U-Net corrects the sampled foreground and background colours. Each pixel, at
full resolution, is projected on the corrected colour line (I = aF + (1 - a)B, solved for a). At half
resolution a head weighs that projection against the other estimates of alpha: the two guided ones, the
sampled, the propagated and the linked one, and one of the network's own. Two habits follow: what is learnt on
rendered pictures holds on photographs, because the physics does the work; and edges stay sharp at a sixteenth
of the cost, because the pixel is its own evidence.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from dim_model import encode
from dim_model.encode import CELL, packed


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

    ESTIMATES = 7
    """Projection, guided, guided wide, sampled, propagated, linked, the network's own."""

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
        self.colours = nn.Conv2d(quarter, 6, 1)
        self.context = nn.Conv2d(quarter, head, 1)
        pixels = CELL * (3 + 2 + 6 + 1 + 6)
        self.fuse = nn.Sequential(block(pixels + head, head, 1), block(head, head), block(head, head))
        self.gate = nn.Conv2d(head, CELL * (self.ESTIMATES + 1), 1)
        self._begin_at_guided()

    def _begin_at_guided(self) -> None:
        """An untrained network gives the guided alpha: training starts from what is already known to work."""
        for layer in (self.colours, self.gate):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(cast(Tensor, layer.bias))
        with torch.no_grad():
            cast(Tensor, self.gate.bias)[CELL : 2 * CELL] = 2.5

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """x: float32 [B, 18, H, W] from ``encode`` ("sampled"), H and W multiples of ``stride``.

        Returns ``alpha`` [B, 1, H, W], not clamped; ``foreground`` and ``background`` [B, 3, H, W],
        display-referred; ``projection`` [B, 1, H, W], the alpha that the corrected colours alone would give.
        """
        outputs = self._packed(F.pixel_unshuffle(x, encode.PACK))
        return {name: F.pixel_shuffle(y, encode.PACK) for name, y in outputs.items()}

    def tiles(self, x: Tensor) -> Tensor:
        """Alpha of packed tiles, float32 [N, 72, S/2, S/2] to float32 [N, 4, S/2, S/2], not clamped. The
        layers compute in the type of their weights; colours and alpha remain float32.
        """
        return self._packed(x)["alpha"]

    def _packed(self, x: Tensor) -> dict[str, Tensor]:
        """All outputs, packed as ``x`` is: a channel of ``encode`` is ``CELL`` here, one of each pixel."""
        coarse = x.to(self.colours.weight.dtype)
        quarter = self.stem(coarse)
        eighth = self.down8(quarter)
        deep = self.up8(torch.cat([_up(self.down16(eighth), 2), eighth], 1))
        deep = self.up4(torch.cat([_up(deep, 2), quarter], 1))

        correction = F.pixel_unshuffle(_up(self.colours(deep).float(), 4), encode.PACK)
        rgb, told = x[:, packed(encode.RGB)], x[:, packed(encode.ESTIMATES)]
        foreground = x[:, packed(encode.FOREGROUND)] + correction[:, packed(slice(0, 3))]
        background = x[:, packed(encode.BACKGROUND)] + correction[:, packed(slice(3, 6))]
        line = foreground - background
        along, length = _colours_summed((rgb - background) * line), _colours_summed(line.square())
        projection = (along / (length + 2e-3)).clamp(-0.2, 1.2)

        explained = torch.cat([foreground, background, projection], 1).to(coarse.dtype)
        pixel = [coarse[:, packed(encode.GIVEN)], explained, coarse[:, packed(encode.FOUND)]]
        gate = self.gate(self.fuse(torch.cat([*pixel, _up(self.context(deep), 2)], 1))).float()
        likely, own = gate[:, : CELL * self.ESTIMATES], gate[:, CELL * self.ESTIMATES :]
        estimates = torch.cat([projection, told, own + 0.5], 1)
        likely, estimates = (torch.unflatten(y, 1, (self.ESTIMATES, CELL)) for y in (likely, estimates))
        alpha = (torch.softmax(likely, 1) * estimates).sum(1)
        return {"alpha": alpha, "foreground": foreground, "background": background, "projection": projection}


def _colours_summed(x: Tensor) -> Tensor:
    """Packed colours [N, 12, H, W] to their sum over the three [N, 4, H, W]."""
    red, green, blue = torch.split(x, CELL, 1)
    return red + green + blue
