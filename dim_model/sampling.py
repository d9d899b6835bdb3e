"""What the trimap's known colours say of an unknown pixel: the pair of known colours that explains it best.

Candidates are the known pixels nearest to points spread around the pixel, so that they come from all sides of
the boundary. Every foreground candidate is paired with every background candidate; the cheapest pair gives
alpha by projection on the line between the two colours. One pixel in four searches so; the others begin with
the nearest pair, and neighbours offer each other what they have, which carries a good find along a strand of
hair.

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

from dim_model.arrays import Floats, Indices

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

    def laid(self, foreground: NDArray[np.bool_]) -> tuple[Floats, Floats]:
        """Alpha and confidence of the whole frame, float32 [H, W]: as found for the unknown pixels, of the
        others what ``foreground``, bool [H, W], says, and 1.
        """
        alpha, confidence = foreground.astype(np.float32), np.ones(foreground.shape, np.float32)
        alpha.ravel()[self.pixels] = self.alpha
        confidence.ravel()[self.pixels] = self.confidence
        return alpha, confidence


def nearest_known(known: NDArray[np.bool_]) -> tuple[Floats, Indices]:
    """Distance in pixels to the nearest True, and that pixel's flat index, each [H, W]. ``known`` has at
    least one.
    """
    distance, label = cv2.distanceTransformWithLabels(
        (~known).view(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    return distance.astype(np.float32, copy=False), _indices(label.ravel(), known.ravel()).reshape(
        known.shape
    )


@numba.njit(nogil=True, cache=True)
def _indices(label, known):
    """The flat index of the known pixel that bears the same label, for each pixel, int32 [N]."""
    owner, index = np.empty(label.max() + 1, np.int32), np.empty(label.size, np.int32)
    for p in range(label.size):
        if known[p]:
            owner[label[p]] = p
    for p in range(label.size):
        index[p] = owner[label[p]]
    return index


@numba.njit(nogil=True, cache=True)
def _halved(trimap, value):
    """Which cells of 2 x 2 pixels hold one whose trimap is ``value``, and the flat index of the first."""
    height, width = (trimap.shape[0] + 1) // 2, (trimap.shape[1] + 1) // 2
    known, first = np.zeros((height, width), np.bool_), np.zeros((height, width), np.int32)
    for y in range(trimap.shape[0] - 1, -1, -1):
        for x in range(trimap.shape[1] - 1, -1, -1):
            if trimap[y, x] == value:
                known[y // 2, x // 2] = True
                first[y // 2, x // 2] = y * trimap.shape[1] + x
    return known, first


def _nearest(trimap: Floats, value: float) -> tuple[Floats, Indices]:
    """``nearest_known`` of the pixels whose trimap is ``value``, to the cell of 2 x 2 pixels: float32, int32
    [H/2, W/2], rounded up. Where a pixel is sought from does not matter by more.
    """
    known, first = _halved(trimap, np.float32(value))
    distance, cell = nearest_known(known)
    return np.float32(2) * distance, first.ravel()[cell]


def _spread() -> Floats:
    """Unit offsets [CANDIDATES, 2] (y, x): the pixel itself, then a sunflower around it."""
    offsets = [(0.0, 0.0)]
    for i in range(CANDIDATES - 1):
        radius = math.sqrt((i + 1) / (CANDIDATES - 1))
        offsets.append((radius * math.sin(_GOLDEN_ANGLE * i), radius * math.cos(_GOLDEN_ANGLE * i)))
    return np.asarray(offsets, np.float32)


_SPREAD = _spread()
_BESIDE = np.asarray([(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if y or x], np.int32)
_AROUND = np.asarray(
    [(-2, 0), (2, 0), (0, -2), (0, 2), (-5, -5), (5, 5), (-5, 5), (5, -5), (-1, 0), (1, 0), (0, -1), (0, 1)],
    np.int32,
)
_ROUNDS = (2 * _BESIDE, 2 * _AROUND, 2 * _AROUND)
"""Whose pairs a pixel that searched tries, in turn, of those who searched: first beside it, then further
along.
"""


@numba.njit(fastmath=True, nogil=True, inline="always")
def _cost(c, f, b, far, lowest):
    """Cost and alpha of explaining the colour ``c`` by the colours ``f`` and ``b``; a cost above ``lowest``
    is a bound.

    The residual is measured against the length of the colour line, so that a pair of like colours does not
    win by being near everything; ``far`` is the pair's distance relative to the nearest known pixels'
    (Gastal, eq. 6).
    """
    d0, d1, d2 = f[0] - b[0], f[1] - b[1], f[2] - b[2]
    v0, v1, v2 = c[0] - b[0], c[1] - b[1], c[2] - b[2]
    length = d0 * d0 + d1 * d1 + d2 * d2 + np.float32(1e-4)
    alpha = (v0 * d0 + v1 * d1 + v2 * d2) / length
    alpha = min(max(alpha, np.float32(0.0)), np.float32(1.0))
    r0, r1, r2 = v0 - alpha * d0, v1 - alpha * d1, v2 - alpha * d2
    residual = math.sqrt((r0 * r0 + r1 * r1 + r2 * r2) / length)
    cost = np.float32(0.8) * residual + np.float32(0.02) * far
    if cost < lowest:  # the exponential is dearer than all the rest, and seldom needed
        cost += np.float32(0.12) * math.exp(np.float32(-100.0) * length)
    return cost, alpha


@numba.njit(fastmath=True, nogil=True, inline="always")
def _apart(p, q, width):
    """Distance in pixels between two flat indices, without the slow division of integers."""
    inverse = 1.0 / width
    y = int((p + 0.5) * inverse) - int((q + 0.5) * inverse)
    x = p - q - y * width
    return math.sqrt(np.float32(y * y + x * x))


@numba.njit(fastmath=True, nogil=True, inline="always")
def _candidates(p, step, near, smooth, height, width, spread, count, index, colour, far):
    """The known pixels nearest to ``count`` points spread ``step`` around ``p``: index, colour and distance
    of each.
    """
    y, x = p // width, p % width
    for j in range(count):
        yy = min(max(int(y + spread[j, 0] * step), 0), height - 1)
        xx = min(max(int(x + spread[j, 1] * step), 0), width - 1)
        index[j] = near[yy // 2, xx // 2]
        colour[j, 0], colour[j, 1], colour[j, 2] = smooth[index[j]]
        far[j] = _apart(index[j], p, width)


@numba.njit(fastmath=True, nogil=True, cache=True)
def _search(rgb, smooth, back, own, height, width, pixels, near_f, near_b, far_f, far_b, spread):
    n, most = pixels.size, spread.shape[0]
    best_f, best_b = np.empty(n, np.int32), np.empty(n, np.int32)
    cost, alpha = np.empty(n, np.float32), np.empty(n, np.float32)
    fs, bs = np.empty(most, np.int32), np.empty(most, np.int32)
    f_colour, b_colour = np.empty((most, 3), np.float32), np.empty((most, 3), np.float32)
    f_far, b_far = np.empty(most, np.float32), np.empty(most, np.float32)
    reach = np.float32(2.0 * REACH)
    for i in range(n):
        p = pixels[i]
        y, x = p // width, p % width
        k = 1 if y & 1 or x & 1 else most
        to_f, to_b = far_f[y // 2, x // 2], far_b[y // 2, x // 2]
        step_f, step_b = min(to_f, reach) + np.float32(6.0), min(to_b, reach) + np.float32(6.0)
        _candidates(p, step_f, near_f, smooth, height, width, spread, k, fs, f_colour, f_far)
        if own[p]:
            seen = 1
            bs[0], b_far[0] = p, np.float32(0.0)
            b_colour[0, 0], b_colour[0, 1], b_colour[0, 2] = back[p]
        else:
            seen = k
            _candidates(p, step_b, near_b, smooth, height, width, spread, k, bs, b_colour, b_far)
        near, beside = np.float32(1.0) / (to_f + np.float32(1.0)), np.float32(1.0) / (to_b + np.float32(1.0))
        lowest = np.float32(1e9)
        for a in range(k):
            for b in range(seen):
                far = f_far[a] * near + b_far[b] * beside
                e, al = _cost(rgb[p], f_colour[a], b_colour[b], far, lowest)
                if e < lowest:
                    lowest, alpha[i], best_f[i], best_b[i] = e, al, fs[a], bs[b]
        cost[i] = lowest
    return best_f, best_b, cost, alpha


@numba.njit(fastmath=True, nogil=True, cache=True)
def _propagate(
    rgb,
    smooth,
    back,
    own,
    height,
    width,
    pixels,
    slot,
    far_f,
    far_b,
    best_f,
    best_b,
    cost,
    alpha,
    some,
    neighbours,
):
    """One round in which ``some``, places in ``pixels``, try the pairs of their neighbours, or of those who
    searched. It reads the old pairs and writes new ones, so the result does not depend on the order of the
    pixels.
    """
    new_f, new_b = best_f.copy(), best_b.copy()
    new_cost, new_alpha = cost.copy(), alpha.copy()
    for i in some:
        p = pixels[i]
        y, x = p // width, p % width
        to_f, to_b = far_f[y // 2, x // 2], far_b[y // 2, x // 2]
        near, beside = np.float32(1.0) / (to_f + np.float32(1.0)), np.float32(1.0) / (to_b + np.float32(1.0))
        for j in range(neighbours.shape[0]):
            yy, xx = y + neighbours[j, 0], x + neighbours[j, 1]
            if yy < 0 or xx < 0 or yy >= height or xx >= width or (yy | xx) & 1:
                continue
            other = slot[yy * width + xx]
            if other < 0:
                continue
            f, b = best_f[other], p if own[p] else best_b[other]
            if f == new_f[i] and b == new_b[i]:
                continue
            far = _apart(f, p, width) * near + _apart(b, p, width) * beside
            e, al = _cost(rgb[p], smooth[f], back[b], far, new_cost[i])
            if e < new_cost[i]:
                new_cost[i], new_alpha[i], new_f[i], new_b[i] = e, al, f, b
    return new_f, new_b, new_cost, new_alpha


def sample(rgb: Floats, trimap: Floats, clean: Floats | None = None) -> Samples:
    """Find the best pair of known colours for each unknown pixel.

    rgb: float32 [H, W, 3], display-referred, 0..1. trimap: float32 [H, W] of exactly 0, 0.5, 1, with at least
    one pixel of each of 0 and 1. clean: float32 [H, W, 3], the background itself where it is known, not a
    number elsewhere; a pixel before it seeks its foreground alone, and its alpha lies on the line between the
    two. Deterministic: the same frame gives the same bytes.
    """
    height, width = trimap.shape
    far_f, near_f = _nearest(trimap, 1.0)
    far_b, near_b = _nearest(trimap, 0.0)
    pixels = np.flatnonzero(trimap == 0.5).astype(np.int32)
    flat = np.ascontiguousarray(rgb, np.float32).reshape(-1, 3)
    # A known pixel stands for its surroundings, so its noise is taken off; the unknown pixel is left as it
    # is.
    smooth = cv2.GaussianBlur(np.ascontiguousarray(rgb, np.float32), (0, 0), 1.0).reshape(-1, 3)
    own, back = np.zeros(height * width, np.bool_), smooth
    if clean is not None:
        own = ((trimap == 0.5) & ~np.isnan(clean[..., 0])).ravel()
        back = smooth.copy()
        back[own] = clean.reshape(-1, 3)[own]
    pairs = _search(flat, smooth, back, own, height, width, pixels, near_f, near_b, far_f, far_b, _SPREAD)
    slot = np.full(height * width, -1, np.int32)
    slot[pixels] = np.arange(pixels.size, dtype=np.int32)
    searched = ((pixels // width) | (pixels % width)) & 1 == 0
    rounds = [(searched, offers) for offers in _ROUNDS] + [(~searched, _BESIDE)]
    for tried, offers in rounds:
        some = np.flatnonzero(tried)
        pairs = _propagate(
            flat, smooth, back, own, height, width, pixels, slot, far_f, far_b, *pairs, some, offers
        )
    best_f, best_b, cost, alpha = pairs
    return Samples(pixels, alpha, np.exp(-4.0 * cost), smooth[best_f], back[best_b])
