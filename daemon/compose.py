"""What comes out of a frame: alpha, straight and premultiplied foreground, composite."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Protocol

import cv2
import numpy as np
import torch
from torch import Tensor

from daemon.colour import DISPLAY, ColourSpace, convert
from daemon.media.base import ClipInfo, Pixels
from daemon.treatment import PLAIN, Treatment
from daemon.trimaps.sidecar import Sidecar
from dim_model import foreground
from dim_model.extend import beyond
from dim_model.shown import over, shown

CHANNELS: Mapping[str, int] = {"alpha": 1, "foreground": 4, "premult": 4, "composite": 3}
"""Channels of each output."""

_SQUARE = 16
"""Pixels: side of a checker's square at 1080 lines."""


class Background(Protocol):
    """The ground of the composite, in the plate's own colour space."""

    def at(self, number: int, index: int) -> Tensor:
        """float32 [3, H, W] for the plate's frame ``number`` at position ``index``."""
        ...


class Flat:
    """One colour everywhere; or two, as a checker. Colours are display-referred, float 0..1."""

    def __init__(
        self, size: tuple[int, int], space: ColourSpace, first: tuple[float, ...], second: tuple[float, ...]
    ) -> None:
        height, width = size
        square = max(4, round(_SQUARE * height / 1080))
        rows, columns = torch.arange(height) // square, torch.arange(width) // square
        odd = ((rows[:, None] + columns) % 2).bool()
        colours = [torch.tensor(c).view(3, 1, 1) for c in (first, second)]
        even, other = (convert(c, DISPLAY, space) for c in colours)
        self._picture = torch.where(odd, other, even).permute(1, 2, 0).contiguous().permute(2, 0, 1)

    @classmethod
    def named(cls, name: str, size: tuple[int, int], space: ColourSpace) -> Flat:
        """``checker`` or ``#rrggbb``."""
        if name == "checker":
            return cls(size, space, (0.42, 0.42, 0.42), (0.58, 0.58, 0.58))
        colour = tuple(int(name[i : i + 2], 16) / 255 for i in (1, 3, 5))
        return cls(size, space, colour, colour)

    def at(self, number: int, index: int) -> Tensor:
        return self._picture


class Picture:
    """A still, a sequence or a video beside the plate, scaled to fill its raster and cut around the middle.

    Where it has no frame for one of the plate's, the frame before stands on; before its first, that one does.
    plate, space: what it lies behind, and in which space that is.
    """

    def __init__(self, sidecar: Sidecar, plate: ClipInfo, space: ColourSpace) -> None:
        self._sidecar, self._own, self._plate, self._space = sidecar, sidecar.info, plate, space
        self._by_number = self._own.kind == plate.kind == "sequence"
        self._kept: tuple[int, Tensor] | None = None

    def at(self, number: int, index: int) -> Tensor:
        numbers = self._own.numbers
        if self._by_number:
            position = max(0, bisect_right(numbers, number) - 1)
        else:
            position = min(index, len(numbers) - 1)
        if self._kept is None or self._kept[0] != position:
            self._kept = (position, self._read(numbers[position], position))
        return self._kept[1]

    def _read(self, number: int, position: int) -> Tensor:
        pixels = self._sidecar.at(number, position)
        rgb = np.repeat(pixels[..., :1], 3, -1) if pixels.shape[2] < 3 else pixels[..., :3]
        height, width = self._plate.height, self._plate.width
        scale = max(height / rgb.shape[0], width / rgb.shape[1])
        if scale != 1:
            size = (max(width, round(rgb.shape[1] * scale)), max(height, round(rgb.shape[0] * scale)))
            method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
            rgb = np.asarray(cv2.resize(np.ascontiguousarray(rgb), size, interpolation=method), np.float32)
        top, left = (rgb.shape[0] - height) // 2, (rgb.shape[1] - width) // 2
        cut = torch.from_numpy(np.ascontiguousarray(rgb[top : top + height, left : left + width])).permute(
            2, 0, 1
        )
        return convert(cut, self._sidecar.space, self._space)


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

    def delivered(name: str, rgb: Tensor) -> Tensor:
        return convert(rgb, space, into[name]) if name in into else rgb

    made: dict[str, Pixels] = {"alpha": np.ascontiguousarray(alpha.permute(1, 2, 0).numpy())}
    opacity = alpha[0].numpy()
    # In one dimension: in two, numpy takes eight times as long to find that there is none.
    places = np.flatnonzero((opacity > 0) & (opacity < 1))
    rows, columns = map(torch.from_numpy, np.divmod(places, opacity.shape[1]))
    kinds = {name: name.rpartition(".")[2] for name in outputs}
    if set(outputs) - {"alpha"}:
        # A picture as it lies in memory, alpha its fourth channel; and its colours, [3, H, W].
        picture, extended = shown(_pixels(plate), opacity), None
        straight = torch.from_numpy(picture).permute(2, 0, 1)[:3]
        # Where all is known, the plate is all there is to it, and light need not be asked for.
        is_mixed = rows.numel() > 0
        if is_mixed or treatment.is_for_known:
            if treatment.is_for_known:
                scene = space.to_linear(plate.contiguous())
                light = _told(scene)
            else:
                scene = light = _light(plate, alpha, space)
            inside, _ = foreground.mixed_colours(light, alpha)
            del light
            inside = treatment.mixed(inside, alpha[0, rows, columns])
            spilt, solid = treatment.solid(scene, alpha)
            straight[:, rows, columns] = space.from_linear(inside)
            straight[:, spilt] = space.from_linear(solid)
            if treatment.extend and "foreground" in kinds.values():
                light = scene.clone()
                light[:, rows, columns], light[:, spilt] = inside, solid
                extended = beyond(light, alpha, treatment.extend)
                del light
            del scene  # whole frames go as soon as they can: at 4K each is a hundred megabytes
        if "composite" in outputs and background is not None:
            composite = over(picture[..., :3], opacity, _pixels(background))
            if is_mixed:
                a = alpha[:, rows, columns]
                behind = space.to_linear(background[:, rows, columns])
                mixed = space.from_linear(a * inside + (1 - a) * behind)
                composite[rows, columns] = mixed.T.numpy()
            if "composite" in into:
                planes = torch.from_numpy(composite).permute(2, 0, 1).contiguous()
                composite = _pixels(delivered("composite", planes))
                del planes
            made["composite"] = composite
            del composite
        # What is ``picture`` itself comes last: others are made of it before it is changed.
        own = next((name for name, kind in kinds.items() if kind == "foreground" and name not in into), None)
        for name in sorted(kinds, key=lambda name: name == own):
            kind = kinds[name]
            if kind not in ("foreground", "premult"):
                continue
            if name in into:
                laid = shown(_pixels(delivered(name, straight.contiguous())), opacity)
            else:
                laid = picture if name == own else picture.copy()
            colours = torch.from_numpy(laid).permute(2, 0, 1)[:3]
            if kind == "premult":
                colours *= alpha
            elif extended is not None:
                outside, colour = extended
                colours[:, outside] = delivered(name, space.from_linear(colour))
            made[name] = laid
            del laid, colours
    return {name: made[name] for name in outputs}


def _light(plate: Tensor, alpha: Tensor, space: ColourSpace) -> Tensor:
    """Scene-linear light of what the mixed pixels' colours are found by, [3, H, W]; 0 elsewhere, and where it
    tells no colour.
    """
    where = foreground.needed(alpha)
    some = space.to_linear(plate.reshape(3, -1).T[where].T.contiguous())
    light = torch.zeros(plate.shape)
    light.view(3, -1).index_copy_(1, where, _told(some))
    return light


def _told(light: Tensor) -> Tensor:
    """The same, but for numbers that tell no colour: these are 0."""
    told = light.isfinite()
    return light if told.all() else torch.where(told, light, 0.0)


def _pixels(planes: Tensor) -> Pixels:
    """Colours [3, H, W] as a picture lies in memory, float32 [H, W, 3]; not a copy where they lie so."""
    return np.ascontiguousarray(planes.permute(1, 2, 0).numpy())
