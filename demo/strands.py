"""Drawing of hair: tapering strands laid over a canvas one by one, coverage and colour together.

OpenCV's antialiased lines are 8-bit and have one colour and one width; a strand changes both along its
length, and a demo that measures alpha to a thousandth needs a canvas of floats.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from dim_model.arrays import Floats


@numba.njit(fastmath=True, nogil=True, cache=True)
def _piece(canvas, start, end, cut, next_cut, w0, w1, colour0, colour1):  # type: ignore[no-untyped-def]
    """Lay one straight piece over the canvas. `cut` and `next_cut` are the directions that the strand has at
    the piece's ends: it is mitred across them, so that pieces meet without a gap and without overlapping."""
    x0, y0 = start[0], start[1]
    x1, y1 = end[0], end[1]
    dx, dy = x1 - x0, y1 - y0
    squared = dx * dx + dy * dy
    if squared < 1e-6:
        return
    reach = max(w0, w1, 1.0) * 0.5 + 0.5
    left = max(0, math.floor(min(x0, x1) - reach))
    right = min(canvas.shape[1] - 1, math.ceil(max(x0, x1) + reach))
    top = max(0, math.floor(min(y0, y1) - reach))
    bottom = min(canvas.shape[0] - 1, math.ceil(max(y0, y1) + reach))
    length = math.sqrt(squared)
    for y in range(top, bottom + 1):
        for x in range(left, right + 1):
            px, py = x - x0, y - y0
            if px * cut[0] + py * cut[1] < 0.0 or (x - x1) * next_cut[0] + (y - y1) * next_cut[1] >= 0.0:
                continue
            t = min(max((px * dx + py * dy) / squared, 0.0), 1.0)
            width = w0 + (w1 - w0) * t
            # What is thinner than a pixel covers a share of it.
            drawn = max(width, 1.0)
            cover = min(1.0, drawn * 0.5 + 0.5 - abs(px * dy - py * dx) / length)
            if cover <= 0.0:
                continue
            cover *= width / drawn
            for c in range(3):
                value = colour0[c] + (colour1[c] - colour0[c]) * t
                canvas[y, x, c] += cover * (value - canvas[y, x, c])
            canvas[y, x, 3] += cover * (1.0 - canvas[y, x, 3])


@numba.njit(fastmath=True, nogil=True, cache=True)
def _draw(canvas, points, cuts, widths, colours):  # type: ignore[no-untyped-def]
    for s in range(points.shape[0]):
        for k in range(points.shape[1] - 1):
            _piece(
                canvas, points[s, k], points[s, k + 1], cuts[s, k], cuts[s, k + 1],
                widths[s, k], widths[s, k + 1], colours[s, k], colours[s, k + 1],
            )  # fmt: skip


def draw(canvas: Floats, points: Floats, widths: Floats, colours: Floats) -> None:
    """Lay strands over `canvas` in their order, in place (Porter & Duff 1984, "over").

    canvas: float32 [H, W, 4], premultiplied, linear. points: float32 [S, K, 2], x then y, canvas pixels.
    widths: float32 [S, K], canvas pixels. colours: float32 [S, K, 3], straight, linear.
    """
    ways = np.diff(points, axis=1)
    ways /= np.maximum(np.linalg.norm(ways, axis=-1, keepdims=True), np.float32(1e-6))
    cuts = np.concatenate([ways[:, :1], ways[:, :-1] + ways[:, 1:], ways[:, -1:]], 1)
    _draw(canvas, points, cuts, widths, colours)
