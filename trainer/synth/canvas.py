"""The supersampled sheet on which a foreground is drawn: coverage and colour together."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from trainer.synth.foreground import Floats

SUBPIXEL = 4
"""Fractional bits of the coordinates given to OpenCV's drawing calls."""


Coverage = NDArray[np.uint8]


def fixed(points: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
    """Float coordinates as OpenCV's fixed-point ones."""
    return np.round(points * (1 << SUBPIXEL)).astype(np.int32)


class Canvas:
    """alpha: uint8 [N, N], 0..255, since OpenCV antialiases nothing else; colour: float32 [N, N, 3]. N is
    ``scale`` times the size asked for.
    """

    def __init__(self, texture: Floats, scale: int) -> None:
        self.scale = scale
        size = texture.shape[0] * scale
        self.size = size
        self.alpha: Coverage = np.zeros((size, size), np.uint8)
        self.colour: Floats = cv2.resize(texture, (size, size), interpolation=cv2.INTER_LINEAR).astype(
            np.float32
        )

    def fill(self, outline: Floats, coverage: float = 1.0) -> None:
        """Fill the polygon ``outline`` (float32 [P, 2], x then y, canvas pixels) with ``coverage``."""
        cv2.fillPoly(self.alpha, [fixed(outline)], round(255 * coverage), cv2.LINE_AA, SUBPIXEL)

    def colour_near(self, point: Floats, radius: int = 9) -> Floats:
        """Mean colour around a point, float32 [3]: so that hair has the colour of the head it grows on."""
        x, y = (int(np.clip(v, 0, self.size - 1)) for v in point)
        patch = self.colour[max(0, y - radius) : y + radius, max(0, x - radius) : x + radius]
        return np.asarray(patch.reshape(-1, 3).mean(0), np.float32)

    def reduced(self) -> tuple[Floats, Floats]:
        """Alpha and colour at the size asked for, each clipped to 0..1."""
        size = (self.size // self.scale,) * 2
        drawn = self.alpha.astype(np.float32) / np.float32(255)
        alpha = cv2.resize(drawn, size, interpolation=cv2.INTER_AREA)
        # Colour is averaged by coverage: bare canvas beside a strand has no say in the strand's colour.
        weight = drawn[..., None] + np.float32(1e-3)
        lit = cv2.resize(self.colour * weight, size, interpolation=cv2.INTER_AREA)
        colour = lit / cv2.resize(weight, size, interpolation=cv2.INTER_AREA)[..., None]
        return np.asarray(np.clip(alpha, 0, 1), np.float32), np.asarray(np.clip(colour, 0, 1), np.float32)
