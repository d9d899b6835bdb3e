"""What the trimap's known colours say of an unknown pixel: the pair of known colours that explains it best.

Candidates are the known pixels nearest to points spread around the pixel, so that they come from all sides of
the boundary. Every foreground candidate is paired with every background candidate; the cheapest pair gives
alpha by projection on the line between the two colours. Neighbours then offer each other their pairs, which
carries a good find along a strand of hair.

Sources: Gastal & Oliveira, "Shared Sampling for Real-Time Alpha Matting" (2010), eq. 2 and 6; He et al., "A
Global Sampling Method for Alpha Matting" (2011), for the propagation between neighbours.

The search visits only unknown pixels, which is why it is compiled by numba rather than written over whole
frames; numba releases the GIL, so frames are searched side by side.
"""

# numba types a kernel by its call; annotations on kernels would say it twice.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg"

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Indices = NDArray[np.int32]

CANDIDATES = 8
"""Known pixels offered from each side; a pixel weighs CANDIDATES² pairs."""

REACH = 60.0
"""Pixels: half the largest distance from which a candidate is sought."""

_GOLDEN_ANGLE = math.pi * (3.0 - math.sqrt(5.0))


@dataclass(frozen=True)
class Samples:
    """The best pair of each unknown pixel, in the order of ``pixels``.

    pixels: int32 [N], flat index into the frame. alpha: float32 [N], 0..1. confidence: float32 [N], 0..1, 1
    where the pair explains the pixel wholly. foreground, background: float32 [N, 3], in the frame's colour
    space.
    """

    pixels: Indices
    alpha: Floats
    confidence: Floats
    foreground: Floats
    background: Floats


def nearest_known(known: NDArray[np.bool_]) -> tuple[Floats, Indices]:
    """Distance in pixels to the nearest True, and that pixel's flat index, each [H, W]. ``known`` has at
    least one.
    """
    distance, label = cv2.distanceTransformWithLabels(
        np.where(known, np.uint8(0), np.uint8(1)), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    where = np.flatnonzero(known)
    index = np.zeros(int(label.max()) + 1, np.int32)
    index[label.ravel()[where]] = where
    return distance.astype(np.float32), index[label]


def _spread() -> Floats:
    """Unit offsets [CANDIDATES, 2] (y, x): the pixel itself, then a sunflower around it."""
    offsets = [(0.0, 0.0)]
    for i in range(CANDIDATES - 1):
        radius = math.sqrt((i + 1) / (CANDIDATES - 1))
        offsets.append((radius * math.sin(_GOLDEN_ANGLE * i), radius * math.cos(_GOLDEN_ANGLE * i)))
    return np.asarray(offsets, np.float32)


_SPREAD = _spread()
_NEIGHBOURS = np.asarray(
    [(-2, 0), (2, 0), (0, -2), (0, 2), (-5, -5), (5, 5), (-5, 5), (5, -5), (-1, 0), (1, 0), (0, -1), (0, 1)],
    np.int32,
)


@numba.njit(fastmath=True, nogil=True, inline="always")
def _cost(rgb, smooth, width, pixel, f, b, reach_f, reach_b):
    """Cost and alpha of explaining ``pixel`` by the known pixels ``f`` and ``b``.

    The residual is measured against the length of the colour line, so that a pair of like colours does not
    win by being near everything; distance is counted relative to that of the nearest known pixel (Gastal, eq.
    6).
    """
    c0, c1, c2 = rgb[pixel, 0], rgb[pixel, 1], rgb[pixel, 2]
    b0, b1, b2 = smooth[b, 0], smooth[b, 1], smooth[b, 2]
    d0, d1, d2 = smooth[f, 0] - b0, smooth[f, 1] - b1, smooth[f, 2] - b2
    length = d0 * d0 + d1 * d1 + d2 * d2 + np.float32(1e-4)
    alpha = ((c0 - b0) * d0 + (c1 - b1) * d1 + (c2 - b2) * d2) / length
    alpha = min(max(alpha, np.float32(0.0)), np.float32(1.0))
    r0, r1, r2 = c0 - b0 - alpha * d0, c1 - b1 - alpha * d1, c2 - b2 - alpha * d2
    y, x = pixel // width, pixel % width
    far_f = math.sqrt(np.float32((f // width - y) ** 2 + (f % width - x) ** 2)) / reach_f
    far_b = math.sqrt(np.float32((b // width - y) ** 2 + (b % width - x) ** 2)) / reach_b
    residual = math.sqrt((r0 * r0 + r1 * r1 + r2 * r2) / length)
    alike = math.exp(-100.0 * length)
    return np.float32(0.8 * residual + 0.02 * (far_f + far_b) + 0.12 * alike), alpha


@numba.njit(fastmath=True, nogil=True, cache=True)
def _search(rgb, smooth, height, width, pixels, near_f, near_b, far_f, far_b, spread):
    n, k = pixels.size, spread.shape[0]
    best_f, best_b = np.empty(n, np.int32), np.empty(n, np.int32)
    cost, alpha = np.empty(n, np.float32), np.empty(n, np.float32)
    fs, bs = np.empty(k, np.int32), np.empty(k, np.int32)
    for i in range(n):
        p = pixels[i]
        y, x = p // width, p % width
        step_f = min(far_f[p], np.float32(2.0 * REACH)) + np.float32(6.0)
        step_b = min(far_b[p], np.float32(2.0 * REACH)) + np.float32(6.0)
        for j in range(k):
            yy = min(max(int(y + spread[j, 0] * step_f), 0), height - 1)
            xx = min(max(int(x + spread[j, 1] * step_f), 0), width - 1)
            fs[j] = near_f[yy * width + xx]
            yy = min(max(int(y + spread[j, 0] * step_b), 0), height - 1)
            xx = min(max(int(x + spread[j, 1] * step_b), 0), width - 1)
            bs[j] = near_b[yy * width + xx]
        reach_f, reach_b = far_f[p] + np.float32(1.0), far_b[p] + np.float32(1.0)
        lowest = np.float32(1e9)
        for a in range(k):
            for b in range(k):
                e, al = _cost(rgb, smooth, width, p, fs[a], bs[b], reach_f, reach_b)
                if e < lowest:
                    lowest, alpha[i], best_f[i], best_b[i] = e, al, fs[a], bs[b]
        cost[i] = lowest
    return best_f, best_b, cost, alpha


@numba.njit(fastmath=True, nogil=True, cache=True)
def _propagate(
    rgb, smooth, height, width, pixels, slot, far_f, far_b, best_f, best_b, cost, alpha, neighbours
):
    """One round in which each pixel tries its neighbours' pairs. It reads the old pairs and writes new ones,
    so the result does not depend on the order of the pixels.
    """
    new_f, new_b = best_f.copy(), best_b.copy()
    new_cost, new_alpha = cost.copy(), alpha.copy()
    for i in range(pixels.size):
        p = pixels[i]
        y, x = p // width, p % width
        reach_f, reach_b = far_f[p] + np.float32(1.0), far_b[p] + np.float32(1.0)
        for j in range(neighbours.shape[0]):
            yy, xx = y + neighbours[j, 0], x + neighbours[j, 1]
            if yy < 0 or xx < 0 or yy >= height or xx >= width:
                continue
            other = slot[yy * width + xx]
            if other < 0:
                continue
            e, al = _cost(rgb, smooth, width, p, best_f[other], best_b[other], reach_f, reach_b)
            if e < new_cost[i]:
                new_cost[i], new_alpha[i], new_f[i], new_b[i] = e, al, best_f[other], best_b[other]
    return new_f, new_b, new_cost, new_alpha


def sample(rgb: Floats, trimap: Floats) -> Samples:
    """Find the best pair of known colours for each unknown pixel.

    rgb: float32 [H, W, 3], display-referred, 0..1. trimap: float32 [H, W] of exactly 0, 0.5, 1, with at least
    one pixel of each of 0 and 1. Deterministic: the same frame gives the same bytes.
    """
    height, width = trimap.shape
    far_f, near_f = nearest_known(trimap == 1.0)
    far_b, near_b = nearest_known(trimap == 0.0)
    pixels = np.flatnonzero(trimap == 0.5).astype(np.int32)
    flat = np.ascontiguousarray(rgb, np.float32).reshape(-1, 3)
    # A known pixel stands for its surroundings, so its noise is taken off; the unknown pixel is left as it
    # is.
    smooth = cv2.GaussianBlur(np.ascontiguousarray(rgb, np.float32), (0, 0), 1.0).reshape(-1, 3)
    far_f, far_b, near_f, near_b = far_f.ravel(), far_b.ravel(), near_f.ravel(), near_b.ravel()
    pairs = _search(flat, smooth, height, width, pixels, near_f, near_b, far_f, far_b, _SPREAD)
    slot = np.full(height * width, -1, np.int32)
    slot[pixels] = np.arange(pixels.size, dtype=np.int32)
    for _ in range(2):
        pairs = _propagate(flat, smooth, height, width, pixels, slot, far_f, far_b, *pairs, _NEIGHBOURS)
    best_f, best_b, cost, alpha = pairs
    return Samples(pixels, alpha, np.exp(-4.0 * cost), smooth[best_f], smooth[best_b])
