"""Guided filtering of a sampled alpha: alpha as a local linear function of colour, weighted by confidence.

He, Sun & Tang, "Guided Image Filtering" (2010), eq. 14 to 16 with a colour guide; He & Sun, "Fast Guided
Filter" (2015) for fitting at a smaller size. The fit is weighted by the sampling's confidence, so that pixels
which no pair explains do not pull their neighbours.
"""

# numba types a kernel by its call; annotations on kernels would say it twice.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg"

from __future__ import annotations

import cv2
import numba
import numpy as np

from dim_model import windows
from dim_model.arrays import Floats, Mask
from dim_model.numbered import read

RIDGE = 1e-4
"""Added to the variance of the colours, 0..1: below it a window counts as flat."""

_BESIDE = 1e-6
"""Of a line's place: nearer to it, a pixel is at it."""


def grown(mask: Mask, by: int) -> Mask:
    """``mask``, bool [H, W], and all pixels within ``by`` of it, in a square."""
    side = 2 * by + 1
    return cv2.dilate(mask.view(np.uint8), np.ones((side, side), np.uint8)).view(np.bool_)


@numba.njit(nogil=True, cache=True, fastmath=True)
def applied(rgb, lines, pixels, tall, wide, out, columns):
    """Write k·rgb + d of colours [N, 3], clipped to 0..1, by each of L lines (k, d) of a place, float32
    [h, w, L, 4], into columns [L] of ``out``, float32 [N, …]. Lines are read bilinearly where they are
    smaller than the frame, which is ``tall`` and ``wide``. pixels: the colours' places in it, flat indices in
    order.
    """
    height, width, count = lines.shape[:3]
    scale_y, scale_x = height / tall, width / wide
    y, first = 0, 0
    zero, one = np.float32(0), np.float32(1)
    for i in range(pixels.size):
        while pixels[i] >= first + wide:  # a division would cost as much as a line
            y, first = y + 1, first + wide
        x = pixels[i] - first
        v = min(max((y + 0.5) * scale_y - 0.5, 0.0), height - 1.0)
        u = min(max((x + 0.5) * scale_x - 0.5, 0.0), width - 1.0)
        # Lines as large as the frame are met but for rounding: fast division multiplies by a reciprocal.
        y0, x0 = int(v + _BESIDE), int(u + _BESIDE)
        fy, fx = np.float32(v - y0), np.float32(u - x0)
        # A neighbour that has no weight may be undefined, so it is not read.
        y1, x1 = y0 + (fy > _BESIDE), x0 + (fx > _BESIDE)
        upper, lower = one - fy, fy
        c00, c01, c10, c11 = upper * (one - fx), upper * fx, lower * (one - fx), lower * fx
        r, g, b = rgb[i, 0], rgb[i, 1], rgb[i, 2]
        for line in range(count):
            p, q = lines[y0, x0, line], lines[y0, x1, line]
            s, t = lines[y1, x0, line], lines[y1, x1, line]
            total = c00 * p[3] + c01 * q[3] + c10 * s[3] + c11 * t[3]
            total += (c00 * p[0] + c01 * q[0] + c10 * s[0] + c11 * t[0]) * r
            total += (c00 * p[1] + c01 * q[1] + c10 * s[1] + c11 * t[1]) * g
            total += (c00 * p[2] + c01 * q[2] + c10 * s[2] + c11 * t[2]) * b
            out[i, columns[line]] = min(max(total, zero), one)


def lines(
    guide: Floats, alpha: Floats, weight: Floats, wanted: Mask, radius: int, ridge: float,
    out: Floats, place: int = 0,
) -> None:
    """alpha ≈ k·guide + d at each wanted pixel, the mean of all windows that hold it, written into ``out``,
    float32 [H, W, L, 4] of (k, d), at ``place`` of L.

    guide: float32 [H, W, 3], 0..1; alpha, weight (positive): float32 [H, W]; wanted: bool [H, W].
    """  # fmt: skip
    near = grown(wanted, radius)
    fits = windows.fit_lines(guide, alpha, weight, near, radius, ridge)
    windows.means(fits, np.where(near, weight, np.float32(0)), wanted, radius, out, place)


def smooth(rgb: Floats, alpha: Floats, weight: Floats, unknown: Mask, radius: int) -> Floats:
    """The guided alpha of each unknown pixel in the order of ``flatnonzero``: float32 [N], 0..1.

    rgb: float32 [H, W, 3], 0..1; alpha, weight (positive): float32 [H, W]; unknown: bool [H, W]; radius:
    pixels.
    """
    fits = np.empty((*unknown.shape, 1, 4), np.float32)
    lines(rgb, alpha, weight, unknown, radius, RIDGE, fits)
    pixels = np.flatnonzero(unknown)
    colours = read(np.ascontiguousarray(rgb), pixels, unknown.shape[1])
    out = np.empty((pixels.size, 1), np.float32)
    applied(colours, fits, pixels, *unknown.shape, out, np.zeros(1, np.int64))
    return out[:, 0]
