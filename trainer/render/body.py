"""Bodies to grow a coat on: bones with flesh, melted into one skin."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from skimage.measure import marching_cubes

from trainer.render.parts import Floats, Ints, Rng, floats, unit

_REACH = 1.5
"""Half the side of the cube that holds every body."""

_CELLS = 56
"""Cells of that cube along a side: an ear is still three of them thick."""


@dataclass(frozen=True)
class Body:
    """bones: float32 [M, 8]: from (3), to (3), radius there and there. melt: how softly they join. ripple:
    (height, waves a unit, phase) of the skin's dents.
    """

    name: str
    bones: Floats
    melt: float
    ripple: tuple[float, float, float]

    def distance(self, p: Floats) -> Floats:
        """Signed distance, about, of p [..., 3] to the skin; negative inside."""
        total = np.zeros(p.shape[:-1], np.float32)
        for bone in self.bones:
            start, span = bone[:3], bone[3:6] - bone[:3]
            t = np.clip(((p - start) @ span) / max(float(span @ span), 1e-6), 0, 1)
            gap = np.linalg.norm(p - start - t[..., None] * span, axis=-1) - (
                bone[6] + (bone[7] - bone[6]) * t
            )
            total += np.exp(np.clip(-gap / self.melt, -60, 60))
        height, waves, phase = self.ripple
        dents = np.sin(p * waves + phase).prod(-1)
        return floats(-self.melt * np.log(np.maximum(total, 1e-30)) + height * dents)

    def normal(self, p: Floats) -> Floats:
        """Outward unit vectors at p [..., 3]."""
        step = 0.01
        slope = [self.distance(p + floats(e) * step) - self.distance(p - floats(e) * step) for e in np.eye(3)]
        return unit(floats(np.stack(slope, -1)))

    def skin(self) -> tuple[Floats, Ints]:
        """Vertices [V, 3] and triangles [F, 3]."""
        line = np.linspace(-_REACH, _REACH, _CELLS, dtype=np.float32)
        grid = np.stack(np.meshgrid(line, line, line, indexing="ij"), -1)
        vertices, faces, _, _ = marching_cubes(self.distance(grid), 0.0)
        return floats(vertices * (line[1] - line[0]) - _REACH), np.ascontiguousarray(faces, np.int32)


def roots(rng: Rng, vertices: Floats, triangles: Ints, count: int) -> Floats:
    """Points spread evenly over a skin, float32 [count, 3]."""
    a, b, c = (vertices[triangles[:, i]] for i in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=-1)
    face = rng.choice(len(triangles), count, p=area / area.sum())
    u, v = rng.random((2, count, 1), np.float32)
    u, v = np.where(u + v > 1, 1 - u, u), np.where(u + v > 1, 1 - v, v)
    return floats(a[face] + u * (b - a)[face] + v * (c - a)[face])


def _ball(rng: Rng) -> list[list[float]]:
    stretch = rng.uniform(0, 0.35, 3) * rng.choice([-1, 1], 3)
    radius = rng.uniform(0.5, 0.7)
    return [[*-stretch, *stretch, radius, radius]]


def _pebbles(rng: Rng) -> list[list[float]]:
    return [[*p, *p, r, r] for p, r in ((rng.normal(0, 0.38, 3), rng.uniform(0.2, 0.45)) for _ in range(6))]


def _ring(rng: Rng) -> list[list[float]]:
    turns = np.linspace(0, 2 * np.pi, 17)
    points = np.stack([np.cos(turns), 0.3 * np.sin(2 * turns + rng.uniform(0, 6)), np.sin(turns)], -1) * 0.75
    radius = rng.uniform(0.13, 0.28)
    return [[*a, *b, radius, radius] for a, b in pairwise(points)]


def _tail(rng: Rng) -> list[list[float]]:
    points = np.cumsum(rng.normal(0, 0.2, (6, 3)) + [0.32, 0, 0.1], 0)
    points -= points.mean(0)
    radii = rng.uniform(0.1, 0.26, 6)
    return [[*points[i], *points[i + 1], radii[i], radii[i + 1]] for i in range(5)]


def _bust(rng: Rng) -> list[list[float]]:
    wide = rng.uniform(0.36, 0.44)
    return [
        [0, 0.06, 0.45, 0, -0.04, 0.28, wide, wide * 0.85],
        [0, -0.06, 0.2, 0, -0.1, 0.02, 0.26, 0.2],
        [0, 0.08, 0.2, 0, 0.1, -0.5, 0.19, 0.22],
        [-0.55, 0.12, -0.8, 0.55, 0.12, -0.8, 0.26, 0.26],
    ]


def _beast(rng: Rng) -> list[list[float]]:
    """On four legs, looking to one side or at the camera, by the turn it is given later."""
    leg, ear, neck = rng.uniform(0.35, 0.6), rng.uniform(0.15, 0.4), rng.uniform(0.2, 0.45)
    head = np.array([0.72, 0, 0.18 + neck])
    bones: list[list[float]] = [
        [-0.5, 0, 0.05, 0.42, 0, 0.1, 0.3, 0.29],
        [0.45, 0, 0.15, *head, 0.2, 0.2],
        [*head, *(head + [rng.uniform(0.15, 0.3), 0, -0.08]), 0.2, 0.11],
        [-0.7, 0, 0.12, -1.1, 0, rng.uniform(-0.3, 0.6), 0.09, 0.06],
    ]
    for side in (-1, 1):
        bones.append(
            [*(head + [-0.05, 0.13 * side, 0.12]), *(head + [-0.1, 0.2 * side, 0.15 + ear]), 0.08, 0.04]
        )
        bones += [[x, 0.16 * side, 0, x, 0.16 * side, -0.15 - leg, 0.12, 0.07] for x in (-0.5, 0.42)]
    return bones


def _face(rng: Rng) -> list[list[float]]:
    ear, out = rng.uniform(0.25, 0.6), rng.uniform(0.3, 0.6)
    bones = [[0, 0, 0, 0, 0.1, 0.05, 0.55, 0.55], [0, -0.4, -0.15, 0, -0.72, -0.2, 0.24, 0.17]]
    bones += [[0.35 * s, 0.1, 0.4, (0.35 + 0.3 * out) * s, 0.1, 0.5 + ear, 0.15, 0.05] for s in (-1.0, 1.0)]
    return bones


SHAPES = {"ball": _ball, "pebbles": _pebbles, "ring": _ring, "tail": _tail, "beast": _beast, "face": _face}
"""What fur and feathers grow on."""


def make_body(rng: Rng, name: str) -> Body:
    """A body of a shape's name, or a `bust`: the head and shoulders that hair grows on."""
    bones = _bust(rng) if name == "bust" else SHAPES[name](rng)
    soft = name in ("ball", "pebbles", "tail")
    ripple = rng.uniform(0.01, 0.07) if soft else 0.006
    return Body(
        name, floats(bones), 0.06, (float(ripple), float(rng.uniform(4, 9)), float(rng.uniform(0, 6)))
    )
