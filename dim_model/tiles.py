"""Tiles of one fixed size that cover the unknown region of a frame, and their results put together again.

A tile is a core with a margin of context. Cores lie on a fixed grid, so which tiles a frame has depends on
that frame alone; margins overlap their neighbours and are blended by a ramp, so that no seam shows where two
tiles saw slightly different surroundings.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812


@dataclass(frozen=True)
class Tiling:
    """size: side of a tile in pixels. margin: pixels of it on each side that are context rather than core."""

    size: int
    margin: int

    @property
    def core(self) -> int:
        return self.size - 2 * self.margin

    def cover(self, unknown: Tensor) -> list[tuple[int, int]]:
        """Top-left corners (y, x) of the tiles whose core holds an unknown pixel, in reading order.

        unknown: bool [H, W]. At the frame's edges tiles are shifted inwards, so each sees as much of it as it
        can.
        """
        height, width = unknown.shape
        rows, columns = -(-height // self.core), -(-width // self.core)
        padded = F.pad(unknown[None].float(), (0, columns * self.core - width, 0, rows * self.core - height))
        held = F.max_pool2d(padded, self.core)[0].nonzero().tolist()
        bottom, right = max(0, height - self.size), max(0, width - self.size)
        corners = (
            (
                min(max(0, r * self.core - self.margin), bottom),
                min(max(0, c * self.core - self.margin), right),
            )
            for r, c in held
        )
        return list(dict.fromkeys(corners))  # two cores at an edge may share one tile

    def ramp(self) -> Tensor:
        """Weight of each pixel of a tile in the blend, float32 [size, size]: full in the core, falling in the
        margin.
        """
        distance = torch.arange(self.size, dtype=torch.float32) + 0.5
        line = torch.minimum(distance, distance.flip(0)).clamp_max(2.0 * self.margin) / max(
            1.0, 2.0 * self.margin
        )
        return line[:, None] * line[None, :]

    def join(self, shape: tuple[int, int], corners: list[tuple[int, int]], tiles: list[Tensor]) -> Tensor:
        """Blend tile results [1, size, size] into one frame [1, H, W]; 0 where no tile lies."""
        height, width = shape
        ramp = self.ramp()
        total, weight = torch.zeros(1, height, width), torch.zeros(1, height, width)
        for (y, x), tile in zip(corners, tiles, strict=True):
            here = (slice(None), slice(y, min(y + self.size, height)), slice(x, min(x + self.size, width)))
            inside = (slice(0, here[1].stop - y), slice(0, here[2].stop - x))
            total[here] += tile[:, inside[0], inside[1]] * ramp[inside]
            weight[here] += ramp[inside]
        return total / weight.clamp_min(1e-6)
