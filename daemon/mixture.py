"""What a frame's partly transparent pixels are made of: how much of each is the subject, and its light."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from daemon.clip_config import Mixing
from daemon.colour import DISPLAY, ColourSpace
from dim_model import srgb
from dim_model.arrays import Floats
from dim_model.by_pixel import by_pixel
from dim_model.foreground import Mixed, mixed_colours
from dim_model.mixing import agreed, share
from dim_model.numbered import read, write

_BRIGHTEST = 1e12
"""Light: a damaged file may say more."""


@dataclass(frozen=True)
class Mixture:
    """alpha: float32 [H, W], 0..1, by what is mixed. pixels: int64 [N], flat indices of those that are mixed,
    in order. opacity: their alpha, float32 [N]. front: the subject's light in them, float32 [3, N], linear.
    """

    alpha: Floats
    pixels: NDArray[np.intp]
    opacity: Tensor
    front: Tensor
    mixing: Mixing

    @classmethod
    def of(cls, plate: Tensor, alpha: Tensor, space: ColourSpace, mixing: Mixing) -> Self:
        """plate: float32 [3, H, W] in ``space``; what of it is no number tells no colour. alpha: float32
        [1, H, W], 0..1, by numbers. mixing: see ``ClipSettings``.
        """
        mixed = Mixed.of(alpha)
        pixels, opacity = mixed.pixels, mixed.alpha.reshape(-1)[mixed.pixels]
        if not pixels.size:  # light need not be asked for
            return cls(mixed.alpha, pixels, torch.from_numpy(opacity), torch.empty(3, 0), mixing)
        front, behind = (srgb.to_light(some) for some in mixed_colours(_numbers(plate, mixed, space), mixed))
        if mixing == "display":
            return cls(mixed.alpha, pixels, torch.from_numpy(opacity), front, mixing)
        sides = table(_told(space.to_linear(colours(plate, pixels)))), table(front), table(behind)
        opacity = share(*sides, opacity)
        by_light = mixed.alpha.copy()
        by_light.reshape(-1)[pixels] = opacity
        light = torch.from_numpy(agreed(*sides, opacity)).T
        return cls(by_light, pixels, torch.from_numpy(opacity), light, mixing)

    def over(self, front: Tensor, behind: Tensor) -> Tensor:
        """Light of the mixed pixels with other colours before and behind; all linear, float32 [3, N]."""
        a = self.opacity
        if self.mixing == "light":
            return a * front + (1 - a) * behind
        return srgb.to_light(a * srgb.from_light(front) + (1 - a) * srgb.from_light(behind))


def colours(picture: Tensor, pixels: NDArray[np.intp]) -> Tensor:
    """Those of pixels by their flat indices in order, float32 [3, N], of a picture [3, H, W]."""
    return torch.from_numpy(read(by_pixel(picture), pixels, picture.shape[2])).T


def table(some: Tensor) -> Floats:
    """Colours [3, N] by pixels, float32 [N, 3]; not a copy where they lie so."""
    return np.ascontiguousarray(some.T.numpy())


def _numbers(plate: Tensor, mixed: Mixed, space: ColourSpace) -> Tensor:
    """The numbers that sRGB has for what the mixed pixels' colours are found by, [3, H, W], 0 where there is
    no colour; elsewhere anything.
    """
    where = mixed.needed
    some = colours(plate, where)
    if space == DISPLAY and _is_within(some, _BRIGHTEST ** (1 / 2.4)):
        return plate
    numbers = np.empty_like(by_pixel(plate))
    write(numbers, where, table(srgb.from_light(_told(space.to_linear(some)))))
    return torch.from_numpy(numbers).permute(2, 0, 1)


def _told(light: Tensor) -> Tensor:
    """The same, but 0 for numbers that tell no colour, and none beyond what may be squared and rooted."""
    if _is_within(light, _BRIGHTEST):  # to ask each takes four times as long
        return light
    return torch.where(light.isfinite(), light, 0.0).clamp(-_BRIGHTEST, _BRIGHTEST)


def _is_within(colours: Tensor, bound: float) -> bool:
    """Not so where one is no number."""
    low, high = colours.aminmax()
    return bool((low > -bound) & (high < bound))
