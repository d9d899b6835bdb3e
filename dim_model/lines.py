"""The line by which alpha follows from colour around each cell of a mask: alpha ≈ k·rgb + d.

He, Sun & Tang, "Guided Image Filtering" (2010), eq. 14 to 16 with a colour guide, every pixel weighing alike,
and He & Sun, "Fast Guided Filter" (2015): a line changes slowly, so it is fitted to cells of 2 x 2 pixels,
for a quarter of the work. It is ``guided.lines`` for the case that needs no weights, which is worth a kernel
of its own: a window's weight is then its number of cells, sums go over whole rows of a strip at once, and no
picture is made of what holds in the mask alone. Sums are float64, as in ``windows``: they run down a frame.

The kernel releases the GIL.
"""

# numba types a kernel by its call; annotations on kernels would say it twice.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg"

from __future__ import annotations

from functools import partial

import numba
import numpy as np

from dim_model.arrays import Floats, Indices
from dim_model.each import ONE_BY_ONE, Each
from dim_model.symmetric import cofactors

_STRIP = 64
"""Columns that are worked on at once: the sums of so many stay in the nearest cache."""

_RADIUS = 2
SIDE = 2 * _RADIUS + 1
"""Cells of a window's side: a constant, by which the compiler unrolls the sums over it."""

_MOMENTS = 13
"""Means and products of r, g, b and alpha that a line is solved from."""


@numba.njit(nogil=True, cache=True, fastmath=True)
def _add(out, x, k, sign):
    """Add row ``k`` of ``x`` to that of ``out``."""
    to, of = out[k], x[k]
    for i in range(to.size):
        to[i] += sign * of[i]


@numba.njit(nogil=True, cache=True, fastmath=True)
def _add_product(out, k, x, j, h, sign):
    """Add the product of two rows of ``x`` to row ``k`` of ``out``."""
    to, one, other = out[k], x[j], x[h]
    for i in range(to.size):
        to[i] += sign * one[i] * other[i]


@numba.njit(nogil=True, cache=True, fastmath=True)
def _across(out, x, k, first, end):
    """Of row ``k``, the sum of ``SIDE`` neighbours of ``x`` from each position on."""
    to, of = out[k, first:end], x[k, first:]
    for i in range(to.size):
        total = of[i]
        for n in range(1, SIDE):
            total += of[i + n]
        to[i] = total


@numba.njit(nogil=True, cache=True, fastmath=True)
def _add_row(columns, row, rgb, alpha, y, left, sign):
    """Add the moments of a row of cells, from column ``left`` on; beyond the frame's edges there are none."""
    height, width = alpha.shape
    first, last = max(0, left), min((width + 1) // 2, left + row.shape[1])
    row[:] = 0.0
    quarter = np.float32(0.25)
    y0, y1 = 2 * y, min(2 * y + 1, height - 1)
    for x in range(first, last):
        i, x0, x1 = x - left, 2 * x, min(2 * x + 1, width - 1)
        for k in range(3):
            row[k, i] = quarter * (rgb[y0, x0, k] + rgb[y0, x1, k] + rgb[y1, x0, k] + rgb[y1, x1, k])
        row[3, i] = quarter * (alpha[y0, x0] + alpha[y0, x1] + alpha[y1, x0] + alpha[y1, x1])
    for k in range(4):
        _add(columns, row, k, sign)
    _add_product(columns, 4, row, 3, 0, sign)
    _add_product(columns, 5, row, 3, 1, sign)
    _add_product(columns, 6, row, 3, 2, sign)
    _add_product(columns, 7, row, 0, 0, sign)
    _add_product(columns, 8, row, 0, 1, sign)
    _add_product(columns, 9, row, 0, 2, sign)
    _add_product(columns, 10, row, 1, 1, sign)
    _add_product(columns, 11, row, 1, 2, sign)
    _add_product(columns, 12, row, 2, 2, sign)


@numba.njit(nogil=True, cache=True, fastmath=True)
def _solve(m, i, share, ridge, out):
    """Least squares of alpha on colour in a window.

    m: sums of the moments at positions ``i``; share: one over how many pixels they are of.
    """
    r, g, b, a = share * m[0, i], share * m[1, i], share * m[2, i], share * m[3, i]
    v0, v1, v2 = share * m[4, i] - r * a, share * m[5, i] - g * a, share * m[6, i] - b * a
    s00, s01, s02 = share * m[7, i] - r * r + ridge, share * m[8, i] - r * g, share * m[9, i] - r * b
    s11, s12 = share * m[10, i] - g * g + ridge, share * m[11, i] - g * b
    s22 = share * m[12, i] - b * b + ridge
    c00, c01, c02, c11, c12, c22, determinant = cofactors(s00, s01, s02, s11, s12, s22)
    scale = 1.0 / determinant
    k0 = (c00 * v0 + c01 * v1 + c02 * v2) * scale
    k1 = (c01 * v0 + c11 * v1 + c12 * v2) * scale
    k2 = (c02 * v0 + c12 * v1 + c22 * v2) * scale
    out[0, i], out[1, i], out[2, i], out[3, i] = k0, k1, k2, a - k0 * r - k1 * g - k2 * b


@numba.njit(nogil=True, cache=True)
def _span(slot, y, left):
    """From which cell of a strip's row to which, not itself, there are slots; (``_STRIP``, 0): there are
    none.
    """
    first, end = _STRIP, 0
    for i in range(min(_STRIP, slot.shape[1] - left)):
        if slot[y, left + i] >= 0:
            first, end = min(first, i), i + 1
    return first, end


@numba.njit(nogil=True, cache=True, inline="always")
def _inside(at, length):
    """How many positions of a window around ``at`` lie in 0 … length - 1."""
    return min(at + _RADIUS, length - 1) - max(at - _RADIUS, 0) + 1


def lines(
    rgb: Floats, alpha: Floats, slot: Indices, count: int, ridge: float, each: Each = ONE_BY_ONE
) -> Floats:
    """(k, d) of each cell that has a ``slot``, the mean over all windows of ``SIDE`` x ``SIDE`` cells that
    hold it: float32 [count, 4].

    rgb: float32 [H, W, 3], 0..1. alpha: float32 [H, W]. slot: int32 [H/2, W/2], rounded up, a cell's row in
    what is returned, or -1. ridge: added to the variance of the colours. At the frame's edge a window is what
    lies inside, and the edge of an odd frame is repeated. each: by what the parts of the frame are worked on.
    """
    values = np.empty((count, 4), np.float32)
    list(each(partial(_fit, rgb, alpha, slot, ridge, values, each.parts), range(each.parts)))
    return values


@numba.njit(nogil=True, cache=True, fastmath=True)
def _fit(rgb, alpha, slot, ridge, values, parts, part):
    """Write what ``lines`` returns into ``values``, of one strip in ``parts``, beginning with ``part``."""
    height, width = slot.shape
    # Of a strip, its windows' lines, and the cells of these windows. Kernels are handed these whole: slices
    # that are handed over are counted, which takes as long as a row of a thin band.
    row = np.empty((4, _STRIP + 4 * _RADIUS))
    columns = np.empty((_MOMENTS, _STRIP + 4 * _RADIUS))
    moments = np.empty((_MOMENTS, _STRIP + 2 * _RADIUS))
    fits = np.zeros((SIDE, 4, _STRIP + 2 * _RADIUS))
    fallen = np.empty((4, _STRIP + 2 * _RADIUS))
    means = np.empty((4, _STRIP))
    firsts, ends = np.empty(height, np.intp), np.empty(height, np.intp)
    for left in range(_STRIP * part, width, _STRIP * parts):
        for y in range(height):
            firsts[y], ends[y] = _span(slot, y, left)
        top, bottom = 0, 0  # rows whose moments are in ``columns``
        solved = -1  # up to which row there are lines
        for y in range(height):
            if not ends[y]:
                continue
            last = min(y + _RADIUS, height - 1)
            for at in range(max(solved + 1, y - _RADIUS, 0), last + 1):
                above, below = max(0, at - _RADIUS), min(height, at + _RADIUS + 1)
                if above >= bottom:
                    columns[:] = 0.0
                    top, bottom = above, above
                for gone in range(top, above):
                    _add_row(columns, row, rgb, alpha, gone, left - 2 * _RADIUS, -1.0)
                for come in range(bottom, below):
                    _add_row(columns, row, rgb, alpha, come, left - 2 * _RADIUS, 1.0)
                top, bottom = above, below
                # Of a thin band only what some row asks for, which this one's windows reach.
                low, high = _STRIP, 0
                for near in range(above, below):
                    low, high = min(low, firsts[near]), max(high, ends[near])
                high += 2 * _RADIUS
                for k in range(_MOMENTS):
                    _across(moments, columns, k, low, high)
                fit = fits[at % SIDE]
                for i in range(low, high):
                    x = left - _RADIUS + i
                    if 0 <= x < width:
                        _solve(moments, i, 1.0 / ((below - above) * _inside(x, width)), ridge, fit)
                    else:
                        fit[0, i], fit[1, i], fit[2, i], fit[3, i] = 0.0, 0.0, 0.0, 0.0
            solved = last
            first, end = firsts[y], ends[y]
            for k in range(4):
                for i in range(first, end + 2 * _RADIUS):
                    fallen[k, i] = 0.0
                for at in range(max(0, y - _RADIUS), last + 1):
                    to, of = fallen[k, first : end + 2 * _RADIUS], fits[at % SIDE, k, first:]
                    for i in range(to.size):
                        to[i] += of[i]
                _across(means, fallen, k, first, end)
            rows = _inside(y, height)
            for i in range(first, end):
                n = slot[y, left + i]
                if n >= 0:
                    share = 1.0 / (rows * _inside(left + i, width))
                    for k in range(4):
                        values[n, k] = share * means[k, i]
