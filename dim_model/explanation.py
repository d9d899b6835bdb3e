"""What the trimap says of each unknown pixel: by the colours that it knows, and by what alpha is joined to.

Sampled colours of either side, and four estimates of alpha: by the colours' pair, by guided filters of two
widths over that, and propagated. What is smooth is made at a smaller size, and read at full size by each
pixel's own colour.
"""

# numba types a kernel by its call; annotations on kernels would say it twice.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg"

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial
from typing import NamedTuple

import cv2
import numba
import numpy as np

from dim_model import guided, sampling
from dim_model.arrays import Floats, Indices
from dim_model.numbered import read
from dim_model.propagation import propagate
from dim_model.unknown import Unknown

COLOUR_CELL = 2
"""Pixels: colours are told once for so many rows and columns, since they hardly differ between them."""

_AROUND = 128
"""Pixels around what is unknown that are looked at: more than ``sampling`` reaches."""
_BLOCK = 64
"""Pixels: the part that is looked at begins and ends at a multiple."""

_COLOUR_RADIUS = 1
"""Cells."""
_SCALE = 4
"""How many times less than the frame's is the size at which alpha is filtered and propagated."""
_NARROW, _WIDE, _APART = 1, 5, 3
"""Radii of the guided filters, in pixels of that size, and how far apart the wide one's windows are."""
_RIDGE = 1e-5
"""Of all lines: chosen on drawn and rendered scenes."""
_BY_LINES = np.array([1, 0, 3])
"""Columns of ``Explanation.estimates``: of the wide guided filter, the narrow one, and the propagated alpha,
which is read by lines of the narrow one's windows.
"""
_WHOLE = 0.9995
"""The mean of a cell's trimap, where all of its pixels are foreground; it may round below 1."""


class Explanation(NamedTuple):
    """Of one part of a frame, whose corner (y, x) is even.

    slot: each unknown pixel's row in ``estimates``, int32 [H, W], or -1. estimates: float32 [N, 5], 0..1: the
    guided alpha, the one more widely so, the sampled and the propagated one, and the sampling's confidence.
    foreground, background: of each cell of 2 x 2 pixels, float32 [H/2, W/2, 3], rounded up; undefined where
    nothing is unknown.
    """

    corner: tuple[int, int]
    slot: Indices
    estimates: Floats
    foreground: Floats
    background: Floats


def explain(
    rgb: Floats, trimap: Floats, clean: Floats | None = None, *, on_two_cores: bool = True
) -> Explanation:
    """Explain the unknown pixels of a frame; of the rest only the part around them is looked at.

    rgb: float32 [H, W, 3], display-referred, 0..1, C-contiguous. trimap: float32 [H, W] of exactly 0, 0.5, 1.
    clean: float32 [H, W, 3], C-contiguous, the background where it is known, not a number elsewhere.
    on_two_cores: sooner done, where there are so many; where other frames have them, they are in its way.
    """
    part = _concerned(trimap)
    corner, hint = (part[0].start, part[1].start), np.ascontiguousarray(trimap[part])
    unknown = Unknown.of(rgb, hint == 0.5, corner)
    cells = sampling.by_cells(rgb[part])
    if not (_holds(hint, np.float32(1)) and _holds(hint, np.float32(0)) and unknown.pixels.size):
        # One side is nowhere known: there is nothing to sample, and a confidence of 0 says so to the network.
        estimates = np.full((unknown.pixels.size, 5), 0.5, np.float32)
        estimates[:, 4] = 0.0
        return Explanation(corner, unknown.slot, estimates, cells, cells)

    size = (max(1, hint.shape[1] // _SCALE), max(1, hint.shape[0] // _SCALE))
    small, known = _reduced(cells, size), _reduced(hint, size)
    mixed = (known > 1 - _WHOLE) & (known < _WHOLE)
    system = small, (known >= _WHOLE).astype(np.float32), mixed
    with ThreadPoolExecutor(1, "propagate") if on_two_cores else nullcontext() as beside:
        # What is sampled and what is propagated need nothing of one another.
        carried = beside.submit(propagate, *system).result if beside else partial(propagate, *system)
        behind = None if clean is None else read(clean, unknown.pixels, hint.shape[1], *corner)
        found = sampling.sample(cells, hint, unknown, behind)
        foreground, background = _colours(cells, hint, unknown, found)
        guide, weight = _gathered(known, unknown.pixels, found.alpha, found.confidence, *hint.shape)
        # Two cells more than the unknown: what the bilinear reading may touch.
        near = guided.grown(mixed, 2)
        lines = np.empty((*guide.shape, len(_BY_LINES), 4), np.float32)
        guided.lines(small, guide[..., None], weight, near, _WIDE, _RIDGE, lines, 0, _APART)
        both = np.stack([guide, carried()], -1)
        guided.lines(small, both, weight, near, _NARROW, _RIDGE, lines, 1)
    estimates = np.empty((unknown.pixels.size, 5), np.float32)
    guided.applied(unknown.colours, lines, unknown.pixels, *hint.shape, estimates, _BY_LINES)
    estimates[:, 2], estimates[:, 4] = found.alpha, found.confidence
    return Explanation(corner, unknown.slot, estimates, foreground, background)


def _concerned(trimap: Floats) -> tuple[slice, slice]:
    """The part of a frame that is looked at: around what is unknown, as far as candidates are sought, in
    whole blocks, so that it is the same for frames that differ by little; all of it, if one side is known
    outside alone.
    """
    x, y, across, down = cv2.boundingRect((trimap == 0.5).view(np.uint8))

    def blocks(first: int, length: int, most: int) -> slice:
        last = -(-(first + length + _AROUND) // _BLOCK) * _BLOCK
        return slice(max(0, (first - _AROUND) // _BLOCK * _BLOCK), min(last, most))

    part = blocks(y, down, trimap.shape[0]), blocks(x, across, trimap.shape[1])
    is_told = _holds(trimap[part], np.float32(1)) and _holds(trimap[part], np.float32(0))
    return part if across and is_told else (slice(0, trimap.shape[0]), slice(0, trimap.shape[1]))


@numba.njit(nogil=True, cache=True)
def _holds(trimap, value):
    """Whether a pixel of the trimap is so; the first that is ends the search."""
    for y in range(trimap.shape[0]):
        for x in range(trimap.shape[1]):
            if trimap[y, x] == value:
                return True
    return False


def _reduced(picture: Floats, size: tuple[int, int]) -> Floats:
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32)


@numba.njit(nogil=True, cache=True, fastmath=True)
def _colours(cells, trimap, unknown, found):
    """The sampled colours of the foreground and of the background, smoothed: see ``Explanation``.

    Each is the mean around a cell. There a cell counts, by its first pixel, the more, the surer it is, and
    the more of it is of that side; next to nothing where it is known to be of the other, for there must be a
    mean.
    """
    slot, pixels, _ = unknown
    alpha, confidence, of_cell, front, back = found
    height, width = of_cell.shape
    foreground, background = np.empty(cells.shape, np.float32), np.empty(cells.shape, np.float32)
    done, total = np.zeros((height, width), np.bool_), np.empty(8, np.float32)
    one, all_but, trace, least = np.float32(1), np.float32(0.05), np.float32(1e-4), np.float32(1e-7)
    row, first, cell = 0, 0, np.uintp(COLOUR_CELL)
    for i in range(pixels.size):
        while pixels[i] >= first + slot.shape[1]:
            row, first = row + 1, first + slot.shape[1]
        y, x = row // COLOUR_CELL, (pixels[i] - first) // COLOUR_CELL
        if done[y, x]:
            continue
        done[y, x] = True
        total[:] = np.float32(0)
        top, bottom = max(0, y - _COLOUR_RADIUS), min(height, y + _COLOUR_RADIUS + 1)
        left, right = max(0, x - _COLOUR_RADIUS), min(width, x + _COLOUR_RADIUS + 1)
        for j in range(np.uintp(top), np.uintp(bottom)):
            for k in range(np.uintp(left), np.uintp(right)):
                of_first = slot[cell * j, cell * k]
                if of_first >= 0:
                    n, m = np.uintp(of_first), np.uintp(of_cell[j, k])
                    f = confidence[n] * (alpha[n] + all_but) + trace
                    b = confidence[n] * (one - alpha[n] + all_but) + trace
                    for c in range(3):
                        total[c] += f * front[m, c]
                        total[3 + c] += b * back[m, c]
                else:
                    is_front = trimap[cell * j, cell * k] == one
                    f, b = (one + all_but, least) if is_front else (least, one + all_but)
                    for c in range(3):
                        total[c] += f * cells[j, k, c]
                        total[3 + c] += b * cells[j, k, c]
                total[6] += f
                total[7] += b
        for c in range(3):
            foreground[y, x, c], background[y, x, c] = total[c] / total[6], total[3 + c] / total[7]
    return foreground, background


@numba.njit(nogil=True, cache=True)
def _gathered(known, pixels, alpha, confidence, height, width):
    """Alpha and how far it is to be heard, both float32 [h, w], reduced: of the frame as ``known`` has it,
    reduced, where unknown pixels count half, with what was found for these in its place.
    """
    down, across = known.shape[0] / height, known.shape[1] / width
    guide, weight = known.copy(), np.full(known.shape, np.float32(1 + 1e-3))
    y, first = 0, 0
    for i in range(pixels.size):
        while pixels[i] >= first + width:
            y, first = y + 1, first + width
        v, upper = _covered(y, down)
        u, left = _covered(pixels[i] - first, across)
        more, surer = alpha[i] - np.float32(0.5), confidence[i] - np.float32(1)
        for j in range(1 if upper == 1 else 2):
            for k in range(1 if left == 1 else 2):
                part = (upper if j == 0 else 1 - upper) * (left if k == 0 else 1 - left)
                share = np.float32(part * down * across)
                guide[v + j, u + k] += share * more
                weight[v + j, u + k] += share * surer
    return guide, weight


@numba.njit(nogil=True, cache=True, inline="always")
def _covered(at, scale):
    """The first reduced pixel that a pixel is part of, and the share of it that lies there."""
    first = int(at * scale)
    share = (first + 1 - at * scale) / scale
    return first, share if share < 1 - 1e-6 else 1.0
