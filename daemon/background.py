"""What a composite is laid over: a colour, a checker, or media beside the plate."""

from __future__ import annotations

from bisect import bisect_right
from typing import Protocol

import cv2
import numpy as np
import torch
from torch import Tensor

from daemon.colour import DISPLAY, ColourSpace, convert
from daemon.media.base import ClipInfo
from daemon.preview import Size
from daemon.trimaps.sidecar import Sidecar

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

    It stands as players show it: where they turn the plate or stretch its pixels, it lies in its raster as
    the plate does. One of square pixels in the plate's very raster was made for it, and is stretched with it.
    Where it has no frame for one of the plate's, the frame before stands on; before its first, that one does.
    plate, space: what it lies behind, and in which space that is. raster: of the plate before it is reduced.
    """

    def __init__(self, sidecar: Sidecar, plate: ClipInfo, space: ColourSpace, raster: Size) -> None:
        self._sidecar, self._own, self._plate, self._space = sidecar, sidecar.info, plate, space
        self._raster = raster
        self._by_number = self._own.kind == plate.kind == "sequence"
        self._turns = (_turns(self._own) - _turns(plate)) % 4
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
        rgb = np.rot90(self._sidecar.colours(number, position), self._turns)
        height, width = self._plate.height, self._plate.width
        stretch = self._stretch(rgb.shape[1::-1])
        down = max(height / rgb.shape[0], width / (rgb.shape[1] * stretch))
        across = down * stretch
        if (across, down) != (1, 1):
            size = (max(width, round(rgb.shape[1] * across)), max(height, round(rgb.shape[0] * down)))
            method = cv2.INTER_AREA if min(across, down) < 1 else cv2.INTER_CUBIC
            rgb = np.asarray(cv2.resize(np.ascontiguousarray(rgb), size, interpolation=method), np.float32)
        top, left = (rgb.shape[0] - height) // 2, (rgb.shape[1] - width) // 2
        cut = torch.from_numpy(np.ascontiguousarray(rgb[top : top + height, left : left + width])).permute(
            2, 0, 1
        )
        return convert(cut, self._sidecar.space, self._space)

    def _stretch(self, lying: Size) -> float:
        """How many of the plate's pixels are as wide as one of the picture's. lying: its raster, turned."""
        own, plate = self._own.pixel_aspect, self._plate.pixel_aspect
        if own == 1 and lying == self._raster:
            return 1.0
        return float((1 / own if self._turns % 2 else own) / plate)


def _turns(info: ClipInfo) -> int:
    """Quarters, counterclockwise, by which a player turns its pictures."""
    return round(info.tags.rotation / 90) if info.tags else 0
