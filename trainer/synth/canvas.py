"""The sheet on which a foreground is painted, one thing over the other: coverage and colour together."""

from __future__ import annotations

import cv2
import numpy as np

from dim_model.arrays import Floats
from trainer.synth.curves import Reals
from trainer.synth.strokes import film_kernel, stroke_kernel

_SUBPIXEL = 4
"""Fractional bits of the coordinates given to OpenCV's drawing calls."""

_BARE = np.float32(1e-5)
"""Weight of the cloth's colour, which alone has a say where nothing is painted."""

_AROUND = np.array([[0, 0], [4, 1], [-1, 4], [-4, -1], [1, -4]], np.float32)
"""Where a colour is asked for, pixels: five places, since one may be a speck."""


class Canvas:
    """paint: float32 [N, N, 4], premultiplied RGBA, display-referred. cloth: float32 [N, N, 3], the colours
    of what is painted next, unless it brings its own.
    """

    def __init__(self, cloth: Floats) -> None:
        self.cloth = cloth
        self.size = cloth.shape[0]
        self.paint: Floats = np.zeros((self.size, self.size, 4), np.float32)
        self._cover: Floats = np.zeros((self.size, self.size), np.float32)
        self._part: Floats = np.zeros_like(self._cover)
        self._touched = np.zeros(self.size * self.size, np.int32)

    def bare(self) -> Canvas:
        """Another sheet of the same cloth, to be painted apart and laid ``over`` this one."""
        return Canvas(self.cloth)

    def mask(self, *outlines: Floats) -> Floats:
        """What polygons (float32 [P, 2], x then y) cover, float32 [N, N], 0..1; one in another is a hole."""
        drawn = np.zeros((self.size, self.size), np.uint8)  # OpenCV antialiases nothing else
        fixed = [np.round(outline * (1 << _SUBPIXEL)).astype(np.int32) for outline in outlines]
        cv2.fillPoly(drawn, fixed, 255, cv2.LINE_AA, _SUBPIXEL)
        return drawn.astype(np.float32) / np.float32(255)

    def lay(self, cover: Floats, colour: Floats | None = None) -> None:
        """Lay a film of ``cover`` [N, N] over all: of ``colour`` [3] or [N, N, 3], or of the cloth."""
        colour = self.cloth if colour is None else np.clip(colour, 0, 1)
        film_kernel(self.paint, cover, np.broadcast_to(colour, self.cloth.shape).astype(np.float32))

    def stroke(self, points: Reals, width: Reals | float, colour: Reals) -> None:
        """Lay strokes [S, P, 2] over all, in order. width, pixels: to [S, P]; colour: to [S, P, 3]."""
        shape = points.shape[:2]
        wide = np.ascontiguousarray(np.broadcast_to(width, shape), np.float32)
        tone = np.ascontiguousarray(np.broadcast_to(np.clip(colour, 0, 1), (*shape, 3)), np.float32)
        lines = np.ascontiguousarray(points, np.float32)
        stroke_kernel(self.paint, self._cover, self._part, self._touched, lines, wide, tone)

    def cut(self, cover: Floats) -> None:
        """Take away what ``cover`` [N, N] covers."""
        self.paint *= (1 - cover)[..., None]

    def over(self, sheet: Canvas) -> None:
        """Lay a painted sheet over this one."""
        self.paint *= 1 - sheet.paint[..., 3:]
        self.paint += sheet.paint

    def colour_at(self, points: Reals) -> Floats:
        """The cloth's colours at points [..., 2], float32 [..., 3]: hair is coloured like its skin."""
        around = np.asarray(points)[..., None, :] + _AROUND
        x, y = np.moveaxis(np.clip(around, 0, self.size - 1).astype(int), -1, 0)
        return np.asarray(self.cloth[y, x].mean(-2), np.float32)

    def finished(self) -> tuple[Floats, Floats]:
        """Alpha [N, N] and straight colour [N, N, 3], each 0..1."""
        alpha = self.paint[..., 3:]
        colour = (self.paint[..., :3] + _BARE * self.cloth) / (alpha + _BARE)
        return np.clip(alpha[..., 0], 0, 1), np.asarray(np.clip(colour, 0, 1), np.float32)
