"""Mattes that do not flicker: what neighbouring frames say of an unknown pixel, brought along its motion.

Averaging alpha trades error for calm, because no flow follows a hair to the tenth of a pixel. So two things
are averaged, each where it is right. Where a neighbour shows the very same colour at the end of the flow, it
shows the same mixture, and its alpha is as good as one's own. Elsewhere only the *line* is taken over, by
which the neighbour's alpha follows from its colours nearby (He, Sun & Tang, "Guided Image Filtering", 2010):
lines change slowly over a picture and bear a flow that misses, and the pixel itself says where it stands on
the averaged one. Nothing else of a frame changes, and known pixels are never touched.

A window is finite and symmetric: frame t depends on the frames t - radius … t + radius alone, so any part of
a clip comes out the same wherever it is made. It ends at a cut. A neighbour counts as far as the flow there
and back agrees and the colour at its end is like the pixel's: a hand that appears has no neighbour.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dim_model import guided
from dim_model.arrays import Floats, Indices, Mask
from dim_model.by_pixel import by_pixel
from dim_model.each import Each
from dim_model.flow import Flow, moved, reduced
from dim_model.hearing import hear, own_lines
from dim_model.lines import lines
from dim_model.morphology import in_blocks
from dim_model.numbered import numbered, positions
from dim_model.pairs import Box, Look, Pairs

T = TypeVar("T")

LINES = 270
"""The shorter side at which flow is sought: finer, mattes come out no steadier (docs/performance.md)."""

_SPARE = 1
"""Cells around the unknown region that have a line too: a flow may end beside it."""
_OWN = 1.0
"""Weight of the frame itself; a neighbour's is at most 1."""
_OWN_BEFORE_KNOWN = 16.0
"""The same of a pixel whose background is known. Its own colour explains it; neighbours add hardly more than
what their flow misses (docs/experiments.md).
"""


class Steady(NamedTuple):
    """alpha: float32 [1, H, W], 0..1. flicker: 0..1, how much alpha changed along the motion since the frame
    before, mean over what is partly transparent; 0 for the first. cut: whether a new shot begins.
    """

    alpha: Tensor
    flicker: float
    cut: bool


@dataclass(frozen=True)
class _Lines:
    """alpha ≈ k·rgb + d near the unknown region. slot: int32 [H/2, W/2], the row in ``values`` of a cell of 2
    x 2 pixels, or -1 where alpha is plain. values: float32 [N, 4] of (k, d).
    """

    slot: Indices
    values: Floats


@dataclass(frozen=True)
class _Moment:
    """A frame in the window. rgb: float32 [H, W, 3], alpha: float32 [H, W]; unknown: bool [H, W], where alpha
    is neither 0 nor 1; own: float32 [N], what each of these pixels counts itself; look: rgb, reduced, for the
    flow; each: by what its parts are worked on.
    """

    rgb: Floats
    alpha: Floats
    unknown: Mask
    own: Floats
    look: Look
    each: Each

    @classmethod
    def of(cls, view: Tensor, alpha: Tensor, clean: Tensor | None, each: Each) -> _Moment:
        rgb = by_pixel(view)
        matte = np.ascontiguousarray(alpha[0].numpy(force=True))
        unknown, small = (matte > 0) & (matte < 1), reduced(view, LINES, roughly=True)
        own = np.full(np.count_nonzero(unknown), _OWN, np.float32)
        if clean is not None:
            own[~np.isnan(clean[0].numpy(force=True)[unknown])] = _OWN_BEFORE_KNOWN
        return cls(rgb, matte, unknown, own, Look(small, Box.around(unknown, *small.shape[:2])), each)

    @cached_property
    def lines(self) -> _Lines:
        slot, pixels = numbered(_cells(self.unknown))
        values = lines(self.rgb, self.alpha, slot, pixels.size, guided.RIDGE, self.each)
        return _Lines(slot, values)


def _cells(unknown: Mask) -> Mask:
    """Which cells of 2 x 2 pixels have a line: those with a pixel of bool [H, W], and ``_SPARE`` around."""
    return guided.grown(in_blocks(unknown), _SPARE)


def handles(radius: int) -> int:
    """Frames before a chunk that a ``Steadier`` must be given, and whose mattes are not kept: the frame
    before the first tells how that one flickers, and has a window of its own.
    """
    return radius + 1


class Steadier(Generic[T]):
    """Takes frames in order, and gives them back with steady mattes, ``radius`` frames later.

    radius: frames before and after that are heard; 0 leaves every alpha as it is and only tells how it
    flickers.
    """

    def __init__(self, radius: int) -> None:
        self._radius = radius
        self._moments: dict[int, _Moment] = {}
        self._items: deque[T] = deque()
        self._each = Each.side_by_side(torch.get_num_threads(), "steady")
        self._pairs = Pairs(self._each)
        self._before: Floats | None = None
        self._taken = self._given = 0

    def take(
        self, item: T, view: Tensor, alpha: Tensor, clean: Tensor | None = None
    ) -> Iterator[tuple[T, Steady]]:
        """What is ready now.

        item: the caller's own, given back. view: float32 [3, H, W], display-referred, 0..1. alpha: float32
        [1, H, W], 0..1, exactly 0 or 1 where it is known. clean: float32 [3, H, W], the background where it
        is known, not a number elsewhere: there the frame counts for more than its neighbours.
        """
        self._moments[self._taken] = _Moment.of(view, alpha, clean, self._each)
        self._pairs.add(self._taken, self._moments[self._taken].look)
        self._items.append(item)
        del item, view, alpha, clean
        self._taken += 1
        if self._taken - self._given > self._radius:
            yield self._made()

    def rest(self) -> Iterator[tuple[T, Steady]]:
        """What still waits, after the last frame."""
        while self._given < self._taken:
            yield self._made()

    def _made(self) -> tuple[T, Steady]:
        at, self._given = self._given, self._given + 1
        moments, pairs = self._moments, self._pairs
        cut = at - 1 in moments and pairs.is_cut(at, at - 1)
        alpha = _smoothed(moments, pairs, at, self._radius)
        small = reduced(torch.from_numpy(alpha)[None], LINES, roughly=True)[..., 0]
        flicker = 0.0
        if self._before is not None and not cut:
            flicker = _flicker(small, self._before, pairs.flow(at, at - 1))
        self._before = small
        oldest = at + 1 - max(1, self._radius)  # that the next frame asks for
        self._moments = {position: moment for position, moment in moments.items() if position >= oldest}
        pairs.forget(oldest)
        return self._items.popleft(), Steady(torch.from_numpy(alpha)[None], flicker, cut)


def _smoothed(moments: Mapping[int, _Moment], pairs: Pairs, at: int, radius: int) -> Floats:
    now = moments[at]
    pixels = positions(now.unknown)
    if not pixels.size or not radius:
        return now.alpha
    neighbours = []
    for step in (-1, 1):
        for near in range(at, at + radius * step, step):
            there = near + step
            if there not in moments or pairs.is_cut(near, there):
                break
            neighbours.append((moments[there], moments[there].lines, pairs.flow(at, there)))
    alpha, mine = now.alpha.copy(), now.lines

    def heard(pixels: NDArray[np.intp], own: Floats) -> None:
        """Let the neighbours have their say at some of the pixels."""
        line = own_lines(pixels, now.rgb, mine.slot, mine.values)
        change, weight = np.zeros(pixels.size, np.float32), own.copy()
        for other, its, flow in neighbours:
            hear(
                change, weight, pixels, now.rgb, now.alpha, line,
                other.rgb, other.alpha, its.slot, its.values, flow.back, flow.trust,
            )  # fmt: skip
        alpha.ravel()[pixels] = np.clip(alpha.ravel()[pixels] + change / weight, 0, 1)

    parts = now.each.parts
    list(now.each(heard, np.array_split(pixels, parts), np.array_split(now.own, parts)))
    return alpha


def _flicker(alpha: Floats, before: Floats, flow: Flow) -> float:
    """Mean change along the motion, where the flow is sure of it, of what is partly transparent in either."""
    there = moved(before, flow.back)
    soft = ((alpha > 0) & (alpha < 1)) | ((there > 0) & (there < 1))
    trust = flow.trust[soft]
    total = float(trust.sum())
    return float((trust * np.abs(alpha - there)[soft]).sum()) / total if total else 0.0
