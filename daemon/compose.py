"""What comes out of a frame: alpha, straight and premultiplied foreground, composite."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from daemon.clip_config import Mixing
from daemon.colour import DISPLAY, ColourSpace, convert
from daemon.media.base import Pixels
from daemon.treatment import PLAIN, Treatment
from dim_model import srgb
from dim_model.arrays import Floats
from dim_model.extend import beyond
from dim_model.foreground import Mixed, mixed_colours
from dim_model.mixing import agreed, share
from dim_model.numbered import read, write
from dim_model.shown import over, shown

CHANNELS: Mapping[str, int] = {"alpha": 1, "foreground": 4, "premult": 4, "composite": 3}
"""Channels of each output."""


def compose(
    plate: Tensor,
    alpha: Tensor,
    background: Tensor | None,
    space: ColourSpace,
    outputs: Collection[str],
    into: Mapping[str, ColourSpace] = MappingProxyType({}),
    treatment: Treatment = PLAIN,
    mixing: Mixing = "light",
) -> dict[str, Pixels]:
    """The outputs asked for, each float32 [H, W, C], C as in ``CHANNELS``; one that is made for the sake of
    another is named so, as ``layers.premult``.

    plate: float32 [3, H, W] in ``space``. alpha: float32 [1, H, W], by numbers, as a network tells it (see
    ``dim_model.mixing``). background: [3, H, W] in ``space``, for ``composite``. into: spaces of the outputs
    that are not to have the plate's. mixing: what is mixed, of plate and composite alike: ``light``, and then
    alpha becomes the share of it, or sRGB's numbers. Where alpha is 1, foreground and composite are the plate
    bit for bit (or its numbers converted); where it is 0, the composite is the background. Premultiplied is
    the output's own numbers times alpha. treatment: of the foreground; what it does to opaque pixels, and
    outside the matte, is what it was asked for. A render's NaN or infinity tells no colour: it stays where it
    is, and has no say in the colours around it.
    """
    kinds = {name: name.rpartition(".")[2] for name in outputs}
    coloured = {name: kind for name, kind in kinds.items() if kind in ("foreground", "premult")}
    made: dict[str, Pixels] = {}
    if coloured or "composite" in outputs or mixing == "light":
        found = _Foreground(plate, alpha, space, treatment, mixing, set(coloured.values()))
        alpha = found.alpha
        if "composite" in outputs and background is not None:
            made["composite"] = found.over(background, into.get("composite"))
        # What is the picture itself comes last: others are made of it before it is changed.
        own = next((name for name, kind in coloured.items() if kind == "foreground" and name not in into), "")
        for name in sorted(coloured, key=lambda name: name == own):
            made[name] = found.output(coloured[name], into.get(name), is_last=name == own)
    made["alpha"] = np.ascontiguousarray(alpha.permute(1, 2, 0).numpy())
    return {name: made[name] for name in outputs}


class _Foreground:
    """A frame's foreground, found once for all outputs. As ``compose``; kinds: of the outputs that have its
    colours. alpha: float32 [1, H, W], that which goes with the colours.
    """

    def __init__(
        self,
        plate: Tensor,
        alpha: Tensor,
        space: ColourSpace,
        treatment: Treatment,
        mixing: Mixing,
        kinds: Collection[str],
    ) -> None:
        self.alpha, self._space, self._mixing, self._mixed = alpha, space, mixing, Mixed.of(alpha)
        self._inside = torch.empty(3, 0)
        self._extended: tuple[Tensor, Tensor] | None = None
        show = partial(shown, _pixels(plate), self._mixed.alpha)
        # Where all is known, the plate is all there is to it, and light need not be asked for.
        if not self._mixed.pixels.size and not treatment.is_for_known:
            self._picture = show()
            return
        with ThreadPoolExecutor(1, "show") as beside:  # it waits for memory, the rest for numbers
            extend = treatment.extend if "foreground" in kinds else 0
            self._find(plate, treatment, extend, beside.submit(show))

    @property
    def _straight(self) -> Tensor:
        """The picture's colours, [3, H, W]."""
        return torch.from_numpy(self._picture).permute(2, 0, 1)[:3]

    def _find(self, plate: Tensor, treatment: Treatment, extend: int, picture: Future[Pixels]) -> None:
        """The light of what is mixed, and all that the treatment does. picture: as it lies in memory, alpha
        its fourth channel.
        """
        pixels = self._mixed.pixels
        inside, behind = (srgb.to_light(some) for some in mixed_colours(self._numbers(plate), self._mixed))
        opacity = self._mixed.alpha.reshape(-1)[pixels]
        if self._mixing == "light":
            sides = _table(_told(self._space.to_linear(_read(plate, pixels)))), _table(inside), _table(behind)
            opacity = share(*sides, opacity)
            inside = torch.from_numpy(agreed(*sides, opacity)).T
            self._retell(opacity)
        self._opacity = torch.from_numpy(opacity)
        self._inside = treatment.mixed(inside, self._opacity)
        scene = self._space.to_linear(plate.contiguous()) if treatment.is_for_known else plate
        spilt, solid = treatment.solid(scene, self.alpha)
        self._picture = picture.result()
        write(self._picture, pixels, _table(self._space.from_linear(self._inside)))
        self._picture.reshape(-1, 4)[pixels, 3] = opacity
        if solid.numel():  # a mask of a whole frame is slow to ask
            self._straight[:, spilt] = self._space.from_linear(solid)
        if extend:
            light = scene.clone()
            light.view(3, -1)[:, torch.from_numpy(pixels)], light[:, spilt] = self._inside, solid
            self._extended = beyond(light, self.alpha, extend)

    def _numbers(self, plate: Tensor) -> Tensor:
        """SRGB's numbers of what the mixed pixels' colours are found by, [3, H, W], 0 where there is no
        colour; elsewhere anything.
        """
        where = self._mixed.needed
        some = _read(plate, where)
        if self._space == DISPLAY and some.sum().isfinite():
            return plate
        numbers = np.empty_like(_pixels(plate))
        write(numbers, where, _table(srgb.from_light(_told(self._space.to_linear(some)))))
        return torch.from_numpy(numbers).permute(2, 0, 1)

    def _retell(self, opacity: Floats) -> None:
        """Give the mixed pixels another alpha, float32 [N], above 0 and below 1."""
        alpha = self._mixed.alpha.copy()
        alpha.reshape(-1)[self._mixed.pixels] = opacity
        self._mixed, self.alpha = self._mixed._replace(alpha=alpha), torch.from_numpy(alpha)[None]

    def over(self, background: Tensor, into: ColourSpace | None) -> Pixels:
        """The composite, float32 [H, W, 3], in ``into``, or in the plate's own space."""
        plain, pixels = _pixels(background), self._mixed.pixels
        picture = over(self._picture[..., :3], self._mixed.alpha, plain)
        if pixels.size:
            a, front = self._opacity, self._inside
            behind = self._space.to_linear(_read(background, pixels))
            if self._mixing == "light":
                mixed = a * front + (1 - a) * behind
            else:
                mixed = srgb.to_light(a * srgb.from_light(front) + (1 - a) * srgb.from_light(behind))
            write(picture, pixels, _table(self._space.from_linear(mixed)))
        if into is None:
            return picture
        planes = torch.from_numpy(picture).permute(2, 0, 1).contiguous()
        return _pixels(convert(planes, self._space, into))

    def output(self, kind: str, into: ColourSpace | None, *, is_last: bool) -> Pixels:
        """``foreground`` or ``premult``, float32 [H, W, 4], in ``into``, or in the plate's own space; the
        last may be made of the picture itself.
        """
        if into is not None:
            straight = convert(self._straight.contiguous(), self._space, into)
            picture = shown(_pixels(straight), self._mixed.alpha)
        else:
            picture = self._picture if is_last else self._picture.copy()
        colours = torch.from_numpy(picture).permute(2, 0, 1)[:3]
        if kind == "premult":
            colours *= self.alpha
        elif self._extended is not None:
            outside, light = self._extended
            beyond_matte = self._space.from_linear(light)
            colours[:, outside] = beyond_matte if into is None else convert(beyond_matte, self._space, into)
        return picture


def _read(picture: Tensor, pixels: NDArray[np.intp]) -> Tensor:
    """The colours of pixels, [3, N], of a picture [3, H, W]."""
    return torch.from_numpy(read(_pixels(picture), pixels, picture.shape[2])).T


def _told(light: Tensor) -> Tensor:
    """The same, but for numbers that tell no colour: these are 0."""
    if light.sum().isfinite():  # as it cannot be where one is not; to ask each takes four times as long
        return light
    return torch.where(light.isfinite(), light, 0.0)


def _pixels(planes: Tensor) -> Pixels:
    """Colours [3, H, W] as a picture lies in memory, float32 [H, W, 3]; not a copy where they lie so."""
    return np.ascontiguousarray(planes.permute(1, 2, 0).numpy())


def _table(colours: Tensor) -> Floats:
    """Colours [3, N] by pixels, float32 [N, 3]; not a copy where they lie so."""
    return np.ascontiguousarray(colours.T.numpy())
