"""Outlines and curves that other modules paint: blobs, boxes, bent lines."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dim_model.arrays import Floats
from trainer.synth.foreground import Rng

Reals = NDArray[np.floating[Any]]


def blob(rng: Rng, size: int, least: float = 0.15, most: float = 0.4) -> tuple[Floats, Floats]:
    """A wobbly closed outline, float32 [200, 2] (x, y), and its centre [2], on a canvas of ``size``."""
    turn = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    radius: Reals = np.ones_like(turn)
    for k in range(1, 7):
        radius += rng.uniform(-0.5, 0.5) / k**1.2 * np.cos(k * turn + rng.uniform(0, 2 * np.pi))
    radius = np.clip(radius, 0.2, None) * size * rng.uniform(least, most)
    centre = rng.uniform(0.2, 0.8, 2) * size
    return _around(centre, radius, turn), centre.astype(np.float32)


def oval(rng: Rng, centre: Reals, radius: float, flat: float = 0.25) -> Floats:
    """A closed outline [120, 2] that is nearly an ellipse: a paw, a head, a berry."""
    turn = np.linspace(0, 2 * np.pi, 120, endpoint=False)
    along = rng.uniform(0, np.pi)
    wide = radius * (1 + rng.uniform(-flat, flat) * np.cos(2 * (turn - along)))
    wide *= 1 + 0.03 * np.cos(5 * turn + along)
    return _around(centre, wide, turn)


def slab(rng: Rng, size: int) -> Floats:
    """A convex outline [P, 2] with straight sides and corners: a box, a book, a tin."""
    corners = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 8))))
    radius = size * rng.uniform(0.15, 0.45) * rng.uniform(0.8, 1.2, len(corners))
    return _around(rng.uniform(0.25, 0.75, 2) * size, radius, corners)


def _around(centre: Reals, radius: Reals, turn: Reals) -> Floats:
    way = np.stack([np.cos(turn), np.sin(turn)], -1)
    return np.asarray(centre + radius[:, None] * way, np.float32)


def grow(
    rng: Rng,
    roots: Reals,
    heading: Reals,
    length: Reals,
    steps: int,
    *,
    curl: float = 0.0,
    frizz: float = 0.05,
    gravity: float = 0.0,
    waves: float = 1.0,
    swing: float = 0.0,
) -> Floats:
    """Lines [S, steps + 1, 2] that start at ``roots`` [S, 2] towards ``heading`` [S], ``length`` [S] long.

    curl: how far (radians) one bends on its way. frizz: how it trembles. gravity: how it falls. waves, swing:
    how often and how far it sways.
    """
    count = len(roots)
    along = np.arange(1, steps + 1) / steps
    bend = rng.normal(0, curl, (count, 1)) / steps
    tremor = rng.normal(0, frizz, (count, steps))
    angle = heading[:, None] + np.cumsum(bend + tremor, 1)
    if swing:
        phase = rng.normal(0, 0.5, (count, 1)) + rng.uniform(0, 2 * np.pi)
        angle = angle + swing * np.sin(2 * np.pi * waves * along + phase)
    step = (length / steps)[:, None]
    fall = gravity * step * along
    moves = np.stack([step * np.cos(angle), step * np.sin(angle) + fall], -1)
    return np.concatenate([roots[:, None], roots[:, None] + np.cumsum(moves, 1)], 1).astype(np.float32)


def bezier(points: Floats, steps: int) -> Floats:
    """The curve [steps + 1, 2] that three or four control ``points`` [K, 2] pull."""
    t = np.linspace(0, 1, steps + 1, dtype=np.float32)[:, None]
    level = [np.broadcast_to(p, (steps + 1, 2)) for p in points]
    while len(level) > 1:
        level = [a * (1 - t) + b * t for a, b in pairwise(level)]
    return np.asarray(level[0], np.float32)


def normals(line: Floats) -> Floats:
    """Unit normals [..., P, 2] of lines [..., P, 2]."""
    along = np.gradient(line, axis=-2)
    along /= np.linalg.norm(along, axis=-1, keepdims=True) + 1e-6
    return np.asarray(np.stack([-along[..., 1], along[..., 0]], -1), np.float32)
