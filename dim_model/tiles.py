"""Tiles of one fixed size that cover the unknown region of a frame, and their results put together again.

A tile is a core with a margin of context. Cores lie in fixed rows, and in each row from the first unknown
pixel that no core to the left holds, in steps so wide that what moves a little keeps its tiles; which tiles a
frame has depends on that frame alone. Margins overlap their neighbours and are blended by a ramp, so that no
seam shows where two tiles saw slightly different surroundings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from dim_model.arrays import Floats

_STEP = 16
"""Columns: where cores may begin; cores that are narrower begin at multiples of their width."""


@dataclass(frozen=True)
class Tiling:
    """size: side of a tile in pixels. margin: pixels of it on each side that are context rather than core."""

    size: int
    margin: int

    @property
    def core(self) -> int:
        return self.size - 2 * self.margin

    def cover(self, unknown: Tensor) -> list[tuple[int, int]]:
        """Top-left corners (y, x) of tiles such that each unknown pixel is in the core of one, in reading
        order.

        unknown: bool [H, W]. At the frame's edges tiles are shifted inwards, so each sees as much of it as it
        can.
        """
        mask = unknown.numpy(force=True)
        height, width = mask.shape
        bottom, right = max(0, height - self.size), max(0, width - self.size)
        corners, step = [], min(_STEP, self.core)
        for top in range(0, height, self.core):
            columns, at = np.flatnonzero(mask[top : top + self.core].any(0)), 0
            while at < columns.size:
                left = int(columns[at]) // step * step
                corners.append(
                    (min(max(0, top - self.margin), bottom), min(max(0, left - self.margin), right))
                )
                at = int(np.searchsorted(columns, left + self.core))
        return list(dict.fromkeys(corners))  # two cores at an edge may share one tile

    def ramp(self) -> Floats:
        """Weight of each pixel of a tile in the blend, float32 [size, size]: full in the core, falling in the
        margin.
        """
        distance = np.arange(self.size, dtype=np.float32) + np.float32(0.5)
        full = np.float32(2 * self.margin)
        line = np.minimum(np.minimum(distance, distance[::-1]), full) / max(np.float32(1), full)
        return np.outer(line, line)

    def join(
        self,
        shape: tuple[int, int],
        corners: list[tuple[int, int]],
        tiles: list[Tensor],
        pixels: NDArray[np.intp],
    ) -> Floats:
        """Tile results, float32 [1, size, size] on the CPU, blended at pixels of a frame of ``shape``, which
        lie in tiles: float32 [N]. pixels: int [N], flat indices into the frame.
        """
        ramp = self.ramp()
        total, weight = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        for (y, x), tile in zip(corners, tiles, strict=True):
            here = total[y : y + self.size, x : x + self.size]
            inside = ramp[: here.shape[0], : here.shape[1]]
            here += inside * tile[0, : here.shape[0], : here.shape[1]].numpy()
            weight[y : y + self.size, x : x + self.size] += inside
        return np.asarray(total.ravel()[pixels] / weight.ravel()[pixels])
