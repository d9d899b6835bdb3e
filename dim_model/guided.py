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
from dim_model.numbered import positions, read

RIDGE = 1e-4
"""Added to the variance of the colours, 0..1: below it a window counts as flat."""

_BESIDE = 1e-6
"""Of a line's place: nearer to it, a pixel is at it."""


def grown(mask: Mask, by: int) -> Mask:
    """``mask``, bool [H, W], and all pixels within ``by`` of it, in a square."""
    side = 2 * by + 1
    return cv2.dilate(mask.view(np.uint8), np.ones((side, side), np.uint8)).view(np.bool_)


@numba.njit(nogil=True, cache=True, fastmath=True, inline="always")
def _between(at, scale, length):
    """Where a pixel of the frame lies among places: the one before it, the one behind it, and how far it is
    from the first to the second, float32.
    """
    inside = min(max((at + 0.5) * scale - 0.5, 0.0), length - 1.0)
    # Places as many as pixels are met but for rounding: fast division multiplies by a reciprocal.
    before = np.uintp(inside + _BESIDE)
    share = np.float32(inside - np.float64(before))
    # A neighbour that has no weight may be undefined, so it is not read.
    return before, before + np.uintp(share > _BESIDE), share


@numba.njit(nogil=True, cache=True, fastmath=True, inline="always")
def _of_column(lines, y0, y1, share, x, out):
    """The lines of a column between two rows, [L, 4]."""
    for line in range(np.uintp(out.shape[0])):
        for k in range(np.uintp(4)):
            above, below = lines[y0, x, line, k], lines[y1, x, line, k]
            out[line, k] = above + share * (below - above)


@numba.njit(nogil=True, cache=True, fastmath=True)
def applied(rgb, lines, pixels, tall, wide, out, columns):
    """Write k·rgb + d of colours [N, 3], clipped to 0..1, by each of L lines (k, d) of a place, float32
    [h, w, L, 4], into columns [L] of ``out``, float32 [N, …]. Lines are read bilinearly where they are
    smaller than the frame, which is ``tall`` and ``wide``. pixels: the colours' places in it, flat indices in
    order.
    """
    height, width, count = lines.shape[:3]
    scale_y, scale_x = height / tall, width / wide
    zero, one, nowhere = np.float32(0), np.float32(1), np.uintp(width)
    left, right = np.empty((count, 4), np.float32), np.empty((count, 4), np.float32)
    y, first = 0, 0
    y0, y1, fy = _between(y, scale_y, height)
    held = beside = nowhere
    for i in range(np.uintp(pixels.size)):
        while pixels[i] >= first + wide:  # a division would cost as much as a line
            y, first, held, beside = y + 1, first + wide, nowhere, nowhere
            y0, y1, fy = _between(y, scale_y, height)
        x0, x1, fx = _between(pixels[i] - first, scale_x, width)
        # Lines are fewer than pixels: most pixels lie between the columns of the last.
        if x0 != held:
            held = x0
            _of_column(lines, y0, y1, fy, x0, left)
        if x1 != beside:
            beside = x1
            _of_column(lines, y0, y1, fy, x1, right)
        r, g, b = rgb[i, 0], rgb[i, 1], rgb[i, 2]
        for line in range(np.uintp(count)):
            here = left[line, 0] * r + left[line, 1] * g + left[line, 2] * b + left[line, 3]
            there = right[line, 0] * r + right[line, 1] * g + right[line, 2] * b + right[line, 3]
            out[i, np.uintp(columns[line])] = min(max(here + fx * (there - here), zero), one)


def lines(
    guide: Floats,
    alphas: Floats,
    weight: Floats,
    wanted: Mask,
    radius: int,
    ridge: float,
    out: Floats,
    place: int = 0,
    apart: int = 1,
) -> None:
    """alpha ≈ k·guide + d at each wanted pixel, the mean of the windows that hold it, for each of A alphas,
    written into ``out``, float32 [H, W, L, 4] of (k, d), C-contiguous, from ``place`` of L on.

    guide: float32 [H, W, 3], 0..1; alphas: float32 [H, W, A]; weight (positive): float32 [H, W]; wanted: bool
    [H, W]; apart: rows and columns from the middle of one window to the next, at most ``radius``: wide ones
    beside each other say nearly the same.
    """  # fmt: skip
    near = np.zeros_like(wanted)
    near[::apart, ::apart] = grown(wanted, radius)[::apart, ::apart]
    fits = windows.fit_lines(guide, alphas, weight, near, radius, ridge)
    flat = (*wanted.shape, -1)
    heard = np.where(near, weight, np.float32(0))
    windows.means(fits.reshape(flat), heard, wanted, radius, out.reshape(flat), 4 * place)


def smooth(rgb: Floats, alpha: Floats, weight: Floats, unknown: Mask, radius: int) -> Floats:
    """The guided alpha of each unknown pixel in order: float32 [N], 0..1.

    rgb: float32 [H, W, 3], 0..1; alpha, weight (positive): float32 [H, W]; unknown: bool [H, W]; radius:
    pixels.
    """
    fits = np.empty((*unknown.shape, 1, 4), np.float32)
    lines(rgb, alpha[..., None], weight, unknown, radius, RIDGE, fits)
    pixels = positions(unknown)
    colours = read(np.ascontiguousarray(rgb), pixels, unknown.shape[1])
    out = np.empty((pixels.size, 1), np.float32)
    applied(colours, fits, pixels, *unknown.shape, out, np.zeros(1, np.int64))
    return out[:, 0]
