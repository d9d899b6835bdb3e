"""Guided filtering of a sampled alpha: alpha as a local linear function of colour, weighted by confidence.

He, Sun & Tang, "Guided Image Filtering" (2010), eq. 14 to 16 with a colour guide; He & Sun, "Fast Guided
Filter" (2015) for fitting at a smaller size. The fit is weighted by the sampling's confidence, so that pixels
which no pair explains do not pull their neighbours.
"""

# numba types a kernel by its call; annotations on kernels would say it twice.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg"

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numba
import numpy as np

from dim_model import windows
from dim_model.arrays import Floats, Mask

RIDGE = 1e-4
"""Added to the variance of the colours, 0..1: below it a window counts as flat."""


def grown(mask: Mask, by: int) -> Mask:
    """``mask``, bool [H, W], and all pixels within ``by`` of it, in a square."""
    side = 2 * by + 1
    return cv2.dilate(mask.view(np.uint8), np.ones((side, side), np.uint8)).view(np.bool_)


@numba.njit(nogil=True, cache=True, fastmath=True)
def applied(rgb, lines, pixels):
    """k·rgb + d at flat pixel indices, clipped to 0..1, float32 [N, L], by each of L lines (k, d) of a place,
    float32 [h, w, L, 4], which are read bilinearly where they are of a smaller size than the frame.
    """
    height, width, count = lines.shape[:3]
    scale_y, scale_x = rgb.shape[0] / height, rgb.shape[1] / width
    out = np.empty((pixels.size, count), np.float32)
    for i in range(pixels.size):
        y, x = pixels[i] // rgb.shape[1], pixels[i] % rgb.shape[1]
        v = min(max((y + 0.5) / scale_y - 0.5, 0.0), height - 1.0)
        u = min(max((x + 0.5) / scale_x - 0.5, 0.0), width - 1.0)
        y0, x0 = int(v), int(u)
        fy, fx = v - y0, u - x0
        # A neighbour that has no weight may be undefined, so it is not read.
        y1, x1 = y0 + (fy > 0), x0 + (fx > 0)
        for line in range(count):
            total = 0.0
            for k in range(4):
                upper = lines[y0, x0, line, k] * (1 - fx) + lines[y0, x1, line, k] * fx
                lower = lines[y1, x0, line, k] * (1 - fx) + lines[y1, x1, line, k] * fx
                coefficient = upper * (1 - fy) + lower * fy
                total += coefficient * (rgb[y, x, k] if k < 3 else 1.0)
            out[i, line] = min(max(total, 0.0), 1.0)
    return out


def lines(guide: Floats, alpha: Floats, weight: Floats, wanted: Mask, radius: int, ridge: float) -> Floats:
    """alpha ≈ k·guide + d at each wanted pixel, the mean of all windows that hold it: float32 [H, W, 4] of
    (k, d), undefined elsewhere.

    guide: float32 [H, W, 3], 0..1; alpha, weight (positive): float32 [H, W]; wanted: bool [H, W].
    """
    near = grown(wanted, radius)
    fits = windows.fit_lines(guide, alpha, weight, near, radius, ridge)
    averaged: Floats = windows.means(fits, np.where(near, weight, np.float32(0)), wanted, radius)
    return averaged


def smooth(
    rgb: Floats, alpha: Floats, weight: Floats, unknown: Mask, radii: Sequence[int], scale: int = 1
) -> Floats:
    """The guided alpha of each unknown pixel in the order of ``flatnonzero``, by windows of each radius:
    float32 [N, len(radii)], 0..1.

    rgb: float32 [H, W, 3], 0..1; alpha, weight (positive): float32 [H, W]; unknown: bool [H, W], with at
    least one True. radii: pixels of the frame. scale: lines are fitted at so many times less than the frame's
    size, and read at full size; a radius of less than two of it is one pixel there.
    """
    pixels, guide = np.flatnonzero(unknown), rgb
    if scale > 1:
        size = (max(1, alpha.shape[1] // scale), max(1, alpha.shape[0] // scale))
        guide, alpha, weight, some = (
            np.asarray(cv2.resize(x, size, interpolation=cv2.INTER_AREA), np.float32)
            for x in (rgb, alpha, weight, unknown.astype(np.float32))
        )
        # A cell more than those with an unknown pixel: what the bilinear reading may touch.
        unknown = grown(some > 0, 1)
    fits = [lines(guide, alpha, weight, unknown, max(1, radius // scale), RIDGE) for radius in radii]
    return np.asarray(applied(rgb, np.stack(fits, 2), pixels), np.float32)
