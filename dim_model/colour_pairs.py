"""The kernels of ``sampling``: pairs of known colours, sought, traded and told.

They visit only unknown pixels, which is why they are compiled by numba rather than written over whole frames;
numba releases the GIL, so frames are searched side by side.
"""

# numba types a kernel by its call; annotations on kernels would say it twice.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg"

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np

from dim_model.arrays import Floats, Indices, Mask

_REACH = 60.0
"""Cells: the largest distance around which candidates are sought."""

_ALIKE = np.float32(0.16)
"""Squared distance of two colours from which nothing is added to a pair's cost for their likeness: less than
a float has digits for.
"""

_NONE = np.float32(1e9)
"""A cost above all."""


class Known(NamedTuple):
    """What is known of a frame in cells. front: float32 [h * w, 3], their colours, smoothed; back: the same,
    but the background itself where it is known behind an unknown cell. near_front, near_back: int32 [h, w],
    the nearest known cell of each side by its flat index; far_front, far_back: float32 [h, w], how far.
    """

    front: Floats
    back: Floats
    near_front: Indices
    near_back: Indices
    far_front: Floats
    far_back: Floats


class Cells(NamedTuple):
    """Unknown cells in reading order. place: int32 [N], flat indices; colour: float32 [N, 3], of the first
    pixel of each; own: bool [N], whether its background is known.
    """

    place: Indices
    colour: Floats
    own: Mask


class Pairs(NamedTuple):
    """The best of each of N cells. front, back: int32, known cells by their flat indices; far: how far they
    are, beside the nearest; cost, alpha: of the cell's colour by theirs; float32.
    """

    front: Indices
    back: Indices
    far: Floats
    cost: Floats
    alpha: Floats


@numba.njit(fastmath=True, nogil=True, inline="always")
def _explained(c, f, b):
    """Alpha by which the colours ``f`` and ``b`` make ``c``; what is left, against the length of the colour
    line, so that a pair of like colours does not win by being near everything; and that length, squared.
    """
    d0, d1, d2 = f[0] - b[0], f[1] - b[1], f[2] - b[2]
    v0, v1, v2 = c[0] - b[0], c[1] - b[1], c[2] - b[2]
    length = d0 * d0 + d1 * d1 + d2 * d2 + np.float32(1e-4)
    alpha = (v0 * d0 + v1 * d1 + v2 * d2) / length
    alpha = min(max(alpha, np.float32(0.0)), np.float32(1.0))
    r0, r1, r2 = v0 - alpha * d0, v1 - alpha * d1, v2 - alpha * d2
    return alpha, math.sqrt((r0 * r0 + r1 * r1 + r2 * r2) / length), length


@numba.njit(fastmath=True, nogil=True, inline="always")
def _cost(residual, length, far, lowest):
    """Of a pair that leaves ``residual``; above ``lowest`` it is a bound. far: the pair's distance relative
    to the nearest known pixels' (Gastal, eq. 6).
    """
    cost = np.float32(0.8) * residual + np.float32(0.02) * far
    # The exponential is dearer than all the rest, and seldom needed.
    if cost < lowest and length < _ALIKE:
        cost += np.float32(0.12) * math.exp(np.float32(-100.0) * length)
    return cost


@numba.njit(fastmath=True, nogil=True, inline="always")
def _apart(p, y, x, width):
    """Distance of the flat index ``p`` from (y, x), without the slow division of integers."""
    row = int((p + 0.5) * (1.0 / width))
    down, across = row - y, p - row * width - x
    return math.sqrt(np.float32(down * down + across * across))


@numba.njit(fastmath=True, nogil=True, inline="always")
def _scales(far_front, far_back, y, x):
    """A cell's distances to the nearest known ones, and what a distance is divided by: more than them."""
    one, half = np.float32(1.0), np.float32(0.5)
    to_front, to_back = far_front[np.uintp(y), np.uintp(x)], far_back[np.uintp(y), np.uintp(x)]
    return to_front, to_back, one / (to_front + half), one / (to_back + half)


@numba.njit(fastmath=True, nogil=True, inline="always")
def _candidates(y, x, step, near, smooth, spread, index, colour, far):
    """The known cells nearest to points spread ``step`` around (y, x): index, colour and distance of each."""
    height, width = near.shape
    for j in range(spread.shape[0]):
        yy = min(max(int(y + spread[j, 0] * step), 0), height - 1)
        xx = min(max(int(x + spread[j, 1] * step), 0), width - 1)
        index[j] = near[np.uintp(yy), np.uintp(xx)]
        colour[j, 0], colour[j, 1], colour[j, 2] = smooth[np.uintp(index[j])]
        far[j] = _apart(index[j], y, x, width)


@numba.njit(fastmath=True, nogil=True, cache=True)
def searched(cells, known, spread):
    """``Pairs``: of as many candidates from each side as ``spread``, float32 [K, 2], has offsets, 0..1."""
    place, colour, own = cells
    smooth, behind, near_front, near_back, far_front, far_back = known
    n, width, count = place.size, near_front.shape[1], spread.shape[0]
    front, back, farther = np.empty(n, np.int32), np.empty(n, np.int32), np.zeros(n, np.float32)
    cost, alpha = np.full(n, _NONE, np.float32), np.full(n, np.float32(0.5))
    fs, bs = np.empty(count, np.int32), np.empty(count, np.int32)
    f_colour, b_colour = np.empty((count, 3), np.float32), np.empty((count, 3), np.float32)
    f_far, b_far = np.empty(count, np.float32), np.empty(count, np.float32)
    reach, more = np.float32(_REACH), np.float32(3.0)
    y, first = 0, 0
    for i in range(n):
        while place[i] >= first + width:  # a division would cost as much as a candidate
            y, first = y + 1, first + width
        x = place[i] - first
        to_front, to_back, near, beside = _scales(far_front, far_back, y, x)
        step = min(to_front, reach) + more
        _candidates(y, x, step, near_front, smooth, spread, fs, f_colour, f_far)
        if own[i]:
            seen = 1
            bs[0], b_far[0] = place[i], np.float32(0.0)
            b_colour[0, 0], b_colour[0, 1], b_colour[0, 2] = behind[np.uintp(place[i])]
        else:
            seen, step = count, min(to_back, reach) + more
            _candidates(y, x, step, near_back, smooth, spread, bs, b_colour, b_far)
        front[i], back[i] = fs[0], bs[0]  # for a colour that is no number nothing is less than nothing
        for a in range(count):
            for b in range(seen):
                far = f_far[a] * near + b_far[b] * beside
                al, residual, length = _explained(colour[i], f_colour[a], b_colour[b])
                e = _cost(residual, length, far, cost[i])
                if e < cost[i]:
                    cost[i], alpha[i], front[i], back[i], farther[i] = e, al, fs[a], bs[b], far
    return Pairs(front, back, farther, cost, alpha)


@numba.njit(fastmath=True, nogil=True, cache=True)
def traded(cells, known, blocks, side, pairs, offers):
    """One round in which each cell tries the pairs of others. It reads the old pairs and writes new ones, so
    the result does not depend on the order of the cells.

    blocks: int32 [H, W], which of ``cells`` is of each block of ``side`` by ``side`` cells of the frame, or
    -1. offers: where the others are, int32 [K, 2], (y, x) in blocks.
    """
    place, colour, own = cells
    smooth, behind, _, _, far_front, far_back = known
    fronts, backs = pairs.front, pairs.back
    front, back, farther = fronts.copy(), backs.copy(), pairs.far.copy()
    cost, alpha = pairs.cost.copy(), pairs.alpha.copy()
    height, width, across = np.uintp(blocks.shape[0]), np.uintp(blocks.shape[1]), far_front.shape[1]
    y, first = 0, 0
    for i in range(place.size):
        while place[i] >= first + across:  # a division would cost as much as an offer
            y, first = y + 1, first + across
        x = place[i] - first
        v, u = y // side, x // side
        _, _, near, beside = _scales(far_front, far_back, y, x)
        for j in range(offers.shape[0]):
            # Without a sign: what would be before the first row or column is far behind the last.
            vv, uu = np.uintp(v + offers[j, 0]), np.uintp(u + offers[j, 1])
            if vv >= height or uu >= width or blocks[vv, uu] < 0:
                continue
            other = np.uintp(blocks[vv, uu])
            f, b = fronts[other], place[i] if own[i] else backs[other]
            if f == front[i] and b == back[i]:
                continue
            far = _apart(f, y, x, across) * near + _apart(b, y, x, across) * beside
            al, residual, length = _explained(colour[i], smooth[np.uintp(f)], behind[np.uintp(b)])
            e = _cost(residual, length, far, cost[i])
            if e < cost[i]:
                cost[i], alpha[i], front[i], back[i], farther[i] = e, al, f, b, far
    return Pairs(front, back, farther, cost, alpha)


@numba.njit(nogil=True, cache=True)
def representatives(places, height, width, side):
    """Of each block of ``side`` by ``side`` cells the one of ``places`` that is nearest to its middle, by its
    number: int32 [H, W], -1 where there is none.
    """
    shape = (height + side - 1) // side, (width + side - 1) // side
    chosen, least = np.full(shape, -1, np.int32), np.empty(shape, np.int32)
    y, first, middle = 0, 0, side // 2
    for i in range(places.size):
        while places[i] >= first + width:
            y, first = y + 1, first + width
        x = places[i] - first
        v, u = np.uintp(y // side), np.uintp(x // side)
        down, across = y % side - middle, x % side - middle
        far = down * down + across * across
        if chosen[v, u] < 0 or far < least[v, u]:
            chosen[v, u], least[v, u] = i, far
    return chosen


@numba.njit(fastmath=True, nogil=True, cache=True)
def adopted(cells, known, blocks, side, pairs):
    """``Pairs`` of all cells: of each the best of its block's, those of the three blocks that are nearest to
    it, and the nearest known colours. How far a pair is, a block tells for all its cells. blocks, side: as
    for ``traded``; pairs: of the blocks.
    """
    place, colour, own = cells
    smooth, behind, near_front, near_back, far_front, far_back = known
    fronts, backs, fars = pairs.front, pairs.back, pairs.far
    n, width = place.size, near_front.shape[1]
    front, back, farther = np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, np.float32)
    cost, alpha = np.empty(n, np.float32), np.empty(n, np.float32)
    tall, wide, one = np.uintp(blocks.shape[0]), np.uintp(blocks.shape[1]), np.uintp(1)
    y, first = 0, 0
    for i in range(n):
        while place[i] >= first + width:
            y, first = y + 1, first + width
        x = place[i] - first
        v, u = np.uintp(y // side), np.uintp(x // side)
        beside_v = v + one if 2 * (y % side) >= side else v - one
        beside_u = u + one if 2 * (x % side) >= side else u - one
        to_front, to_back, near, beside = _scales(far_front, far_back, y, x)
        f, b, far = near_front[np.uintp(y), np.uintp(x)], place[i], to_front * near
        if not own[i]:
            b = near_back[np.uintp(y), np.uintp(x)]
            far += to_back * beside
        front[i], back[i], farther[i] = f, b, far
        alpha[i], residual, length = _explained(colour[i], smooth[np.uintp(f)], behind[np.uintp(b)])
        cost[i] = _cost(residual, length, far, _NONE)
        for j in range(4):
            vv, uu = beside_v if j & 1 else v, beside_u if j & 2 else u
            if vv >= tall or uu >= wide or blocks[vv, uu] < 0:
                continue
            other = np.uintp(blocks[vv, uu])
            f, b = fronts[other], place[i] if own[i] else backs[other]
            al, residual, length = _explained(colour[i], smooth[np.uintp(f)], behind[np.uintp(b)])
            e = _cost(residual, length, fars[other], cost[i])
            if e < cost[i]:
                cost[i], alpha[i], front[i], back[i], farther[i] = e, al, f, b, fars[other]
    return Pairs(front, back, farther, cost, alpha)


@numba.njit(fastmath=True, nogil=True, cache=True)
def told(unknown, own, behind, slot, known, pairs):
    """Cost and alpha, float32 [N], of every unknown pixel, in order, by the pair of its cell, or by the
    nearest if that has none, because its first pixel is known.

    unknown: see ``unknown.Unknown``. own: bool [N], whether its background is known, and behind that, float32
    [N, 3]. slot: int32 [h, w], each cell's place in ``pairs``, or -1.
    """
    cells, pixels, colours = unknown
    smooth, back, near_front, near_back, far_front, far_back = known
    fronts, backs, farther, found, found_alpha = pairs
    cost, alpha = np.empty(pixels.size, np.float32), np.empty(pixels.size, np.float32)
    row, first, width, across = 0, 0, slot.shape[1], cells.shape[1]
    for i in range(pixels.size):
        while pixels[i] >= first + across:  # a division would cost as much as all the rest
            row, first = row + 1, first + across
        y, x = row // 2, (pixels[i] - first) // 2
        v, u = np.uintp(y), np.uintp(x)
        its = np.uintp(slot[v, u])
        if not (row | pixels[i] - first) & 1:
            cost[i], alpha[i] = found[its], found_alpha[its]
            continue
        if slot[v, u] >= 0:
            f, b, far = fronts[its], backs[its], farther[its]
        else:
            f, b = near_front[v, u], near_back[v, u]
            _, _, near, beside = _scales(far_front, far_back, y, x)
            far = _apart(f, y, x, width) * near + _apart(b, y, x, width) * beside
        if own[i]:
            alpha[i], residual, length = _explained(colours[i], smooth[np.uintp(f)], behind[i])
        else:
            alpha[i], residual, length = _explained(colours[i], smooth[np.uintp(f)], back[np.uintp(b)])
        cost[i] = _cost(residual, length, far, _NONE)
    return cost, alpha
