"""How things in a drawn clip move: they drift, turn, near and sway, smoothly in time."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from dim_model.arrays import Floats
from trainer.synth.foreground import Rng
from trainer.synth.noise import fractal

MARGIN = 1.25
"""A picture that moves is so many times larger than the frame, so that no edge of it comes into view."""

_SHUTTER = 0.5
"""Of the time between two frames, how long the shutter is open: a film camera's half turn."""


@dataclass(frozen=True)
class Motion:
    """drift: frames' sides a frame, (x, y). turn: radians a frame. zoom: the scale's factor a frame. sway:
    pixels. phase, float32 [M, M], radians: when each place sways, neighbours nearly together, as hair and
    cloth do. pace: radians of sway a frame. way: radians.
    """

    drift: tuple[float, float]
    turn: float
    zoom: float
    sway: float
    phase: Floats
    pace: float
    way: float

    def shown(self, picture: Floats, time: float, size: int) -> Floats:
        """The frame of ``size`` pixels that a camera sees at ``time``, frames from the middle of the clip.

        picture: float32 [M, M, C], M at least ``MARGIN`` times ``size``.
        """
        side = len(picture)
        y, x = np.mgrid[:size, :size].astype(np.float32) - np.float32((size - 1) / 2)
        scale = self.zoom**-time
        c, s = (np.float32(scale * f(self.turn * time)) for f in (np.cos, np.sin))
        middle = (side - 1) / 2
        across = c * x - s * y + np.float32(middle - size * self.drift[0] * time)
        down = s * x + c * y + np.float32(middle - size * self.drift[1] * time)
        if self.sway:
            phase = cv2.remap(self.phase, across, down, cv2.INTER_LINEAR, None, cv2.BORDER_REFLECT_101)
            push = np.float32(self.sway) * np.sin(phase + np.float32(self.pace * time))
            across, down = (
                across + push * np.float32(np.cos(self.way)),
                down + push * np.float32(np.sin(self.way)),
            )
        return np.asarray(
            cv2.remap(picture, across, down, cv2.INTER_LINEAR, None, cv2.BORDER_REFLECT_101), np.float32
        )

    def exposed(self, picture: Floats, time: float, size: int, steps: int) -> Floats:
        """The same with the shutter open for a while: the mean of ``steps`` moments."""
        moments = time + _SHUTTER * (np.arange(steps) - (steps - 1) / 2) / steps
        total = sum((self.shown(picture, float(moment), size) for moment in moments), np.float32(0))
        return np.asarray(total / np.float32(steps), np.float32)


def random_motion(rng: Rng, size: int, side: int, frames: int) -> Motion:
    """One that keeps a picture of ``side`` pixels over a frame of ``size`` for ``frames`` of them."""
    room = (side / size - 1) / 2 / max(1, frames)
    fast = np.exp(rng.uniform(np.log(0.02), 0)) * room
    heading = rng.uniform(0, 2 * np.pi)
    drift = (float(fast * np.cos(heading)), float(fast * np.sin(heading)))
    sways = rng.random() < 0.6
    return Motion(
        drift,
        turn=float(rng.normal(0, 0.08) / max(4, frames)),
        zoom=float(np.exp(rng.normal(0, 0.05) / max(4, frames))),
        sway=float(np.exp(rng.uniform(np.log(0.3), np.log(6)))) if sways else 0.0,
        phase=np.float32(2 * np.pi) * fractal(rng, side, 2, 4),
        pace=float(rng.uniform(0.1, 0.9)),
        way=float(rng.uniform(0, 2 * np.pi)),
    )
