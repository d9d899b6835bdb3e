"""How a subject moves: turned and placed once, then spun, carried and blown while time runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainer.render.palette import unit_axis
from trainer.render.parts import Floats, Rng, floats


def _turned(axis: Floats, angle: float) -> Floats:
    """Rotation about a unit axis, float32 [3, 3], by Rodrigues' formula."""
    x, y, z = axis
    cross = floats([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return floats(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross)


@dataclass(frozen=True)
class Motion:
    """turn: [3, 3], how it stands. centre: [3] and scale bring it to the unit ball; shift: [3], its place in
    the picture. axis, spin: radians a second. drift: [3], units a second, there and back. wind: [3]; waves
    and pace: its ripples in space and time.
    """

    turn: Floats
    centre: Floats
    scale: float
    shift: Floats
    axis: Floats
    spin: float
    drift: Floats
    wind: Floats
    waves: Floats
    pace: float

    def at(self, p: Floats, give: Floats, time: float) -> Floats:
        """Where p [..., 3] is at `time` seconds, if a gust carries it as far as give [...]."""
        phase = p @ self.waves + np.float32(self.pace * time)
        gust = 0.6 * np.sin(phase) + 0.3 * np.sin(2.3 * phase + 1) + 0.4
        q = (p + self.wind * (give * gust)[..., None] - self.centre) * np.float32(self.scale)
        turn = _turned(self.axis, self.spin * time) @ self.turn
        return floats(q @ turn.T + self.shift + self.drift * np.float32(np.sin(time)))


def make_motion(rng: Rng, points: Floats, *, lively: float) -> Motion:
    """A motion for a subject whose joints and vertices are points [V, 3]; lively: 1 for a clip, more for a
    still whose blur should show. Its `shift` is none yet: the camera decides.
    """
    low, high = np.quantile(points, [0.02, 0.98], axis=0)
    centre = floats((low + high) / 2)
    radius = float(np.quantile(np.linalg.norm(points - centre, axis=-1), 0.97))
    turn = _turned(
        floats([0, 0, 1]), rng.uniform(-np.pi, np.pi) if rng.random() < 0.6 else rng.uniform(-0.6, 0.6)
    )
    turn = _turned(unit_axis(rng), rng.normal(0, 0.2)) @ turn
    axis = floats([0, 0, 1]) if rng.random() < 0.6 else unit_axis(rng)
    return Motion(
        floats(turn),
        centre,
        0.97 / max(radius, 1e-3),
        np.zeros(3, np.float32),
        axis,
        float(rng.normal(0, 0.5)) * lively,
        unit_axis(rng) * np.float32(rng.uniform(0, 0.35) * lively),
        unit_axis(rng) * floats([1, 0.6, 0.3]) * np.float32(rng.uniform(0.05, 0.7)),
        unit_axis(rng) * np.float32(rng.uniform(1, 4)),
        float(rng.uniform(2, 7) * max(1, lively / 4)),
    )
