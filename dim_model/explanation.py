"""What the trimap says of each unknown pixel: by the colours that it knows, and by what alpha is joined to.

Sampled colours of either side, and four estimates of alpha: by the colours' pair, by guided filters of two
widths over that, and propagated. What is smooth is made at a smaller size, and read at full size by each
pixel's own colour.
"""

# numba types a kernel by its call; annotations on kernels would say it twice.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg"

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import cv2
import numba
import numpy as np

from dim_model import guided, sampling, windows
from dim_model.arrays import Floats, Indices, Mask
from dim_model.numbered import numbered
from dim_model.propagation import propagate

COLOUR_CELL = 2
"""Pixels: colours are told once for so many rows and columns, since they hardly differ between them."""

_AROUND = 128
"""Pixels around what is unknown that are looked at: more than ``sampling`` reaches."""
_BLOCK = 64
"""Pixels: the part that is looked at begins and ends at a multiple."""

_COLOUR_RADIUS = 1
"""Cells."""
_SCALE = 4
"""How many times less than the frame's is the size at which alpha is filtered and propagated."""
_RADII = (1, 5)
"""Of the guided filters, in pixels of that size."""
_READ_RIDGE = 1e-6
"""Of the lines by which the propagated alpha is read."""
_WHOLE = 0.9995
"""The mean of a cell's trimap, where all of its pixels are foreground; it may round below 1."""


class Explanation(NamedTuple):
    """Of one part of a frame, whose corner (y, x) is even.

    slot: each unknown pixel's row in ``estimates``, int32 [H, W], or -1. estimates: float32 [N, 5], 0..1: the
    guided alpha, the one more widely so, the sampled and the propagated one, and the sampling's confidence.
    foreground, background: of each cell of 2 x 2 pixels, float32 [H/2, W/2, 3], rounded up; undefined where
    nothing is unknown.
    """

    corner: tuple[int, int]
    slot: Indices
    estimates: Floats
    foreground: Floats
    background: Floats


class _Sides(NamedTuple):
    """Where the trimap is 1, 0 and between: bool [H, W]."""

    foreground: Mask
    background: Mask
    unknown: Mask


def explain(rgb: Floats, trimap: Floats, clean: Floats | None = None) -> Explanation:
    """Explain the unknown pixels of a frame; of the rest only the part around them is looked at.

    rgb: float32 [H, W, 3], display-referred, 0..1. trimap: float32 [H, W] of exactly 0, 0.5, 1. clean:
    float32 [H, W, 3], the background where it is known, not a number elsewhere.
    """
    part = _concerned(trimap)
    seen, hint = np.ascontiguousarray(rgb[part]), np.ascontiguousarray(trimap[part])
    sides = _Sides(hint == 1.0, hint == 0.0, hint == 0.5)
    corner, (slot, pixels) = (part[0].start, part[1].start), numbered(sides.unknown)
    if not (sides.foreground.any() and sides.background.any() and pixels.size):
        # One side is nowhere known: there is nothing to sample, and a confidence of 0 says so to the network.
        estimates = np.full((pixels.size, 5), 0.5, np.float32)
        estimates[:, 4] = 0.0
        colours = np.ascontiguousarray(seen[::COLOUR_CELL, ::COLOUR_CELL])
        return Explanation(corner, slot, estimates, colours, colours)

    size = (max(1, hint.shape[1] // _SCALE), max(1, hint.shape[0] // _SCALE))
    small, known = _reduced(seen, size), _reduced(hint, size)
    unknown = (known > 1 - _WHOLE) & (known < _WHOLE)
    # Neither needs the other, so a frame by itself has two cores work on it.
    with ThreadPoolExecutor(1, "propagate") as beside:
        carried = beside.submit(propagate, small, (known >= _WHOLE).astype(np.float32), unknown)
        found = sampling.sample(seen, hint, None if clean is None else np.ascontiguousarray(clean[part]))
        alpha, confidence = found.laid(sides.foreground)
        foreground, background = _colours(seen, found, (alpha, confidence), sides)
        weight, guide = _reduced(confidence + np.float32(1e-3), size), _reduced(alpha, size)
        # Two cells more than the unknown: what the bilinear reading may touch.
        near = guided.grown(unknown, 2)
        lines = [guided.lines(small, guide, weight, near, radius, guided.RIDGE) for radius in _RADII]
        lines.append(guided.lines(small, carried.result(), np.ones_like(weight), near, 1, _READ_RIDGE))
    guides = guided.applied(seen, np.stack(lines, 2), pixels)
    estimates = np.column_stack([guides[:, :2], found.alpha, guides[:, 2], found.confidence])
    return Explanation(corner, slot, estimates, foreground, background)


def _concerned(trimap: Floats) -> tuple[slice, slice]:
    """The part of a frame that is looked at: around what is unknown, as far as candidates are sought, in
    whole blocks, so that it is the same for frames that differ by little; all of it, if one side is known
    outside alone.
    """
    x, y, across, down = cv2.boundingRect((trimap == 0.5).view(np.uint8))

    def blocks(first: int, length: int, most: int) -> slice:
        last = -(-(first + length + _AROUND) // _BLOCK) * _BLOCK
        return slice(max(0, (first - _AROUND) // _BLOCK * _BLOCK), min(last, most))

    part = blocks(y, down, trimap.shape[0]), blocks(x, across, trimap.shape[1])
    sides = (trimap[part] == 1.0).any(), (trimap[part] == 0.0).any()
    return part if across and all(sides) else (slice(0, trimap.shape[0]), slice(0, trimap.shape[1]))


def _reduced(picture: Floats, size: tuple[int, int]) -> Floats:
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32)


def _colours(
    rgb: Floats, found: sampling.Samples, laid: tuple[Floats, Floats], sides: _Sides
) -> Iterator[Floats]:
    """The sampled colours of the foreground, then of the background, smoothed, as ``Explanation`` has them.
    laid: alpha and confidence of the whole part.
    """
    first = (slice(None, None, COLOUR_CELL), slice(None, None, COLOUR_CELL))
    cells = cv2.dilate(
        sides.unknown.view(np.uint8), np.ones((COLOUR_CELL, COLOUR_CELL), np.uint8), anchor=(0, 0)
    )
    wanted = np.ascontiguousarray(cells[first]).view(np.bool_)
    picture, (alpha, confidence) = np.ascontiguousarray(rgb[first]), laid
    for colour, other, offset in (
        (found.foreground, sides.background, 0.05),
        (found.background, sides.foreground, -1.05),
    ):
        picture.reshape(-1, 3)[found.cells] = colour
        weight = _leaning(alpha[first], confidence[first], other[first], offset)
        yield windows.means(picture, weight, wanted, _COLOUR_RADIUS)


@numba.njit(nogil=True, cache=True)
def _leaning(alpha, confidence, other, offset):
    """What a cell counts in the mean of its side's colours: the more, the surer it is, and the more of it is
    of that side; next to nothing where it is of the ``other``, for there must be a mean.
    """
    weight = np.empty(alpha.shape, np.float32)
    for y in range(alpha.shape[0]):
        for x in range(alpha.shape[1]):
            lean = abs(alpha[y, x] + np.float32(offset))
            weight[y, x] = 1e-7 if other[y, x] else confidence[y, x] * lean + np.float32(1e-4)
    return weight
