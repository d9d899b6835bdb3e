"""How a subject is lit, at its joints and vertices: lamps, sky, and the shade that its own strands throw.

Hair is shaded by Kajiya & Kay 1989; shade is what a ray loses in a grid of densities, a coarse kind of deep
shadow map (Lokovic & Veach 2000). So Cycles need not trace a ray to a lamp, and the picture has no noise but
that of coverage.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainer.render.palette import unit_axis
from trainer.render.parts import Floats, Rng, floats, unit

_CELLS = 64
_REACH = 2.0
_STEPS = 20


class Density:
    """Where matter is: a grid over the cube of side 2 * _REACH, as opacity a cell."""

    def __init__(self) -> None:
        self._grid = np.zeros(_CELLS**3, np.float32)

    def _cell(self, p: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
        where = np.clip((p + _REACH) * (_CELLS / (2 * _REACH)), 0, _CELLS - 1).astype(np.intp)
        out: np.ndarray[tuple[int, ...], np.dtype[np.intp]] = (
            where[..., 0] * _CELLS + where[..., 1]
        ) * _CELLS + where[..., 2]
        return out

    def add(self, p: Floats, area: Floats) -> None:
        """Put pieces of `area` [V], in square units, at p [V, 3]."""
        face = (2 * _REACH / _CELLS) ** 2
        share = np.bincount(self._cell(p).ravel(), area.ravel() / face, minlength=_CELLS**3)
        self._grid += floats(share)

    def soften(self) -> None:
        """Blur by a cell, so that shade has no steps."""
        grid: Floats = self._grid.reshape(_CELLS, _CELLS, _CELLS)
        for axis in range(3):
            beside = np.roll(grid, 1, axis) + np.roll(grid, -1, axis)
            grid = floats((grid + beside / 2) / 2)
        self._grid = floats(np.minimum(grid, 4)).ravel()

    def light(self, p: Floats, towards: Floats) -> Floats:
        """The share of light from `towards` [3] that arrives at p [..., 3]: 0..1."""
        step = towards * np.float32(2 * _REACH / _CELLS)
        depth = np.zeros(p.shape[:-1], np.float32)
        for k in range(_STEPS):
            depth += self._grid[self._cell(p + step * np.float32(1.2 + k))]
        return floats(np.exp(-0.5 * depth))


@dataclass(frozen=True)
class Lamp:
    """towards: the unit vector to it. colour: its linear light. wrap: 0 for a sun, 0.5 for a big softbox."""

    towards: Floats
    colour: Floats
    wrap: float


@dataclass(frozen=True)
class Lights:
    """lamps: key, and often a rim or a fill. sky, ground: light from above and below, linear [3]."""

    lamps: tuple[Lamp, ...]
    sky: Floats
    ground: Floats

    def strands(
        self, shade: Density, points: Floats, tangent: Floats, colour: Floats, gloss: float
    ) -> Floats:
        """Radiance [S, K, 3] of strands with albedo [S, K, 3] along tangents [S, K, 3]."""
        view = unit(-points + floats([0, -4, 0]))
        out = colour * self._around(shade, points, floats(1 - np.abs(tangent[..., 2]) * 0.3))
        for lamp in self.lamps:
            seen = shade.light(points, lamp.towards)[..., None]
            sine = np.sqrt(np.maximum(1 - (tangent @ lamp.towards) ** 2, 0))[..., None]
            half = unit(view + lamp.towards)
            shine = np.maximum(1 - (tangent * half).sum(-1) ** 2, 0)[..., None]
            lobe = gloss * (0.35 * shine**60 + 0.5 * shine**16 * np.sqrt(colour))
            out = out + lamp.colour * seen * (colour * (lamp.wrap + (1 - lamp.wrap) * sine) * 0.75 + lobe)
        return floats(out)

    def surface(
        self, shade: Density, points: Floats, normal: Floats, colour: Floats, *, thin: bool
    ) -> Floats:
        """Radiance [V, 3] of a surface with albedo [V, 3] and normals [V, 3]."""
        out = colour * self._around(shade, points, floats(0.5 + 0.5 * normal[..., 2]))
        for lamp in self.lamps:
            facing = (normal @ lamp.towards)[:, None]
            lit = np.clip((facing + lamp.wrap) / (1 + lamp.wrap), 0, 1)
            if thin:
                lit = np.abs(facing) * np.where(facing > 0, 1, 0.7)
            start = points + normal * (0 if thin else 0.06)
            out = out + lamp.colour * colour * lit * shade.light(start, lamp.towards)[:, None]
        return floats(out)

    def _around(self, shade: Density, points: Floats, up: Floats) -> Floats:
        over = shade.light(points, floats([0, -0.3, 0.95]))[..., None]
        front = shade.light(points, floats([0, -0.95, -0.3]))[..., None]
        share = np.clip(up, 0, 1)[..., None]
        return floats((self.sky * share + self.ground * (1 - share)) * (0.12 + 0.5 * over + 0.38 * front))


def _hue(rng: Rng, strength: float) -> Floats:
    warm = rng.normal(0, strength)
    return floats(np.exp([warm, rng.normal(0, strength / 4), -warm]))


def make_lights(rng: Rng) -> Lights:
    """A sun or a softbox, often a rim light, seldom a coloured one; and a sky."""
    key = unit_axis(rng) * floats([1, 1, 0.7]) + floats([0, -0.5, 0.6])
    strength = rng.uniform(0.6, 1.5)
    lamps = [Lamp(unit(key), _hue(rng, 0.18) * np.float32(strength), float(rng.choice([0, 0.2, 0.5])))]
    if rng.random() < 0.6:
        rim = floats([rng.uniform(-1, 1), rng.uniform(0.4, 1), rng.uniform(-0.1, 0.9)])
        tint = _hue(rng, 0.15) if rng.random() < 0.7 else floats(rng.random(3))
        lamps.append(Lamp(unit(rim), tint * np.float32(rng.uniform(0.5, 2)), 0.0))
    level = np.float32(rng.uniform(0.12, 0.7))
    return Lights(
        tuple(lamps), _hue(rng, 0.12) * level, _hue(rng, 0.15) * level * np.float32(rng.uniform(0.3, 0.8))
    )
