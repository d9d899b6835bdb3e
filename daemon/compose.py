"""What comes out of a frame: alpha, straight and premultiplied foreground, composite."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

import torch
from torch import Tensor

from daemon.clip_config import Mixing
from daemon.colour import ColourSpace, convert
from daemon.media.base import Pixels
from daemon.mixture import Mixture, colours, table
from daemon.treatment import PLAIN, Treatment
from dim_model.by_pixel import by_pixel
from dim_model.extend import beyond
from dim_model.numbered import write
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
        mixture = Mixture.of(plate, alpha, space, mixing)
        alpha = torch.from_numpy(mixture.alpha)[None]
    if coloured or "composite" in outputs:
        found = _Foreground(plate, mixture, space, treatment, goes_on="foreground" in coloured.values())
        if "composite" in outputs and background is not None:
            made["composite"] = found.over(background, into.get("composite"))
        # What is the picture itself comes last: others are made of it before it is changed.
        own = next((name for name, kind in coloured.items() if kind == "foreground" and name not in into), "")
        for name in sorted(coloured, key=lambda name: name == own):
            made[name] = found.output(coloured[name], into.get(name), is_last=name == own)
    made["alpha"] = by_pixel(alpha)
    return {name: made[name] for name in outputs}


class _Foreground:
    """A frame's foreground, found once for all outputs. As ``compose``; goes_on: whether what the treatment
    has the colours go on for is wanted.
    """

    def __init__(
        self, plate: Tensor, mixture: Mixture, space: ColourSpace, treatment: Treatment, *, goes_on: bool
    ) -> None:
        self._mixture, self._space = mixture, space
        self._picture = shown(by_pixel(plate), mixture.alpha)
        self._front = treatment.mixed(mixture.front, mixture.opacity)
        self._extended: tuple[Tensor, Tensor] | None = None
        write(self._picture, mixture.pixels, table(space.from_linear(self._front)))
        if treatment.is_for_known:
            self._treat(plate, treatment, treatment.extend if goes_on else 0)

    @property
    def _alpha(self) -> Tensor:
        return torch.from_numpy(self._mixture.alpha)[None]

    @property
    def _straight(self) -> Tensor:
        """The picture's colours, [3, H, W]."""
        return torch.from_numpy(self._picture).permute(2, 0, 1)[:3]

    def _treat(self, plate: Tensor, treatment: Treatment, extend: int) -> None:
        """What the treatment does to opaque pixels, and outside the matte."""
        scene = self._space.to_linear(plate.contiguous())
        spilt, solid = treatment.solid(scene, self._alpha)
        self._straight[:, spilt] = self._space.from_linear(solid)
        if extend:
            light = scene.clone()
            light.view(3, -1)[:, torch.from_numpy(self._mixture.pixels)] = self._front
            light[:, spilt] = solid
            self._extended = beyond(light, self._alpha, extend)

    def over(self, background: Tensor, into: ColourSpace | None) -> Pixels:
        """The composite, float32 [H, W, 3], in ``into``, or in the plate's own space."""
        pixels = self._mixture.pixels
        picture = over(self._picture[..., :3], self._mixture.alpha, by_pixel(background))
        if pixels.size:
            behind = self._space.to_linear(colours(background, pixels))
            write(picture, pixels, table(self._space.from_linear(self._mixture.over(self._front, behind))))
        if into is None:
            return picture
        planes = torch.from_numpy(picture).permute(2, 0, 1).contiguous()
        return by_pixel(convert(planes, self._space, into))

    def output(self, kind: str, into: ColourSpace | None, *, is_last: bool) -> Pixels:
        """``foreground`` or ``premult``, float32 [H, W, 4], in ``into``, or in the plate's own space; the
        last may be made of the picture itself.
        """
        if into is not None:
            converted = convert(self._straight.contiguous(), self._space, into)
            picture = shown(by_pixel(converted), self._mixture.alpha)
        else:
            picture = self._picture if is_last else self._picture.copy()
        straight = torch.from_numpy(picture).permute(2, 0, 1)[:3]
        if kind == "premult":
            straight *= self._alpha
        elif self._extended is not None:
            outside, light = self._extended
            beyond_matte = self._space.from_linear(light)
            straight[:, outside] = beyond_matte if into is None else convert(beyond_matte, self._space, into)
        return picture
