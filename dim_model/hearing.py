"""What a neighbouring frame says of an unknown pixel, brought along the motion: see ``temporal``.

All kernels release the GIL; parts of a frame are heard side by side.
"""

# numba types a kernel by its call; annotations on kernels would say it twice.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg"

from __future__ import annotations

import numba
import numpy as np

_SAME = 0.02
"""Root mean square difference of colour, display-referred, over which a neighbour's mixture is another's: 1/e
at it. Noise of a good camera and an interpolation stay below.
"""
_LIKE = 0.1
"""The same, from which not even the neighbour's line holds."""
_NOTHING = 1e-4
"""Weight of a neighbour from which it is not heard."""


@numba.njit(nogil=True, cache=True, inline="always")
def _between(at, length):
    """The two positions around ``at``, float32, within 0 … length - 1, and the share of the second."""
    inside = min(max(at, np.float32(0)), np.float32(length - 1))
    # Without a sign: of an index that might be negative numba asks whether it is meant from the end.
    first = np.uintp(inside)
    return first, min(first + np.uintp(1), np.uintp(length - 1)), inside - np.float32(first)


@numba.njit(nogil=True, cache=True, fastmath=True, inline="always")
def _bell(exponent):
    """The exponential of what is not positive, nearly, and exactly 0 below -8: a quarter of its time."""
    base = max(np.float32(0), np.float32(1) + np.float32(0.125) * exponent)
    base *= base
    base *= base
    return base * base


@numba.njit(nogil=True, cache=True, fastmath=True)
def own_lines(pixels, rgb, slot, lines):
    """What the frame's own line says of each of ``pixels``, float32 [N]."""
    width = rgb.shape[1]
    out = np.empty(pixels.size, np.float32)
    y, first = 0, 0
    for n in range(pixels.size):
        while pixels[n] >= first + width:
            y, first = y + 1, first + width
        x = pixels[n] - first
        row = slot[y // 2, x // 2]
        out[n] = lines[row, 3]
        for k in range(3):
            out[n] += lines[row, k] * rgb[y, x, k]
    return out


@numba.njit(nogil=True, cache=True, fastmath=True)
def hear(change, weight, pixels, rgb, alpha, own, rgb2, alpha2, slot2, lines2, back, trust):
    """Add to ``change`` and ``weight`` [N] what one neighbour says of each of ``pixels``, which are in order.

    Without 2: of the frame itself; with 2: of its neighbour. own: [N], what the frame's own lines say. back,
    trust: flow to the neighbour, [h, w, 2] and [h, w], of a size of their own.
    """
    height, width = alpha.shape
    tall, wide = trust.shape
    # A double among these, and all that is read is made one: a third of the time.
    one, half, third = np.float32(1), np.float32(0.5), np.float32(1 / 3)
    strange, unlike = np.float32(-1 / _LIKE**2), np.float32(-1 / _SAME**2)
    scale_y, scale_x = np.float32(height / tall), np.float32(width / wide)
    down, right = np.float32(tall / height), np.float32(wide / width)
    nowhere = np.uintp(wide)
    y, first, held = 0, 0, nowhere
    v0, v1, fv = _between(half * down - half, tall)
    sure0 = sure1 = dx0 = dx1 = dy0 = dy1 = np.float32(0)
    for n in range(pixels.size):
        while pixels[n] >= first + width:  # a division would cost as much as all that is read here
            y, first, held = y + 1, first + width, nowhere
            v0, v1, fv = _between((np.float32(y) + half) * down - half, tall)
        x = pixels[n] - first
        u0, u1, fu = _between((np.float32(x) + half) * right - half, wide)
        if u0 != held:  # flow is coarser than the frame: most pixels lie between the columns of the last
            held, above = u0, one - fv
            sure0 = above * trust[v0, u0] + fv * trust[v1, u0]
            sure1 = above * trust[v0, u1] + fv * trust[v1, u1]
            dx0 = above * back[v0, u0, 0] + fv * back[v1, u0, 0]
            dx1 = above * back[v0, u1, 0] + fv * back[v1, u1, 0]
            dy0 = above * back[v0, u0, 1] + fv * back[v1, u0, 1]
            dy1 = above * back[v0, u1, 1] + fv * back[v1, u1, 1]
        sure = sure0 + fu * (sure1 - sure0)
        if sure < _NOTHING:
            continue
        dx, dy = dx0 + fu * (dx1 - dx0), dy0 + fu * (dy1 - dy0)
        to_y, to_x = np.float32(y) + dy * scale_y, np.float32(x) + dx * scale_x
        if to_y < -half or to_x < -half or to_y > height - half or to_x > width - half:
            continue
        y0, y1, fy = _between(to_y, height)
        x0, x1, fx = _between(to_x, width)
        d00, d01, d10, d11 = (one - fy) * (one - fx), (one - fy) * fx, fy * (one - fx), fy * fx
        away = np.float32(0)
        for k in range(3):
            seen = d00 * rgb2[y0, x0, k] + d01 * rgb2[y0, x1, k] + d10 * rgb2[y1, x0, k]
            apart = seen + d11 * rgb2[y1, x1, k] - rgb[y, x, k]
            away += apart * apart
        away *= third
        w = sure * _bell(strange * away)
        if w < _NOTHING:
            continue
        same = _bell(unlike * away)
        r, g, b = rgb[y, x, 0], rgb[y, x, 1], rgb[y, x, 2]
        there = d00 * alpha2[y0, x0] + d01 * alpha2[y0, x1] + d10 * alpha2[y1, x0] + d11 * alpha2[y1, x1]
        # Lines change slowly: the nearest is as good as a mixture of four.
        j, i = (y1 if fy > half else y0), (x1 if fx > half else x0)
        row = slot2[j // 2, i // 2]
        line = alpha2[j, i]
        if row >= 0:
            line = lines2[row, 0] * r + lines2[row, 1] * g + lines2[row, 2] * b + lines2[row, 3]
        change[n] += w * (same * (there - alpha[y, x]) + (one - same) * (line - own[n]))
        weight[n] += w
