"""Foregrounds from footage: real alphas and real colours, as an index of ``dim-train prepare`` lists them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dim_model.arrays import Floats
from trainer.prepare import Entry, Index, Kind, NothingToTrainOnError, Split, StaleIndexError
from trainer.prepare.cut import EVERY, Cut, Cutter
from trainer.prepare.errors import UnfitError
from trainer.synth.foreground import Foreground, Rng
from trainer.synth.photos import Photos

KINDS: tuple[Kind, ...] = ("photo", "foreground", "cutout", "triple", "pair", "video")

_KEPT = 256 << 20
"""Bytes of cuts held by one worker."""

_TRIES = 8
"""Frames of a video may be empty; so many are drawn before that is called a fault."""

_WHOLE = 0.4
"""Share of windows that show the foreground from end to end, where its picture does."""


def photographs(folder: Path, indexes: Iterable[Index], split: Split) -> Photos:
    """Those of ``folder``, and backgrounds that ``indexes`` list for a split, each checked when it is read.
    Raises ``NoPhotosError``.
    """
    listed = (
        partial(index.file, entry, "image")
        for index in indexes
        for entry in index.select(split, ("background",))
    )
    return Photos(folder, tuple(listed))


class Cutouts:
    """``Maker`` of the foregrounds in one split of an index, each clip as likely as any other.

    A window of a random frame is scaled, mirrored and laid on transparent ground: now the whole foreground,
    now a piece of its edge. Where the picture's own edge cut it off the window ends too, so that no straight
    cut is taught as an outline. Cuts are kept as memory allows, which has no say in what is made.
    """

    def __init__(self, index: Index, split: Split = "train") -> None:
        """Raises ``NothingToTrainOnError``."""
        groups: dict[str, list[Entry]] = {}
        for entry in index.select(split, KINDS):
            groups.setdefault(entry.group, []).append(entry)
        if not groups:
            raise NothingToTrainOnError(
                f"{index.path}: lists no foreground for {split}; prepare more, or with another --valid and "
                "--test."
            )
        self._groups = [groups[name] for name in sorted(groups)]
        self._path, self._cutter = index.path, Cutter(index)
        self._kept: OrderedDict[tuple[str, int], Cut | None] = OrderedDict()
        self._bytes = 0

    def make(self, rng: Rng, size: int) -> Foreground:
        """Raises ``StaleIndexError`` if a file is not what was indexed."""
        for _ in range(_TRIES):
            group = self._groups[rng.integers(len(self._groups))]
            entry = group[rng.integers(len(group))]
            cut = self._cut(entry, EVERY * int(rng.integers(-(-entry.frames // EVERY))))
            if cut is not None:
                return Foreground(*_window(rng, cut, size), entry.kind)
        raise StaleIndexError(
            f"{self._path}: {_TRIES} frames in a row, the last of {entry.name}, show nothing; take the clips "
            "that are mostly empty out of the set and run `dim-train prepare` again."
        )

    def _cut(self, entry: Entry, frame: int) -> Cut | None:
        wanted = (entry.name, frame)
        if wanted not in self._kept:
            try:
                for number, cut in self._cutter.cuts(entry, frame):
                    self._keep((entry.name, number), cut)
            except UnfitError as error:  # only some of a video's frames were looked at when it was indexed
                raise StaleIndexError(
                    f"{error.path}: {error.reason}, though it is in the index; take it out of the set and "
                    "run `dim-train prepare` again."
                ) from error
        self._kept.move_to_end(wanted)
        return self._kept[wanted]

    def _keep(self, key: tuple[str, int], cut: Cut | None) -> None:
        if key in self._kept:
            return
        self._kept[key] = cut
        self._bytes += cut.rgba.nbytes if cut else 0
        while self._bytes > _KEPT and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= oldest.rgba.nbytes if oldest else 0


def _window(rng: Rng, cut: Cut, size: int) -> tuple[Floats, Floats]:
    """Alpha [N, N] and colour [N, N, 3] of a random window of a cut."""
    alpha = cut.rgba[..., 3]
    extent = alpha.shape
    side = size * float(rng.uniform(0.6, 1.6))
    aim = _edge(rng, alpha)
    is_whole = rng.random() < _WHOLE
    if is_whole:
        side = max(max(extent) / float(rng.uniform(0.65, 0.98)), size / 2)
    # A picture narrower than the window on an axis on which both its ends cut the foreground off has no
    # transparent ground there: the window shrinks to it.
    side = min([side, *(n for n, (low, high) in zip(extent, cut.leaves, strict=True) if low and high)])
    pixels = max(int(side), 2)
    start = []
    for centre, length, (low, high) in zip(aim, extent, cut.leaves, strict=True):
        place = float(rng.random())
        first = centre - int(pixels * (0.3 + 0.4 * place))
        if is_whole:
            first = int((length - pixels) * place)
        first = min(first, length - pixels) if high else first
        start.append(max(first, 0) if low else first)
    rgba = _taken(cut.rgba, start[0], start[1], pixels)
    if rng.random() < 0.5:
        rgba = rgba[:, ::-1]
    # Colour is averaged by coverage: transparent ground has no say in it.
    weight = rgba[..., 3:] + np.float32(1e-3)
    heavy = np.dstack([rgba[..., :3] * weight, weight])
    method = cv2.INTER_AREA if pixels > size else cv2.INTER_LINEAR
    sized = np.asarray(cv2.resize(heavy, (size, size), interpolation=method), np.float32)
    cover = np.maximum(sized[..., 3:], np.float32(1e-3))
    colour = np.clip(sized[..., :3] / cover, 0, 1)
    return np.clip(cover[..., 0] - np.float32(1e-3), 0, 1), np.ascontiguousarray(colour)


def _edge(rng: Rng, alpha: NDArray[np.uint16]) -> tuple[int, int]:
    """A random pixel that is well between transparent and opaque, where there is most to learn."""
    rows, columns = ((alpha > 0.1 * 65535) & (alpha < 0.9 * 65535)).nonzero()
    if not len(rows):
        rows, columns = alpha.nonzero()
    chosen = rng.integers(len(rows))
    return int(rows[chosen]), int(columns[chosen])


def _taken(rgba: NDArray[np.uint16], top: int, left: int, side: int) -> Floats:
    """The window as floats 0..1. Beyond the cut its edge goes on, which is transparent: no window passes an
    edge that is not.
    """
    height, width = rgba.shape[:2]
    rows = np.clip(np.arange(top, top + side), 0, height - 1)
    columns = np.clip(np.arange(left, left + side), 0, width - 1)
    return rgba[rows[:, None], columns].astype(np.float32) / np.float32(65535)
