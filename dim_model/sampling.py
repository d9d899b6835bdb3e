"""What the trimap's known colours say of an unknown pixel: the pair of known colours that explains it best.

A known pixel stands for its surroundings, so the known colours are those of cells of 2 x 2 pixels, smoothed:
a quarter of the frame, which stays in the caches while it is searched. Candidates are the known cells nearest
to points spread around the pixel, so that they come from all sides of the boundary. Every foreground
candidate is paired with every background candidate; the cheapest pair gives alpha by projection on the line
between the two colours. Of each block of cells one searches so (``Effort``), and blocks offer each other what
they have, which carries a good find along a strand of hair. The other cells choose among the pairs of the
blocks around them, and pixels take their cell's, each by its own colour.

Sources: Gastal & Oliveira, "Shared Sampling for Real-Time Alpha Matting" (2010), eq. 2 and 6; He et al., "A
Global Sampling Method for Alpha Matting" (2011), for the propagation between neighbours.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from dim_model.arrays import Floats, Indices
from dim_model.colour_pairs import Cells, Known, adopted, representatives, searched, told, traded
from dim_model.nearest import nearest
from dim_model.numbered import numbered
from dim_model.unknown import Unknown

_SMOOTH = 0.5
"""Sigma, in cells, of what takes the noise off a known colour."""

_GOLDEN_ANGLE = math.pi * (3.0 - math.sqrt(5.0))


class Samples(NamedTuple):
    """The best pair of each unknown pixel, in order.

    alpha: float32 [N], 0..1. confidence: float32 [N], 0..1, 1 where the pair explains the pixel wholly.
    slot: int32 [H/2, W/2], the row of each cell whose first pixel is unknown, or -1. foreground, background:
    float32 [M, 3], the pairs of these, in the frame's colour space.
    """

    alpha: Floats
    confidence: Floats
    slot: Indices
    foreground: Floats
    background: Floats


def _spread(count: int) -> Floats:
    """Unit offsets [count, 2] (y, x): the pixel itself, then a sunflower around it."""
    offsets = [(0.0, 0.0)]
    for i in range(count - 1):
        radius = math.sqrt((i + 1) / (count - 1))
        offsets.append((radius * math.sin(_GOLDEN_ANGLE * i), radius * math.cos(_GOLDEN_ANGLE * i)))
    return np.asarray(offsets, np.float32)


_EDGES = [(-1, 0), (0, -1), (0, 1), (1, 0)]
_CORNERS = [(-1, -1), (-1, 1), (1, -1), (1, 1)]
_NEAR = [(-2, 0), (2, 0), (0, -2), (0, 2)]
_TWO = [(-2, -2), (2, 2), (-2, 2), (2, -2)]
_FAR = [(-5, -5), (5, 5), (-5, 5), (5, -5)]


@dataclass(frozen=True)
class Effort:
    """How hard pairs are sought.

    side: of the blocks, in cells, one cell of each of which searches. candidates: known cells offered from
    each side, so that it weighs their number's square of pairs. rounds: whose pairs it tries then, in turn,
    (y, x) in blocks: first of those beside it, then further along.
    """

    side: int
    candidates: int
    rounds: tuple[Sequence[tuple[int, int]], ...]


QUICK = Effort(4, 8, (_EDGES + _CORNERS, _TWO))
"""For a network, which sees what pairs do not tell."""
THOROUGH = Effort(1, 8, (_EDGES + _CORNERS, _NEAR + _FAR + _EDGES))
"""For small frames, where two cells may be of two things, and for mattes that no network looks through."""


def by_cells(rgb: Floats) -> Floats:
    """A frame [H, W, 3], the mean of each cell of 2 x 2 pixels: float32 [H/2, W/2, 3], rounded up."""
    height, width = rgb.shape[:2]
    if (height | width) % 2:
        rgb = np.asarray(cv2.copyMakeBorder(rgb, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE))
    size = (width + 1) // 2, (height + 1) // 2
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.float32)


def sample(
    cells: Floats, trimap: Floats, unknown: Unknown, clean: Floats | None = None, effort: Effort = QUICK
) -> Samples:
    """Find the best pair of known colours for each unknown pixel.

    cells: a frame ``by_cells``, display-referred, 0..1. trimap: float32 [H, W] of exactly 0, 0.5, 1, with at
    least one pixel of each of 0 and 1. unknown: the pixels where it is 0.5. clean: float32 [N, 3], the
    background of each itself where it is known, not a number elsewhere; a pixel before it seeks its
    foreground alone, and its alpha lies on the line between the two. Deterministic: the same frame gives the
    same bytes.
    """
    (far_front, near_front), (far_back, near_back) = nearest(trimap)
    smooth = np.asarray(cv2.GaussianBlur(cells, (3, 3), _SMOOTH), np.float32).reshape(-1, 3)
    of_cell = unknown.slot[::2, ::2]
    slot, places = numbered(of_cell >= 0)
    firsts = of_cell.ravel()[places]
    back, behind, own = smooth, unknown.colours, np.zeros(len(unknown.pixels), np.bool_)
    if clean is not None:
        behind, own = clean, ~np.isnan(clean[:, 0])
        back = smooth.copy()
        back[places[own[firsts]]] = clean[firsts[own[firsts]]]
    known = Known(smooth, back, near_front, near_back, far_front, far_back)
    every = Cells(places.astype(np.int32), unknown.colours[firsts], own[firsts])
    some, blocks = every, slot
    if effort.side > 1:
        chosen = representatives(every.place, slot.shape[0], slot.shape[1], effort.side)
        rows = np.sort(chosen[chosen >= 0])
        some = Cells(*(of_every[rows] for of_every in every))
        blocks = np.where(chosen >= 0, np.searchsorted(rows, chosen), -1).astype(np.int32)
    pairs = searched(some, known, _spread(effort.candidates))
    for offers in effort.rounds:
        pairs = traded(some, known, blocks, effort.side, pairs, np.asarray(offers, np.int32))
    if effort.side > 1:
        pairs = adopted(every, known, blocks, effort.side, pairs)
    cost, alpha = told(unknown, own, behind, slot, known, pairs)
    return Samples(alpha, np.exp(-4.0 * cost), slot, smooth[pairs.front], back[pairs.back])
