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

# numba types a kernel by its call; annotations on kernels would say it twice.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg"

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, NamedTuple, TypeVar

import numba
import numpy as np
import torch
from torch import Tensor

from dim_model import guided
from dim_model.arrays import Floats, Indices, Mask
from dim_model.flow import Flow, moved, reduced
from dim_model.lines import lines
from dim_model.morphology import in_blocks
from dim_model.numbered import numbered, positions
from dim_model.pairs import Box, Look, Pairs

T = TypeVar("T")

LINES = 270
"""The shorter side at which flow is sought: finer, mattes come out no steadier (docs/performance.md)."""

_SAME = 0.02
"""Root mean square difference of colour, display-referred, over which a neighbour's mixture is another's: 1/e
at it. Noise of a good camera and an interpolation stay below.
"""
_LIKE = 0.1
"""The same, from which not even the neighbour's line holds."""
_SPARE = 1
"""Cells around the unknown region that have a line too: a flow may end beside it."""
_NOTHING = 1e-4
"""Weight of a neighbour from which it is not heard."""
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
    flow.
    """

    rgb: Floats
    alpha: Floats
    unknown: Mask
    own: Floats
    look: Look

    @classmethod
    def of(cls, view: Tensor, alpha: Tensor, clean: Tensor | None) -> _Moment:
        rgb = np.ascontiguousarray(view.permute(1, 2, 0).numpy(force=True))
        matte = np.ascontiguousarray(alpha[0].numpy(force=True))
        unknown, small = (matte > 0) & (matte < 1), reduced(view, LINES, roughly=True)
        own = np.full(np.count_nonzero(unknown), _OWN, np.float32)
        if clean is not None:
            own[~np.isnan(clean[0].numpy(force=True)[unknown])] = _OWN_BEFORE_KNOWN
        return cls(rgb, matte, unknown, own, Look(small, Box.around(unknown, *small.shape[:2])))

    @cached_property
    def lines(self) -> _Lines:
        slot, pixels = numbered(_cells(self.unknown))
        return _Lines(slot, lines(self.rgb, self.alpha, slot, pixels.size, guided.RIDGE))


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
        self._pairs = Pairs()
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
        self._moments[self._taken] = _Moment.of(view, alpha, clean)
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
    own = _own_lines(pixels, now.rgb, now.lines.slot, now.lines.values)
    change, weight = np.zeros(pixels.size, np.float32), now.own.copy()
    for step in (-1, 1):
        for near in range(at, at + radius * step, step):
            there = near + step
            if there not in moments or pairs.is_cut(near, there):
                break
            flow, other = pairs.flow(at, there), moments[there]
            _hear(
                change, weight, pixels, now.rgb, now.alpha, own,
                other.rgb, other.alpha, other.lines.slot, other.lines.values, flow.back, flow.trust,
            )  # fmt: skip
    alpha = now.alpha.copy()
    alpha.ravel()[pixels] = np.clip(alpha.ravel()[pixels] + change / weight, 0, 1)
    return alpha


def _flicker(alpha: Floats, before: Floats, flow: Flow) -> float:
    """Mean change along the motion, where the flow is sure of it, of what is partly transparent in either."""
    there = moved(before, flow.back)
    soft = ((alpha > 0) & (alpha < 1)) | ((there > 0) & (there < 1))
    trust = flow.trust[soft]
    total = float(trust.sum())
    return float((trust * np.abs(alpha - there)[soft]).sum()) / total if total else 0.0


@numba.njit(nogil=True, cache=True, inline="always")
def _between(at, length):
    """The two positions around ``at``, float32, within 0 … length - 1, and the share of the second."""
    inside = min(max(at, np.float32(0)), np.float32(length - 1))
    # Without a sign: of an index that might be negative numba asks whether it is meant from the end.
    first = np.uintp(inside)
    return first, min(first + np.uintp(1), np.uintp(length - 1)), inside - np.float32(first)


@numba.njit(nogil=True, cache=True, fastmath=True, inline="always")
def _bell(exponent):
    """The exponential of what is not positive, nearly, and exactly 0 below -8: a quarter of its time."""
    base = max(np.float32(0), np.float32(1) + np.float32(0.125) * exponent)
    base *= base
    base *= base
    return base * base


@numba.njit(nogil=True, cache=True, fastmath=True)
def _own_lines(pixels, rgb, slot, lines):
    """What the frame's own line says of each of ``pixels``, float32 [N]."""
    width = rgb.shape[1]
    out = np.empty(pixels.size, np.float32)
    y, first = 0, 0
    for n in range(pixels.size):
        while pixels[n] >= first + width:
            y, first = y + 1, first + width
        x = pixels[n] - first
        row = slot[y // 2, x // 2]
        out[n] = lines[row, 3]
        for k in range(3):
            out[n] += lines[row, k] * rgb[y, x, k]
    return out


@numba.njit(nogil=True, cache=True, fastmath=True)
def _hear(change, weight, pixels, rgb, alpha, own, rgb2, alpha2, slot2, lines2, back, trust):
    """Add to ``change`` and ``weight`` [N] what one neighbour says of each of ``pixels``, which are in order.

    Without 2: of the frame itself; with 2: of its neighbour. own: [N], what the frame's own lines say. back,
    trust: flow to the neighbour, [h, w, 2] and [h, w], of a size of their own.
    """
    height, width = alpha.shape
    tall, wide = trust.shape
    # A double among these, and all that is read is made one: a third of the time.
    one, half, third = np.float32(1), np.float32(0.5), np.float32(1 / 3)
    strange, unlike = np.float32(-1 / _LIKE**2), np.float32(-1 / _SAME**2)
    scale_y, scale_x = np.float32(height / tall), np.float32(width / wide)
    down, right = np.float32(tall / height), np.float32(wide / width)
    nowhere = np.uintp(wide)
    y, first, held = 0, 0, nowhere
    v0, v1, fv = _between(half * down - half, tall)
    sure0 = sure1 = dx0 = dx1 = dy0 = dy1 = np.float32(0)
    for n in range(pixels.size):
        while pixels[n] >= first + width:  # a division would cost as much as all that is read here
            y, first, held = y + 1, first + width, nowhere
            v0, v1, fv = _between((np.float32(y) + half) * down - half, tall)
        x = pixels[n] - first
        u0, u1, fu = _between((np.float32(x) + half) * right - half, wide)
        if u0 != held:  # flow is coarser than the frame: most pixels lie between the columns of the last
            held, above = u0, one - fv
            sure0 = above * trust[v0, u0] + fv * trust[v1, u0]
            sure1 = above * trust[v0, u1] + fv * trust[v1, u1]
            dx0 = above * back[v0, u0, 0] + fv * back[v1, u0, 0]
            dx1 = above * back[v0, u1, 0] + fv * back[v1, u1, 0]
            dy0 = above * back[v0, u0, 1] + fv * back[v1, u0, 1]
            dy1 = above * back[v0, u1, 1] + fv * back[v1, u1, 1]
        sure = sure0 + fu * (sure1 - sure0)
        if sure < _NOTHING:
            continue
        dx, dy = dx0 + fu * (dx1 - dx0), dy0 + fu * (dy1 - dy0)
        to_y, to_x = np.float32(y) + dy * scale_y, np.float32(x) + dx * scale_x
        if to_y < -half or to_x < -half or to_y > height - half or to_x > width - half:
            continue
        y0, y1, fy = _between(to_y, height)
        x0, x1, fx = _between(to_x, width)
        d00, d01, d10, d11 = (one - fy) * (one - fx), (one - fy) * fx, fy * (one - fx), fy * fx
        away = np.float32(0)
        for k in range(3):
            seen = d00 * rgb2[y0, x0, k] + d01 * rgb2[y0, x1, k] + d10 * rgb2[y1, x0, k]
            apart = seen + d11 * rgb2[y1, x1, k] - rgb[y, x, k]
            away += apart * apart
        away *= third
        w = sure * _bell(strange * away)
        if w < _NOTHING:
            continue
        same = _bell(unlike * away)
        r, g, b = rgb[y, x, 0], rgb[y, x, 1], rgb[y, x, 2]
        there = d00 * alpha2[y0, x0] + d01 * alpha2[y0, x1] + d10 * alpha2[y1, x0] + d11 * alpha2[y1, x1]
        # Lines change slowly: the nearest is as good as a mixture of four.
        j, i = (y1 if fy > half else y0), (x1 if fx > half else x0)
        row = slot2[j // 2, i // 2]
        line = alpha2[j, i]
        if row >= 0:
            line = lines2[row, 0] * r + lines2[row, 1] * g + lines2[row, 2] * b + lines2[row, 3]
        change[n] += w * (same * (there - alpha[y, x]) + (one - same) * (line - own[n]))
        weight[n] += w
