"""The two colours of every mixed pixel, solved from coarse to fine and only where pixels are mixed.

The energy is that of Germer, Uelwer, Conrad & Harmeling, "Fast Multi-Level Foreground Estimation" (ICPR
2020), eq. 4: aF + (1 - a)B is to be the plate, and neighbours are to have like colours, the more so where
alpha changes. What differs from their algorithm, because it measured better or cost less
(docs/experiments.md):

- Unknown is only what is mixed. An opaque pixel's F and a clear one's B are the plate and stay so; a colour
  that is not there (F where alpha is 0) binds nobody. So the work follows the mixed pixels, not the frame.
- A coarser level takes every second pixel of the finer, so its cells are a subset and need no averaging. A
  cell begins with the colours of its parent, or, where that shows none of them, of the parent's parent.
- Neighbours are bound less tightly: a handful of sweeps then comes as near as it can.

All kernels release the GIL; frames are worked on side by side.
"""

# numba types a kernel by its call; annotations on kernels would say it twice.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg"

from __future__ import annotations

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from dim_model.arrays import Mask
from dim_model.morphology import in_blocks
from dim_model.numbered import positions

_BOND = np.float32(0.05)
"""How tightly a full step of alpha binds two neighbours' colours (theirs: 1), beside the plate's 1."""

_LOOSE = np.float32(1e-3)
"""The same where alpha does not change at all."""

_STAY = np.float32(1e-6)
"""How tightly a cell is bound to what it was: so that one that says nothing of a colour leaves it alone."""

_SWEEPS = 2
_COARSE_SWEEPS = 10
_COARSE = 256
"""Pixels: a level whose longer side is at most so long costs next to nothing, and gets more sweeps."""

_SAMPLE = 8
"""Every so many rows and columns are looked at for the mean colours, and for the range of the frame."""

_DEEPEST = 32
"""Levels at most: a frame of 2^32 lines."""

_TRACE = 1e-5
"""Weight of a pixel in the mean of the colour that it does not show: so that there always is one."""


@numba.njit(nogil=True, cache=True)
def _cells(pixels, width):
    """Row and column of pixels by their flat indices, in order: int32 [N, 2]."""
    cells = np.empty((pixels.size, 2), np.int32)
    y, first = 0, 0
    for k in range(pixels.size):
        while pixels[k] >= first + width:
            y, first = y + 1, first + width
        cells[k, 0], cells[k, 1] = y, pixels[k] - first
    return cells


def looked_at(mixed: Mask) -> NDArray[np.intp]:
    """Which pixels of the flattened frame ``unmixed`` reads the colours of, or a few more. mixed: bool [H,
    W].

    A level takes every second pixel of the finer, and looks from a mixed one to its neighbours and ancestors:
    no farther than a step of its own, or, for these, of the next. What is coarser than the third is a
    sixty-fourth of the frame, and is looked at whole, as is every ``_SAMPLE``th pixel.
    """
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    seen = np.asarray(cv2.dilate(mixed.view(np.uint8), cross), np.uint8)
    coarse = mixed
    for step in (2, 4):
        # Sought among blocks of its size, a step of the level costs as much as there are pixels in it.
        coarse = in_blocks(coarse)
        near = np.asarray(cv2.dilate(coarse.view(np.uint8), np.ones((3, 3), np.uint8)), np.uint8)
        some = seen[::step, ::step]
        np.maximum(some, near[: some.shape[0], : some.shape[1]], out=some)
    seen[::_SAMPLE, ::_SAMPLE] = 1
    return positions(seen.view(np.bool_))


@numba.njit(nogil=True, cache=True)
def _coarser(cells):
    """Of these cells those that the next level has, where they lie in it."""
    count = 0
    for k in range(len(cells)):
        count += (cells[k, 0] | cells[k, 1]) & 1 == 0
    kept = np.empty((count, 2), np.int32)
    n = 0
    for k in range(len(cells)):
        if (cells[k, 0] | cells[k, 1]) & 1 == 0:
            kept[n, 0], kept[n, 1] = cells[k, 0] >> 1, cells[k, 1] >> 1
            n += 1
    return kept


@numba.njit(nogil=True, cache=True)
def _overview(rgb, alpha, cells):
    """Mean F and B of the frame, float64 [6], and the least and greatest value that was looked at."""
    height, width = alpha.shape
    low, high = rgb[0, 0, 0], rgb[0, 0, 0]
    total, mean = np.zeros(2), np.zeros(6)
    for y in range(0, height, _SAMPLE):
        for x in range(0, width, _SAMPLE):
            f, b = alpha[y, x] + _TRACE, 1 - alpha[y, x] + _TRACE
            total[0] += f
            total[1] += b
            for c in range(3):
                value = rgb[y, x, c]
                low, high = min(low, value), max(high, value)
                mean[c] += f * value
                mean[3 + c] += b * value
    for k in range(len(cells)):
        for c in range(3):
            value = rgb[np.uintp(cells[k, 0]), np.uintp(cells[k, 1]), c]
            low, high = min(low, value), max(high, value)
    mean[:3] /= total[0]
    mean[3:] /= total[1]
    return mean, low, high


@numba.njit(nogil=True, cache=True)
def _place(cells, shape, at):
    width, first, base = np.uintp(shape[1]), shape[2], np.uintp(shape[3])
    for k in range(len(cells)):
        at[base + np.uintp(cells[k, 0]) * width + np.uintp(cells[k, 1])] = first + k


@numba.njit(nogil=True, cache=True)
def _inherit(rgb, alpha, level, shapes, cells, at, state, mean):
    """Begin each cell of a level with F and B of the nearest ancestor that shows them, else with the mean."""
    first, top, one = shapes[level, 2], np.uintp(len(shapes) - 1), np.uintp(1)
    for k in range(len(cells)):
        for side in range(2):
            y, x, above, found = np.uintp(cells[k, 0]), np.uintp(cells[k, 1]), np.uintp(level), False
            while not found and above < top:
                y, x, above = y >> one, x >> one, above + one
                a = alpha[y << above, x << above]
                found = a > 0 if side == 0 else a < 1
            py, px = y << above, x << above
            mixed = found and 0 < alpha[py, px] < 1
            place = np.uintp(shapes[above, 3]) + y * np.uintp(shapes[above, 1]) + x
            source = np.uintp(at[place]) if mixed else np.uintp(0)
            for c in range(3):
                n = 3 * side + c
                state[first + k, n] = state[source, n] if mixed else rgb[py, px, c] if found else mean[n]


@numba.njit(nogil=True, cache=True, fastmath=True)
def _sweep(rgb, alpha, level, shapes, cells, at, state, low, high, back):
    """Solve each cell for its two colours, its neighbours' as they are, in place: Gauss and Seidel."""
    # Without a sign: what would be before the first row or column is far behind the last.
    height, width, first = np.uintp(shapes[level, 0]), np.uintp(shapes[level, 1]), np.uintp(shapes[level, 2])
    base, finer, one = np.uintp(shapes[level, 3]), np.uintp(level), np.uintp(1)
    count = np.uintp(len(cells))
    for i in range(count):
        k = count - one - i if back else i
        y, x = np.uintp(cells[k, 0]), np.uintp(cells[k, 1])
        py, px = y << finer, x << finer
        a = alpha[py, px]
        b = np.float32(1) - a
        ff, bb, fb = a * a + _STAY, b * b + _STAY, a * b
        r, g, u, own = rgb[py, px, 0], rgb[py, px, 1], rgb[py, px, 2], first + k
        f0, f1, f2 = (
            a * r + _STAY * state[own, 0],
            a * g + _STAY * state[own, 1],
            a * u + _STAY * state[own, 2],
        )
        b0, b1, b2 = (
            b * r + _STAY * state[own, 3],
            b * g + _STAY * state[own, 4],
            b * u + _STAY * state[own, 5],
        )
        for side in range(4):
            ny, nx = y, x
            if side == 0:
                ny = y - one
            elif side == 1:
                nx = x - one
            elif side == 2:
                nx = x + one
            else:
                ny = y + one
            if ny >= height or nx >= width:
                continue
            qy, qx = ny << finer, nx << finer
            other = alpha[qy, qx]
            w = _LOOSE + _BOND * abs(a - other)
            if other >= 1:
                ff += w
                f0 += w * rgb[qy, qx, 0]
                f1 += w * rgb[qy, qx, 1]
                f2 += w * rgb[qy, qx, 2]
            elif other <= 0:
                bb += w
                b0 += w * rgb[qy, qx, 0]
                b1 += w * rgb[qy, qx, 1]
                b2 += w * rgb[qy, qx, 2]
            else:
                if side == 1:  # those to the left and right are the cells before and after
                    j = own - one
                elif side == 2:
                    j = own + one
                else:
                    j = np.uintp(at[base + ny * width + nx])
                ff += w
                bb += w
                f0 += w * state[j, 0]
                f1 += w * state[j, 1]
                f2 += w * state[j, 2]
                b0 += w * state[j, 3]
                b1 += w * state[j, 4]
                b2 += w * state[j, 5]
        scale = np.float32(1) / (ff * bb - fb * fb)
        ff, bb, fb = ff * scale, bb * scale, fb * scale
        state[own, 0] = min(max(bb * f0 - fb * b0, low), high)
        state[own, 1] = min(max(bb * f1 - fb * b1, low), high)
        state[own, 2] = min(max(bb * f2 - fb * b2, low), high)
        state[own, 3] = min(max(ff * b0 - fb * f0, low), high)
        state[own, 4] = min(max(ff * b1 - fb * f1, low), high)
        state[own, 5] = min(max(ff * b2 - fb * f2, low), high)


@numba.njit(nogil=True, cache=True, fastmath=True)
def _explained(rgb, alpha, cells, state, low, high):
    """F and B, float32 [2, N, 3], after the least change of both that makes aF + (1 - a)B the plate."""
    out = np.empty((2, len(cells), 3), np.float32)
    for k in range(len(cells)):
        y, x = np.uintp(cells[k, 0]), np.uintp(cells[k, 1])
        a = alpha[y, x]
        b = np.float32(1) - a
        scale = np.float32(1) / (a * a + b * b)
        for c in range(3):
            f, g = state[k, c], state[k, 3 + c]
            left = scale * (rgb[y, x, c] - a * f - b * g)
            out[0, k, c] = min(max(f + a * left, low), high)
            out[1, k, c] = min(max(g + b * left, low), high)
    return out


@numba.njit(nogil=True, cache=True)
def unmixed(rgb, alpha, pixels):
    """F and B of every pixel with 0 < alpha < 1, whose flat indices in order ``pixels`` are: float32 [2, N,
    3].

    rgb: float32 [H, W, 3], finite, any range: the colours stay within that of the frame. alpha: float32
    [H, W], 0..1. Both C-contiguous.
    """
    cells = [_cells(pixels, alpha.shape[1])]
    mean, low, high = _overview(rgb, alpha, cells[0])
    shapes = np.zeros((1 + _DEEPEST, 4), np.int64)  # height, width, first of its cells, first of its places
    shapes[0, 0], shapes[0, 1] = alpha.shape
    levels = 1
    while shapes[levels - 1, 0] > 1 or shapes[levels - 1, 1] > 1:
        finer = shapes[levels - 1]
        shapes[levels, 0], shapes[levels, 1] = (finer[0] + 1) // 2, (finer[1] + 1) // 2
        shapes[levels, 2] = finer[2] + len(cells[levels - 1])
        shapes[levels, 3] = finer[3] + finer[0] * finer[1]
        cells.append(_coarser(cells[levels - 1]))
        levels += 1
    shapes = shapes[:levels]
    # Which cell a place is; read only where there is one, so never filled.
    at = np.empty(shapes[-1, 3] + 1, np.int32)
    state = np.empty((shapes[-1, 2] + len(cells[-1]), 6), np.float32)
    for level in range(levels - 1, -1, -1):
        here = cells[level]
        _place(here, shapes[level], at)
        _inherit(rgb, alpha, level, shapes, here, at, state, mean)
        sweeps = _COARSE_SWEEPS if max(shapes[level, 0], shapes[level, 1]) <= _COARSE else _SWEEPS
        for n in range(sweeps):
            _sweep(rgb, alpha, level, shapes, here, at, state, low, high, n % 2 == 1)
    return _explained(rgb, alpha, cells[0], state, low, high)
