"""What comes out of a frame: alpha, straight and premultiplied foreground, composite."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor

from daemon.colour import ColourSpace, convert
from daemon.media.base import Pixels
from daemon.treatment import PLAIN, Treatment
from dim_model.arrays import Floats
from dim_model.extend import beyond
from dim_model.foreground import Mixed, mixed_colours
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
) -> dict[str, Pixels]:
    """The outputs asked for, each float32 [H, W, C], C as in ``CHANNELS``; one that is made for the sake of
    another is named so, as ``layers.premult``.

    plate: float32 [3, H, W] in ``space``. alpha: float32 [1, H, W]. background: [3, H, W] in ``space``, for
    ``composite``. into: spaces of the outputs that are not to have the plate's. Light is mixed as light: the
    foreground's colour is found, and laid over the background, in linear light. Where alpha is 1, foreground
    and composite are the plate bit for bit (or its numbers converted); where it is 0, the composite is the
    background. Premultiplied is the output's own numbers times alpha. treatment: of the foreground; what it
    does to opaque pixels, and outside the matte, is what it was asked for. A render's NaN or infinity tells
    no colour: it stays where it is, and has no say in the colours around it.
    """
    made: dict[str, Pixels] = {"alpha": np.ascontiguousarray(alpha.permute(1, 2, 0).numpy())}
    kinds = {name: name.rpartition(".")[2] for name in outputs}
    coloured = {name: kind for name, kind in kinds.items() if kind in ("foreground", "premult")}
    if coloured or "composite" in outputs:
        found = _Foreground(plate, alpha, space, treatment, goes_on="foreground" in coloured.values())
        if "composite" in outputs and background is not None:
            made["composite"] = found.over(background, into.get("composite"))
        # What is the picture itself comes last: others are made of it before it is changed.
        own = next((name for name, kind in coloured.items() if kind == "foreground" and name not in into), "")
        for name in sorted(coloured, key=lambda name: name == own):
            made[name] = found.output(coloured[name], into.get(name), is_last=name == own)
    return {name: made[name] for name in outputs}


class _Foreground:
    """A frame's foreground, found once for all outputs. As ``compose``; goes_on: whether what the treatment
    has the colours go on for is wanted.
    """

    def __init__(
        self, plate: Tensor, alpha: Tensor, space: ColourSpace, treatment: Treatment, *, goes_on: bool
    ) -> None:
        self._alpha, self._space, self._mixed = alpha, space, Mixed.of(alpha)
        self._inside = torch.empty(3, 0)
        self._extended: tuple[Tensor, Tensor] | None = None
        show = partial(shown, _pixels(plate), self._mixed.alpha)
        # Where all is known, the plate is all there is to it, and light need not be asked for.
        if not self._mixed.pixels.size and not treatment.is_for_known:
            self._picture = show()
            return
        with ThreadPoolExecutor(1, "show") as beside:  # it waits for memory, the rest for numbers
            self._find(plate, treatment, treatment.extend if goes_on else 0, beside.submit(show))

    @property
    def _straight(self) -> Tensor:
        """The picture's colours, [3, H, W]."""
        return torch.from_numpy(self._picture).permute(2, 0, 1)[:3]

    def _find(self, plate: Tensor, treatment: Treatment, extend: int, picture: Future[Pixels]) -> None:
        """The colours of what is mixed, in linear light, and all that the treatment does. picture: as it lies
        in memory, alpha its fourth channel.
        """
        alpha, pixels = self._alpha, self._mixed.pixels
        if treatment.is_for_known:
            scene = self._space.to_linear(plate.contiguous())
            light = _told(scene)
        else:
            scene = light = _light(plate, self._mixed, self._space)
        inside, _ = mixed_colours(light, self._mixed)
        del light  # whole frames go as soon as they can: at 4K each is a hundred megabytes
        self._opacity = torch.from_numpy(self._mixed.alpha.reshape(-1)[pixels])
        self._inside = treatment.mixed(inside, self._opacity)
        spilt, solid = treatment.solid(scene, alpha)
        self._picture = picture.result()
        write(self._picture, pixels, _table(self._space.from_linear(self._inside)))
        if solid.numel():  # a mask of a whole frame is slow to ask
            self._straight[:, spilt] = self._space.from_linear(solid)
        if extend:
            light = scene.clone()
            light.view(3, -1)[:, torch.from_numpy(pixels)], light[:, spilt] = self._inside, solid
            self._extended = beyond(light, alpha, extend)

    def over(self, background: Tensor, into: ColourSpace | None) -> Pixels:
        """The composite, float32 [H, W, 3], in ``into``, or in the plate's own space."""
        plain, pixels = _pixels(background), self._mixed.pixels
        picture = over(self._picture[..., :3], self._mixed.alpha, plain)
        if pixels.size:
            a = self._opacity
            behind = self._space.to_linear(torch.from_numpy(read(plain, pixels, plain.shape[1])).T)
            mixed = self._space.from_linear(a * self._inside + (1 - a) * behind)
            write(picture, pixels, _table(mixed))
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
            colours *= self._alpha
        elif self._extended is not None:
            outside, light = self._extended
            beyond_matte = self._space.from_linear(light)
            colours[:, outside] = beyond_matte if into is None else convert(beyond_matte, self._space, into)
        return picture


def _light(plate: Tensor, mixed: Mixed, space: ColourSpace) -> Tensor:
    """Scene-linear light of what the mixed pixels' colours are found by, [3, H, W], 0 where it tells no
    colour; elsewhere anything.
    """
    seen, where = _pixels(plate), mixed.needed
    some = torch.from_numpy(read(seen, where, seen.shape[1])).T
    light = np.empty_like(seen)
    write(light, where, _table(_told(space.to_linear(some))))
    return torch.from_numpy(light).permute(2, 0, 1)


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
