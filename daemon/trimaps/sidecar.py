"""A picture beside the plate, frame by frame: trimap, mask or background, a still, a sequence or a video."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from daemon.media.base import ClipInfo, Frame, FrameSource, Pixels
from daemon.trimaps.base import TrimapError

FITTED = 8
"""Pixels: a raster that differs by so little is the plate's, padded for a codec (1088 lines for 1080)."""


class Sidecar:
    """Frames matched to the plate's: a still serves all; a sequence goes by number where the plate is one
    too; anything else goes by position. plate: what it stands beside. warn: takes a sentence.
    """

    def __init__(self, label: str, source: FrameSource, plate: ClipInfo, warn: Callable[[str], None]) -> None:
        self.label, self._source, self._plate, self._warn = label, source, plate, warn
        self.info = source.info
        self._by_number = source.info.kind == plate.kind == "sequence"
        self._position = {number: n for n, number in enumerate(source.info.numbers)}
        self._still: Pixels | None = None
        self._frames: Iterator[Frame] = iter(())
        self._next = -1

    def check(self) -> None:
        """Raise TrimapError, before the first frame is made, if it does not fit the plate."""
        info, (width, height) = self._source.info, (self._plate.width, self._plate.height)
        if abs(info.width - width) > FITTED or abs(info.height - height) > FITTED:
            raise TrimapError(
                f"{self.label}: is {info.width}x{info.height}, its plate {width}x{height}; "
                "supply it at the plate's size."
            )
        if (info.width, info.height) != (width, height):
            self._warn(
                f"{self.label}: is {info.width}x{info.height}, fitted to the plate's {width}x{height}."
            )
        if info.kind == "still":
            return
        numbers = self._plate.numbers
        wanted = numbers if self._by_number else range(len(numbers))
        there = self._position if self._by_number else range(len(info.numbers))
        lacking = [number for number in wanted if number not in there]
        if lacking:
            more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
            raise TrimapError(
                f"{self.label}: has no frame {lacking[0]}{more}; supply one for each frame of the plate."
            )

    def at(self, number: int, index: int) -> Pixels:
        """The picture for the plate's frame ``number`` at position ``index``, float32 [H, W, C], at its own
        size.
        """
        info = self._source.info
        if info.kind == "still":
            if self._still is None:
                self._still = next(iter(self._source.frames())).pixels
            return self._still
        position = self._position.get(number, index) if self._by_number else index
        if position != self._next:
            self._frames = self._source.frames(position)
        self._next = position + 1
        return next(self._frames).pixels

    def close(self) -> None:
        self._source.close()


def grey(pixels: Pixels) -> Pixels:
    """One channel [H, W] of a matte: its alpha where that says anything, else the mean of its colours."""
    if pixels.shape[2] == 4 and pixels[..., 3].min() < 1:
        return np.ascontiguousarray(pixels[..., 3])
    return np.ascontiguousarray(pixels[..., : min(3, pixels.shape[2])].mean(-1))


def fitted(pixels: Pixels, width: int, height: int) -> Pixels:
    """Cut or continued at its right and lower edge, where codecs pad, to [height, width, ...]."""
    pixels = pixels[:height, :width]
    below, beside = height - pixels.shape[0], width - pixels.shape[1]
    if below or beside:
        pixels = np.pad(pixels, [(0, below), (0, beside)] + [(0, 0)] * (pixels.ndim - 2), mode="edge")
    return pixels
