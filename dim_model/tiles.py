"""Tiles of a few widths that cover the unknown region of a frame, and their results put together again.

A tile is a core with a margin of context. Cores lie in fixed rows, and in each row at multiples of a step so
wide that what moves a little keeps its tiles; narrow ones where little is unknown, wide ones where much is,
such that all together are least. Which tiles a frame has depends on that frame alone. Margins overlap their
neighbours and are blended by a ramp, so that no seam shows where two tiles saw slightly different
surroundings.
"""

# numba types a kernel by its call; annotations on kernels would say it twice.
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from dim_model.arrays import Floats, Mask

_STEP = 16
"""Columns: where cores may begin; cores that are narrower begin at multiples of their width."""
_EACH = 8
"""Columns that a tile costs beside its own: of two covers of the same area, fewer tiles show fewer seams."""


class Tile(NamedTuple):
    """Its top-left corner in the frame, and its width, in pixels."""

    y: int
    x: int
    width: int


@dataclass(frozen=True)
class Tiling:
    """height: of every tile, in pixels. margin: pixels of it on each side that are context rather than core.
    widths: that a tile may have, ascending; none but ``height`` where nothing is said.
    """

    height: int
    margin: int
    widths: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.widths:
            object.__setattr__(self, "widths", (self.height,))

    def cover(self, unknown: Mask) -> list[Tile]:
        """Tiles such that each unknown pixel is in the core of one, in reading order.

        unknown: bool [H, W]. At the frame's edges tiles are shifted inwards, so each sees as much of it as it
        can.
        """
        height, width = unknown.shape
        bottom, core = max(0, height - self.height), self.height - 2 * self.margin
        cores = np.array(self.widths) - 2 * self.margin
        step = min(_STEP, int(cores[0]))
        spans, costs = cores // step, np.array(self.widths) + _EACH
        found = []
        for top in range(0, height, core):
            wanted = np.zeros(-(-width // step) * step, np.bool_)
            unknown[top : top + core].any(0, out=wanted[:width])
            for cell, kind in _least(wanted.reshape(-1, step).any(1), spans, costs):
                wide = self.widths[kind]
                left = min(max(0, cell * step - self.margin), max(0, width - wide))
                found.append(Tile(min(max(0, top - self.margin), bottom), left, wide))
        return list(dict.fromkeys(found))  # two cores at an edge may share one tile

    def ramp(self, width: int) -> Floats:
        """Weight of each pixel of a tile in the blend, float32 [height, width]: full in the core, falling in
        the margin.
        """
        full = np.float32(2 * self.margin)

        def line(length: int) -> Floats:
            distance = np.arange(length, dtype=np.float32) + np.float32(0.5)
            nearer: Floats = np.minimum(np.minimum(distance, distance[::-1]), full) / max(np.float32(1), full)
            return nearer

        return np.outer(line(self.height), line(width))

    def join(
        self, trimap: Floats, tiles: Sequence[Tile], alphas: Sequence[Tensor], pixels: NDArray[np.intp]
    ) -> Floats:
        """What a network made of tiles, each float32 [1, height, width] on the CPU, blended at the unknown
        pixels of a frame, all of which lie in tiles: float32 [N].

        trimap: float32 [H, W]. pixels: int [N], flat indices of those where it is 0.5, in order.
        """
        ramps = {width: self.ramp(width) for width in self.widths}
        total, weight = np.empty_like(trimap), np.empty_like(trimap)
        _clear(total.ravel(), weight.ravel(), pixels)
        for (y, x, width), alpha in zip(tiles, alphas, strict=True):
            _add(total[y:, x:], weight[y:, x:], trimap[y:, x:], alpha[0].numpy(), ramps[width])
        return np.asarray(_means(total.ravel(), weight.ravel(), pixels), np.float32)


@numba.njit(nogil=True, cache=True)
def _means(total, weight, pixels):
    out = np.empty(pixels.size, np.float32)
    for k in range(pixels.size):
        p = np.uintp(pixels[k])
        out[k] = total[p] / weight[p]
    return out


@numba.njit(nogil=True, cache=True)
def _clear(total, weight, pixels):
    for k in range(pixels.size):
        p = np.uintp(pixels[k])
        total[p] = weight[p] = np.float32(0)


@numba.njit(nogil=True, cache=True)
def _add(total, weight, trimap, alpha, ramp):
    """A tile to what lies under it and to the right and below, where that is unknown."""
    for j in range(min(alpha.shape[0], trimap.shape[0])):
        for i in range(min(alpha.shape[1], trimap.shape[1])):
            if trimap[j, i] == np.float32(0.5):
                total[j, i] += ramp[j, i] * alpha[j, i]
                weight[j, i] += ramp[j, i]


@numba.njit(nogil=True, cache=True)
def _least(wanted, spans, costs):
    """Where cores begin, and of which kind they are, [N, 2], so that all cells of ``wanted``, bool [C], lie
    in one and they cost least. spans: cells that a core of each kind holds.
    """
    cells = len(wanted)
    cost, chosen = np.zeros(cells + 1, np.int64), np.full(cells, -1)
    for cell in range(cells - 1, -1, -1):
        if not wanted[cell]:
            cost[cell] = cost[cell + 1]
            continue
        for kind in range(len(spans)):
            both = costs[kind] + cost[min(cells, cell + spans[kind])]
            if chosen[cell] < 0 or both < cost[cell]:
                cost[cell], chosen[cell] = both, kind
    found, cell = [(0, 0) for _ in range(0)], 0
    while cell < cells:
        if chosen[cell] < 0:
            cell += 1
        else:
            found.append((cell, chosen[cell]))
            cell += spans[chosen[cell]]
    out = np.empty((len(found), 2), np.int64)
    for k in range(len(found)):
        out[k] = found[k]
    return out
