"""Weighted means over square windows, only where they are asked for.

A frame's unknown region is a thin band, and filtering whole frames for its sake would cost more than the
network does. These kernels keep one running sum for each column of a strip and slide it down the rows that
hold wanted pixels, so the work follows the wanted area and the memory is a strip's. Sums are float64: a
running sum in float32 would drift by more than the guided filter's ridge over a tall frame. At the frame's
edge a window is what lies inside.

All kernels release the GIL; frames are worked on side by side.
"""

# numba types a kernel by its call; annotations on kernels would say it twice.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg"

from __future__ import annotations

import numba
import numpy as np

from dim_model.symmetric import cofactors

_STRIP = 32
"""Columns to a strip. All of a strip is summed where any of it is wanted, so thin bands ask for narrow ones;
too narrow, and their margins, ``radius`` on either side, count for more than they do.
"""


_COLOURS = 10
"""Moments of the weights and colours of a window, which all alphas share; each has four of its own."""


@numba.njit(nogil=True, cache=True, inline="always")
def _wanted_in_row(wanted, y, first, last):
    return wanted[y, first:last].any()


@numba.njit(nogil=True, cache=True, fastmath=True)
def _add_moments(columns, rgb, alphas, weight, y, low, high, sign):
    for x in range(low, high):
        w = sign * weight[y, x]
        r, g, b = rgb[y, x, 0], rgb[y, x, 1], rgb[y, x, 2]
        c = columns[x - low]
        c[0] += w
        c[1] += w * r
        c[2] += w * g
        c[3] += w * b
        c[4] += w * r * r
        c[5] += w * r * g
        c[6] += w * r * b
        c[7] += w * g * g
        c[8] += w * g * b
        c[9] += w * b * b
        for n in range(alphas.shape[2]):
            k, a = _COLOURS + 4 * n, w * alphas[y, x, n]
            c[k] += a
            c[k + 1] += a * r
            c[k + 2] += a * g
            c[k + 3] += a * b


@numba.njit(nogil=True, cache=True, fastmath=True, inline="always")
def _solve(m, ridge, out):
    """Slopes and offset of the weighted least squares of each alpha on colour, [A, 4]."""
    w = m[0]
    r, g, b = m[1] / w, m[2] / w, m[3] / w
    s00, s01, s02 = m[4] / w - r * r + ridge, m[5] / w - r * g, m[6] / w - r * b
    s11, s12, s22 = m[7] / w - g * g + ridge, m[8] / w - g * b, m[9] / w - b * b + ridge
    c00, c01, c02, c11, c12, c22, determinant = cofactors(s00, s01, s02, s11, s12, s22)
    for n in range(out.shape[0]):
        k = _COLOURS + 4 * n
        a = m[k] / w
        v0, v1, v2 = m[k + 1] / w - r * a, m[k + 2] / w - g * a, m[k + 3] / w - b * a
        k0 = (c00 * v0 + c01 * v1 + c02 * v2) / determinant
        k1 = (c01 * v0 + c11 * v1 + c12 * v2) / determinant
        k2 = (c02 * v0 + c12 * v1 + c22 * v2) / determinant
        out[n, 0], out[n, 1], out[n, 2], out[n, 3] = k0, k1, k2, a - k0 * r - k1 * g - k2 * b


@numba.njit(nogil=True, cache=True, fastmath=True)
def fit_lines(rgb, alphas, weight, wanted, radius, ridge):
    """alpha ≈ k·rgb + d around each wanted pixel, for each of A alphas: float32 [H, W, A, 4] of (k, d),
    undefined elsewhere.

    rgb: float32 [H, W, 3]; alphas: float32 [H, W, A]; weight (positive): float32 [H, W]; wanted: bool [H, W].
    """
    height, width, count = alphas.shape
    moments = _COLOURS + 4 * count
    out = np.empty((height, width, count, 4), np.float32)
    columns, total = np.empty((_STRIP + 2 * radius, moments)), np.empty(moments)
    for first in range(0, width, _STRIP):
        last = min(first + _STRIP, width)
        low, high = max(0, first - radius), min(width, last + radius)
        top, bottom = 0, 0
        for y in range(height):
            if not _wanted_in_row(wanted, y, first, last):
                continue
            above, below = max(0, y - radius), min(height, y + radius + 1)
            if above >= bottom:
                columns[:] = 0.0
                top, bottom = above, above
            for row in range(top, above):
                _add_moments(columns, rgb, alphas, weight, row, low, high, -1.0)
            for row in range(bottom, below):
                _add_moments(columns, rgb, alphas, weight, row, low, high, 1.0)
            top, bottom = above, below
            total[:] = 0.0
            left, right = low, low
            for x in range(first, last):
                while right < min(width, x + radius + 1):
                    total += columns[right - low]
                    right += 1
                while left < x - radius:
                    total -= columns[left - low]
                    left += 1
                if wanted[y, x]:
                    _solve(total, ridge, out[y, x])
    return out


@numba.njit(nogil=True, cache=True, fastmath=True)
def _add_weighted(columns, values, weight, y, low, high, sign):
    for x in range(low, high):
        w = sign * weight[y, x]
        if w != 0.0:
            for k in range(values.shape[2]):
                columns[x - low, k] += w * values[y, x, k]
            columns[x - low, values.shape[2]] += w


@numba.njit(nogil=True, cache=True, fastmath=True)
def means(values, weight, wanted, radius, out, place):
    """Write the weighted mean of ``values``, float32 [H, W, K], around each wanted pixel into ``out``,
    float32 [H, W, L], from ``place`` of L on.

    A value whose weight is 0 is not read, so it may be undefined. weight: float32 [H, W], not negative, with
    a positive one in every window; wanted: bool [H, W].
    """
    height, width, count = values.shape
    columns, total = np.empty((_STRIP + 2 * radius, count + 1)), np.empty(count + 1)
    for first in range(0, width, _STRIP):
        last = min(first + _STRIP, width)
        low, high = max(0, first - radius), min(width, last + radius)
        top, bottom = 0, 0
        for y in range(height):
            if not _wanted_in_row(wanted, y, first, last):
                continue
            above, below = max(0, y - radius), min(height, y + radius + 1)
            if above >= bottom:
                columns[:] = 0.0
                top, bottom = above, above
            for row in range(top, above):
                _add_weighted(columns, values, weight, row, low, high, -1.0)
            for row in range(bottom, below):
                _add_weighted(columns, values, weight, row, low, high, 1.0)
            top, bottom = above, below
            total[:] = 0.0
            left, right = low, low
            for x in range(first, last):
                while right < min(width, x + radius + 1):
                    total += columns[right - low]
                    right += 1
                while left < x - radius:
                    total -= columns[left - low]
                    left += 1
                if wanted[y, x]:
                    for k in range(count):
                        out[y, x, place + k] = total[k] / total[count]
