"""The line by which alpha follows from colour around each pixel of a mask: alpha ≈ k·rgb + d.

He, Sun & Tang, "Guided Image Filtering" (2010), eq. 14 to 16 with a colour guide, every pixel weighing alike:
``guided.lines`` for the case that needs no weights. That case is worth a kernel of its own, for a window's
weight is then its number of pixels, sums go over whole rows of a strip at once, and no picture is made of
what holds in the mask alone. Sums are float64, as in ``windows``: they run down a frame.

The kernel releases the GIL.
"""

# numba types a kernel by its call; annotations on kernels would say it twice.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg"

from __future__ import annotations

import numba
import numpy as np

from dim_model.symmetric import cofactors

_STRIP = 64
"""Columns that are worked on at once: the sums of so many stay in the nearest cache."""

_MOMENTS = 13
"""Means and products of r, g, b and alpha that a line is solved from."""


@numba.njit(nogil=True, cache=True, fastmath=True)
def _add(out, x, sign):
    for i in range(out.size):
        out[i] += sign * x[i]


@numba.njit(nogil=True, cache=True, fastmath=True)
def _add_product(out, x, y, sign):
    for i in range(out.size):
        out[i] += sign * x[i] * y[i]


@numba.njit(nogil=True, cache=True, fastmath=True)
def _across(out, x, side):
    """The sum of ``side`` neighbours of ``x`` from each position on."""
    for i in range(out.size):
        out[i] = x[i]
    for k in range(1, side):
        for i in range(out.size):
            out[i] += x[i + k]


@numba.njit(nogil=True, cache=True, fastmath=True)
def _add_row(columns, row, rgb, alpha, y, left, sign):
    """Add the moments of a row of the frame, from column ``left`` on; beyond its edges there are none."""
    first, last = max(0, left), min(alpha.shape[1], left + row.shape[1])
    row[:] = 0.0
    for x in range(first, last):
        i = x - left
        row[0, i], row[1, i], row[2, i] = rgb[y, x, 0], rgb[y, x, 1], rgb[y, x, 2]
        row[3, i] = alpha[y, x]
    for k in range(4):
        _add(columns[k], row[k], sign)
    _add_product(columns[4], row[3], row[0], sign)
    _add_product(columns[5], row[3], row[1], sign)
    _add_product(columns[6], row[3], row[2], sign)
    _add_product(columns[7], row[0], row[0], sign)
    _add_product(columns[8], row[0], row[1], sign)
    _add_product(columns[9], row[0], row[2], sign)
    _add_product(columns[10], row[1], row[1], sign)
    _add_product(columns[11], row[1], row[2], sign)
    _add_product(columns[12], row[2], row[2], sign)


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
def _span(slots):
    """From which pixel of a strip's row to which, not itself, there are slots; (its length, 0): there are
    none.
    """
    first, end = slots.size, 0
    for i in range(slots.size):
        if slots[i] >= 0:
            first, end = min(first, i), i + 1
    return first, end


@numba.njit(nogil=True, cache=True, inline="always")
def _inside(at, radius, length):
    """How many positions of a window around ``at`` lie in 0 … length - 1."""
    return min(at + radius, length - 1) - max(at - radius, 0) + 1


@numba.njit(nogil=True, cache=True, fastmath=True)
def lines(rgb, alpha, slot, count, radius, ridge):
    """(k, d) of each pixel that has a ``slot``, the mean over all windows that hold it: float32 [count, 4].

    rgb: float32 [H, W, 3], 0..1. alpha: float32 [H, W]. slot: int32 [H, W], a pixel's row in what is
    returned, or -1. radius: pixels of a window. ridge: added to the variance of the colours. At the frame's
    edge a window is what lies inside.
    """
    height, width = alpha.shape
    side = 2 * radius + 1
    values = np.empty((count, 4), np.float32)
    # Of a strip, its windows' lines, and the pixels of these windows.
    row = np.empty((4, _STRIP + 4 * radius))
    columns = np.empty((_MOMENTS, _STRIP + 4 * radius))
    moments = np.empty((_MOMENTS, _STRIP + 2 * radius))
    fits = np.zeros((side, 4, _STRIP + 2 * radius))
    fallen = np.empty((4, _STRIP + 2 * radius))
    means = np.empty((4, _STRIP))
    firsts, ends = np.empty(height, np.intp), np.empty(height, np.intp)
    for left in range(0, width, _STRIP):
        for y in range(height):
            firsts[y], ends[y] = _span(slot[y, left : left + _STRIP])
        top, bottom = 0, 0  # rows whose moments are in ``columns``
        solved = -1  # up to which row there are lines
        for y in range(height):
            if not ends[y]:
                continue
            last = min(y + radius, height - 1)
            for at in range(max(solved + 1, y - radius, 0), last + 1):
                above, below = max(0, at - radius), min(height, at + radius + 1)
                if above >= bottom:
                    columns[:] = 0.0
                    top, bottom = above, above
                for gone in range(top, above):
                    _add_row(columns, row, rgb, alpha, gone, left - 2 * radius, -1.0)
                for come in range(bottom, below):
                    _add_row(columns, row, rgb, alpha, come, left - 2 * radius, 1.0)
                top, bottom = above, below
                # Of a thin band only what some row asks for, which this one's windows reach.
                low, high = firsts[above:below].min(), ends[above:below].max() + 2 * radius
                for k in range(_MOMENTS):
                    _across(moments[k, low:high], columns[k, low:], side)
                fit = fits[at % side]
                for i in range(low, high):
                    x = left - radius + i
                    if 0 <= x < width:
                        _solve(moments, i, 1.0 / ((below - above) * _inside(x, radius, width)), ridge, fit)
                    else:
                        fit[0, i], fit[1, i], fit[2, i], fit[3, i] = 0.0, 0.0, 0.0, 0.0
            solved = last
            first, end = firsts[y], ends[y]
            fallen[:, first : end + 2 * radius] = 0.0
            for at in range(max(0, y - radius), last + 1):
                for k in range(4):
                    part = slice(first, end + 2 * radius)
                    _add(fallen[k, part], fits[at % side, k, part], 1.0)
            for k in range(4):
                _across(means[k, first:end], fallen[k, first:], side)
            rows = _inside(y, radius, height)
            for i in range(first, end):
                n = slot[y, left + i]
                if n >= 0:
                    share = 1.0 / (rows * _inside(left + i, radius, width))
                    for k in range(4):
                        values[n, k] = share * means[k, i]
    return values
