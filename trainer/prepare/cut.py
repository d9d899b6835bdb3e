"""A foreground taken out of its picture: straight colour and alpha, boxed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from dim_model.arrays import Floats
from trainer.prepare import planes
from trainer.prepare.entry import Entry, Role
from trainer.prepare.footage import SUFFIXES, Footage
from trainer.prepare.index import Index
from trainer.prepare.lossy import cleaned
from trainer.prepare.still import read_matte, read_picture
from trainer.prepare.straight import lifted, sensible

_LONGEST = 2048
"""Longest side of a cut in pixels; a larger one is reduced."""

_MARGIN = 16
"""Pixels of known background that are left around a foreground where its picture has them."""

EVERY = 5
"""Of a video every fifth frame is cut: to reach one, others are decoded, and neighbours look alike."""

_LEVELS = np.float32(65535)


@dataclass(frozen=True)
class Cut:
    """rgba: uint16 [H, W, 4], straight, display-referred, its colour sensible everywhere; half the memory of
    floats, and finer than any source. leaves: for rows, then columns, whether the foreground runs out of its
    picture at the low end and at the high end.
    """

    rgba: NDArray[np.uint16]
    leaves: tuple[tuple[bool, bool], tuple[bool, bool]]


class Cutter:
    """Cuts what an index lists. Raises ``StaleIndexError`` for a file that is not what was indexed."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._opened: dict[Path, Footage] = {}

    def cuts(self, entry: Entry, frame: int) -> Iterator[tuple[int, Cut | None]]:
        """``frame`` of an entry, a multiple of ``EVERY``, and those that were decoded on the way to it, each
        with its number; None for an empty one.
        """
        paths = {role: self._index.file(entry, role) for role in entry.files}
        if not any(path.suffix.lower() in SUFFIXES for path in paths.values()):
            yield frame, _boxed(*_picture(entry, paths))
        elif "rgba" in paths:
            footage = self._footage(paths["rgba"])
            for number, decoded in footage.until(frame):
                if number % EVERY == 0:
                    colour, alpha = planes.to_colour(decoded)
                    assert alpha is not None, "the index lists no video without alpha"
                    yield number, _boxed(*_cleaned(colour, alpha, footage, entry.premultiplied))
        else:
            footage, mattes = self._footage(paths["fg"]), self._footage(paths["alpha"])
            for number, decoded, matte in _together(footage, mattes, frame):
                if number % EVERY == 0:
                    colour, _ = planes.to_colour(decoded)
                    yield number, _boxed(*_cleaned(colour, planes.to_matte(matte), mattes, False))

    def _footage(self, path: Path) -> Footage:
        if path not in self._opened:
            self._opened[path] = Footage(path)
        return self._opened[path]


def _picture(entry: Entry, paths: dict[Role, Path]) -> tuple[Floats, Floats]:
    if "rgba" in paths:
        colour, alpha = read_picture(paths["rgba"], entry.premultiplied)
    elif "matte" in paths:
        _, alpha = read_picture(paths["matte"])
    else:
        alpha = read_matte(paths["alpha"])
    assert alpha is not None, "the index lists no cut-out without alpha"
    if "fg" in paths:
        colour, _ = read_picture(paths["fg"])
    elif "image" in paths:
        return lifted(read_picture(paths["image"])[0], alpha), alpha
    return sensible(colour, alpha), alpha


def _cleaned(colour: Floats, alpha: Floats, footage: Footage, premultiplied: bool) -> tuple[Floats, Floats]:
    if premultiplied:
        cover = alpha[..., None]
        colour = np.divide(colour, cover, out=np.zeros_like(colour), where=cover > 0).clip(0, 1)
    return sensible(colour, alpha, footage.lossy), cleaned(alpha) if footage.lossy else alpha


def _together(
    footage: Footage, mattes: Footage, frame: int
) -> Iterator[tuple[int, av.VideoFrame, av.VideoFrame]]:
    """Frames of the same number; each file begins at a key frame of its own."""
    behind = mattes.until(frame)
    at, matte = next(behind)
    for number, decoded in footage.until(frame):
        while at < number:
            at, matte = next(behind)
        if at == number:
            yield number, decoded, matte


def _boxed(colour: Floats, alpha: Floats) -> Cut | None:
    """The part of a picture around what is there, reduced if it is large."""
    there = alpha > 0.5 / _LEVELS
    if not there.any():
        return None
    box: list[slice] = []
    leaves: list[tuple[bool, bool]] = []
    for held in (np.flatnonzero(there.any(1)), np.flatnonzero(there.any(0))):
        low, high, end = int(held[0]), int(held[-1]) + 1, there.shape[len(box)]
        box.append(slice(max(low - _MARGIN, 0), min(high + _MARGIN, end)))
        leaves.append((low == 0, high == end))
    rgba = np.dstack([colour, alpha])[tuple(box)]
    if (scale := _LONGEST / max(rgba.shape[:2])) < 1:
        rgba = cv2.resize(rgba, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.float32)
    return Cut(np.round(rgba * _LEVELS).astype(np.uint16), (leaves[0], leaves[1]))
