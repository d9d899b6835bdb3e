"""Strokes of any width, antialiased and laid one over the other: what hair, leaves and wire are drawn with.

OpenCV draws no line thinner than a pixel and antialiases none on floats. Here a stroke covers of a pixel what
a box a pixel wide sees of it, so that one of a fifth of a pixel leaves a fifth of its colour.
"""

# numba types a kernel by its call; annotations on kernels would say it twice.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg"

from __future__ import annotations

import math

import numba


@numba.njit(fastmath=True, nogil=True, cache=True)
def stroke_kernel(paint, cover, part, touched, points, width, colour):
    """Lay strokes over ``paint``, in order.

    paint: float32 [H, W, 4], premultiplied, changed in place. cover, part: float32 [H, W], zero before and
    after. touched: int32 [H * W]. points: float32 [S, P, 2], x then y, pixel centres at integers. width:
    float32 [S, P], pixels. colour: float32 [S, P, 3].
    """
    rows, columns = cover.shape
    for s in range(points.shape[0]):
        count = 0
        for k in range(points.shape[1] - 1):
            ax, ay = points[s, k]
            dx, dy = points[s, k + 1, 0] - ax, points[s, k + 1, 1] - ay
            square = max(dx * dx + dy * dy, 1e-6)
            reach = 0.5 * max(width[s, k], width[s, k + 1]) + 0.5
            first = max(0, math.ceil(min(ay, ay + dy) - reach))
            last = min(rows - 1, math.floor(max(ay, ay + dy) + reach))
            for y in range(first, last + 1):
                start, end = 0.0, 1.0  # the piece of the segment that can reach this row
                if abs(dy) > 1e-3:
                    one, two = (y - reach - ay) / dy, (y + reach - ay) / dy
                    start, end = max(0.0, min(one, two)), min(1.0, max(one, two))
                low, high = ax + start * dx, ax + end * dx
                left = max(0, math.ceil(min(low, high) - reach))
                right = min(columns - 1, math.floor(max(low, high) + reach))
                for x in range(left, right + 1):
                    t = min(1.0, max(0.0, ((x - ax) * dx + (y - ay) * dy) / square))
                    across, along = x - ax - t * dx, y - ay - t * dy
                    w = width[s, k] + t * (width[s, k + 1] - width[s, k])
                    c = min(0.5 + 0.5 * w - math.sqrt(across * across + along * along), min(w, 1.0))
                    if c > cover[y, x]:
                        if cover[y, x] == 0.0:
                            touched[count] = y * columns + x
                            count += 1
                        cover[y, x] = c
                        part[y, x] = k + t
        for n in range(count):
            y, x = touched[n] // columns, touched[n] % columns
            c, k = cover[y, x], min(int(part[y, x]), points.shape[1] - 2)
            f = part[y, x] - k
            for channel in range(3):
                shade = colour[s, k, channel] * (1 - f) + colour[s, k + 1, channel] * f
                paint[y, x, channel] = paint[y, x, channel] * (1 - c) + c * shade
            paint[y, x, 3] = paint[y, x, 3] * (1 - c) + c
            cover[y, x] = 0.0
            part[y, x] = 0.0


@numba.njit(fastmath=True, nogil=True, cache=True)
def film_kernel(paint, cover, colour):
    """Lay a film over ``paint``: cover float32 [H, W], colour float32 [H, W, 3], straight."""
    for y in range(cover.shape[0]):
        for x in range(cover.shape[1]):
            c = cover[y, x]
            if c > 0.0:
                for channel in range(3):
                    paint[y, x, channel] = paint[y, x, channel] * (1 - c) + c * colour[y, x, channel]
                paint[y, x, 3] = paint[y, x, 3] * (1 - c) + c
