"""What the trimap's known colours say of an unknown pixel: the pair of known colours that explains it best.

A known pixel stands for its surroundings, so the known colours are those of cells of 2 x 2 pixels, smoothed:
a quarter of the frame, which stays in the caches while it is searched. Candidates are the known cells nearest
to points spread around the pixel, so that they come from all sides of the boundary. Every foreground
candidate is paired with every background candidate; the cheapest pair gives alpha by projection on the line
between the two colours. The first pixel of one cell in four searches so, or of each (``Effort``). All of them
begin with the nearest pair at least, and cells offer each other what they have, which carries a good find
along a strand of hair; the other pixels take their cell's pair, each by its own colour.

Sources: Gastal & Oliveira, "Shared Sampling for Real-Time Alpha Matting" (2010), eq. 2 and 6; He et al., "A
Global Sampling Method for Alpha Matting" (2011), for the propagation between neighbours.

The search visits only unknown pixels, which is why it is compiled by numba rather than written over whole
frames; numba releases the GIL, so frames are searched side by side.
"""

# numba types a kernel by its call; annotations on kernels would say it twice.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg"

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numba
import numpy as np

from dim_model.arrays import Floats, Indices
from dim_model.nearest import nearest
from dim_model.numbered import numbered
from dim_model.unknown import Unknown

REACH = 60.0
"""Pixels: half the largest distance from which a candidate is sought."""

_SMOOTH = 0.5
"""Sigma, in cells, of what takes the noise off a known colour."""

_GOLDEN_ANGLE = math.pi * (3.0 - math.sqrt(5.0))


class Samples(NamedTuple):
    """The best pair of each unknown pixel, in order.

    alpha: float32 [N], 0..1. confidence: float32 [N], 0..1, 1 where the pair explains the pixel wholly.
    slot: int32 [H/2, W/2], the row of each cell whose first pixel is unknown, or -1. foreground, background:
    float32 [M, 3], the pairs of these, in the frame's colour space.
    """

    alpha: Floats
    confidence: Floats
    slot: Indices
    foreground: Floats
    background: Floats


def _spread(count: int) -> Floats:
    """Unit offsets [count, 2] (y, x): the pixel itself, then a sunflower around it."""
    offsets = [(0.0, 0.0)]
    for i in range(count - 1):
        radius = math.sqrt((i + 1) / (count - 1))
        offsets.append((radius * math.sin(_GOLDEN_ANGLE * i), radius * math.cos(_GOLDEN_ANGLE * i)))
    return np.asarray(offsets, np.float32)


_EDGES = [(-1, 0), (0, -1), (0, 1), (1, 0)]
_CORNERS = [(-1, -1), (-1, 1), (1, -1), (1, 1)]
_NEAR = [(-2, 0), (2, 0), (0, -2), (0, 2)]
_FAR = [(-5, -5), (5, 5), (-5, 5), (5, -5)]


@dataclass(frozen=True)
class Effort:
    """How hard pairs are sought.

    apart: cells from one that searches to the next. candidates: known pixels offered from each side, so a
    pixel weighs their number's square of pairs. rounds: whose pairs a cell tries, in turn, (y, x) in cells:
    first of those beside it, then further along.
    """

    apart: int
    candidates: int
    rounds: tuple[Sequence[tuple[int, int]], ...]


QUICK = Effort(2, 5, (_EDGES, _FAR))
"""For a network, which sees what pairs do not tell."""
THOROUGH = Effort(1, 8, (_EDGES + _CORNERS, _NEAR + _FAR + _EDGES))
"""For small frames, where two cells may be of two things, and for mattes that no network looks through."""


@numba.njit(fastmath=True, nogil=True, inline="always")
def _cost(c, f, b, far, lowest):
    """Cost and alpha of explaining the colour ``c`` by the colours ``f`` and ``b``; a cost above ``lowest``
    is a bound.

    The residual is measured against the length of the colour line, so that a pair of like colours does not
    win by being near everything; ``far`` is the pair's distance relative to the nearest known pixels'
    (Gastal, eq. 6).
    """
    d0, d1, d2 = f[0] - b[0], f[1] - b[1], f[2] - b[2]
    v0, v1, v2 = c[0] - b[0], c[1] - b[1], c[2] - b[2]
    length = d0 * d0 + d1 * d1 + d2 * d2 + np.float32(1e-4)
    alpha = (v0 * d0 + v1 * d1 + v2 * d2) / length
    alpha = min(max(alpha, np.float32(0.0)), np.float32(1.0))
    r0, r1, r2 = v0 - alpha * d0, v1 - alpha * d1, v2 - alpha * d2
    residual = math.sqrt((r0 * r0 + r1 * r1 + r2 * r2) / length)
    cost = np.float32(0.8) * residual + np.float32(0.02) * far
    if cost < lowest:  # the exponential is dearer than all the rest, and seldom needed
        cost += np.float32(0.12) * math.exp(np.float32(-100.0) * length)
    return cost, alpha


@numba.njit(fastmath=True, nogil=True, inline="always")
def _apart(p, y, x, width):
    """Distance of the flat index ``p`` from (y, x), without the slow division of integers."""
    row = int((p + 0.5) * (1.0 / width))
    down, across = row - y, p - row * width - x
    return math.sqrt(np.float32(down * down + across * across))


@numba.njit(fastmath=True, nogil=True, inline="always")
def _candidates(y, x, step, near, smooth, spread, count, index, colour, far):
    """The known cells nearest to ``count`` points spread ``step`` around (y, x): index, colour and distance
    of each.
    """
    height, width = near.shape
    for j in range(count):
        yy = min(max(int(y + spread[j, 0] * step), 0), height - 1)
        xx = min(max(int(x + spread[j, 1] * step), 0), width - 1)
        index[j] = near[np.uintp(yy), np.uintp(xx)]
        colour[j, 0], colour[j, 1], colour[j, 2] = smooth[np.uintp(index[j])]
        far[j] = _apart(index[j], y, x, width)


@numba.njit(fastmath=True, nogil=True, inline="always")
def _scales(y, x, far_f, far_b):
    """A cell's distances to the nearest known ones, and what a distance is divided by: more than them."""
    one, half = np.float32(1.0), np.float32(0.5)
    y, x = np.uintp(y), np.uintp(x)
    return far_f[y, x], far_b[y, x], one / (far_f[y, x] + half), one / (far_b[y, x] + half)


@numba.njit(fastmath=True, nogil=True, cache=True)
def _search(rgb, smooth, back, own, cells, apart, near_f, near_b, far_f, far_b, spread):
    """Of ``cells`` the best pair, its cost, and alpha by it: of as many candidates from each side as
    ``spread`` has where a row and a column ``apart`` cross, and elsewhere of the nearest. rgb: of the first
    pixel of each, float32 [M, 3]; own: whether its background is known, which ``back`` then has in its place.
    """
    n, width = cells.size, near_f.shape[1]
    best_f, best_b = np.empty(n, np.int32), np.empty(n, np.int32)
    cost, alpha = np.empty(n, np.float32), np.empty(n, np.float32)
    most = spread.shape[0]
    fs, bs = np.empty(most, np.int32), np.empty(most, np.int32)
    f_colour, b_colour = np.empty((most, 3), np.float32), np.empty((most, 3), np.float32)
    f_far, b_far = np.empty(most, np.float32), np.empty(most, np.float32)
    reach, more = np.float32(REACH), np.float32(3.0)
    y, first = 0, 0
    for i in range(n):
        p = cells[i]
        while p >= first + width:  # a division would cost as much as a candidate
            y, first = y + 1, first + width
        x = p - first
        count = most if y % apart == 0 and x % apart == 0 else 1
        to_f, to_b, near, beside = _scales(y, x, far_f, far_b)
        _candidates(y, x, min(to_f, reach) + more, near_f, smooth, spread, count, fs, f_colour, f_far)
        if own[i]:
            seen = 1
            bs[0], b_far[0] = p, np.float32(0.0)
            b_colour[0, 0], b_colour[0, 1], b_colour[0, 2] = back[p]
        else:
            seen = count
            _candidates(y, x, min(to_b, reach) + more, near_b, smooth, spread, seen, bs, b_colour, b_far)
        lowest = np.float32(1e9)
        for a in range(count):
            for b in range(seen):
                far = f_far[a] * near + b_far[b] * beside
                e, al = _cost(rgb[i], f_colour[a], b_colour[b], far, lowest)
                if e < lowest:
                    lowest, alpha[i], best_f[i], best_b[i] = e, al, fs[a], bs[b]
        cost[i] = lowest
    return best_f, best_b, cost, alpha


@numba.njit(fastmath=True, nogil=True, cache=True)
def _exchange(rgb, smooth, back, own, cells, slot, far_f, far_b, pairs, offers):
    """One round in which each cell tries the pairs of others. It reads the old pairs and writes new ones, so
    the result does not depend on the order of the cells.

    slot: the place of each cell in ``cells``, int32 [H/2, W/2], or -1. offers: where the others are, (y, x)
    in cells.
    """
    best_f, best_b, cost, alpha = pairs
    new_f, new_b, new_cost, new_alpha = best_f.copy(), best_b.copy(), cost.copy(), alpha.copy()
    height, width = np.uintp(slot.shape[0]), np.uintp(slot.shape[1])
    across = slot.shape[1]
    y, first = 0, 0
    for i in range(cells.size):
        p = cells[i]
        while p >= first + across:  # a division would cost as much as an offer
            y, first = y + 1, first + across
        x = p - first
        _, _, near, beside = _scales(y, x, far_f, far_b)
        for j in range(offers.shape[0]):
            # Without a sign: what would be before the first row or column is far behind the last.
            yy, xx = np.uintp(y + offers[j, 0]), np.uintp(x + offers[j, 1])
            if yy >= height or xx >= width:
                continue
            other = slot[yy, xx]
            if other < 0:
                continue
            f, b = best_f[np.uintp(other)], p if own[i] else best_b[np.uintp(other)]
            if f == new_f[i] and b == new_b[i]:
                continue
            far = _apart(f, y, x, across) * near + _apart(b, y, x, across) * beside
            e, al = _cost(rgb[i], smooth[np.uintp(f)], back[np.uintp(b)], far, new_cost[i])
            if e < new_cost[i]:
                new_cost[i], new_alpha[i], new_f[i], new_b[i] = e, al, f, b
    return new_f, new_b, new_cost, new_alpha


@numba.njit(fastmath=True, nogil=True, cache=True)
def _told(rgb, smooth, back, own, behind, across, pixels, slot, near_f, near_b, far_f, far_b, pairs):
    """Cost and alpha of every unknown pixel, in order, by the pair of its cell, or by the nearest if that has
    none, because its first pixel is known.

    rgb: of each, float32 [N, 3]; own: whether its background is known, and ``behind`` that, [N, 3]; across:
    the frame's width.
    """
    best_f, best_b, found, found_alpha = pairs
    cost, alpha = np.empty(pixels.size, np.float32), np.empty(pixels.size, np.float32)
    row, first, width = 0, 0, slot.shape[1]
    for i in range(pixels.size):
        p = pixels[i]
        while p >= first + across:  # a division would cost as much as all the rest
            row, first = row + 1, first + across
        y, x = row // 2, (p - first) // 2
        v, u = np.uintp(y), np.uintp(x)
        cell = slot[v, u]
        if not (row | p - first) & 1:
            cost[i], alpha[i] = found[np.uintp(cell)], found_alpha[np.uintp(cell)]
            continue
        its = np.uintp(cell)
        f, b = (best_f[its], best_b[its]) if cell >= 0 else (near_f[v, u], near_b[v, u])
        _, _, near, beside = _scales(y, x, far_f, far_b)
        far = _apart(f, y, x, width) * near
        if own[i]:
            cost[i], alpha[i] = _cost(rgb[i], smooth[np.uintp(f)], behind[i], far, np.float32(1e9))
        else:
            far += _apart(b, y, x, width) * beside
            behind_it = back[np.uintp(b)]
            cost[i], alpha[i] = _cost(rgb[i], smooth[np.uintp(f)], behind_it, far, np.float32(1e9))
    return cost, alpha


def by_cells(rgb: Floats) -> Floats:
    """A frame [H, W, 3], the mean of each cell of 2 x 2 pixels: float32 [H/2, W/2, 3], rounded up."""
    height, width = rgb.shape[:2]
    if (height | width) % 2:
        rgb = np.asarray(cv2.copyMakeBorder(rgb, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE))
    size = (width + 1) // 2, (height + 1) // 2
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.float32)


def sample(
    cells: Floats, trimap: Floats, unknown: Unknown, clean: Floats | None = None, effort: Effort = QUICK
) -> Samples:
    """Find the best pair of known colours for each unknown pixel.

    cells: a frame ``by_cells``, display-referred, 0..1. trimap: float32 [H, W] of exactly 0, 0.5, 1, with at
    least one pixel of each of 0 and 1. unknown: the pixels where it is 0.5. clean: float32 [N, 3], the
    background of each itself where it is known, not a number elsewhere; a pixel before it seeks its
    foreground alone, and its alpha lies on the line between the two. Deterministic: the same frame gives the
    same bytes.
    """
    (far_f, near_f), (far_b, near_b) = nearest(trimap)
    smooth = cv2.GaussianBlur(cells, (3, 3), _SMOOTH).reshape(-1, 3)
    of_cell = unknown.slot[::2, ::2]
    slot, places = numbered(of_cell >= 0)
    firsts = of_cell.ravel()[places]
    back, behind, own = smooth, unknown.colours, np.zeros(len(unknown.pixels), np.bool_)
    if clean is not None:
        behind, own = clean, ~np.isnan(clean[:, 0])
        back = smooth.copy()
        back[places[own[firsts]]] = clean[firsts[own[firsts]]]
    apart, spread = effort.apart, _spread(effort.candidates)
    here, mine, at = unknown.colours[firsts], own[firsts], places.astype(np.int32)
    pairs = _search(here, smooth, back, mine, at, apart, near_f, near_b, far_f, far_b, spread)
    for offers in effort.rounds:
        others = np.asarray(offers, np.int32)
        pairs = _exchange(here, smooth, back, mine, at, slot, far_f, far_b, pairs, others)
    cost, alpha = _told(
        unknown.colours, smooth, back, own, behind, trimap.shape[1], unknown.pixels,
        slot, near_f, near_b, far_f, far_b, pairs,
    )  # fmt: skip
    return Samples(alpha, np.exp(-4.0 * cost), slot, smooth[pairs[0]], back[pairs[1]])
