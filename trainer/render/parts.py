"""What a subject is made of: strands and surfaces.

World: x to the right, y away from the camera, z up; a subject fills about the unit ball around the origin.
Colours are linear.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Rng = np.random.Generator


@dataclass(frozen=True)
class Strands:
    """points: float32 [S, K, 3]. width: [S, K], half of a strand's breadth. colour: [S, K, 3], albedo.
    give: [S, K], how far a gust of strength 1 carries it. gloss: strength of the highlight.
    """

    points: Floats
    width: Floats
    colour: Floats
    give: Floats
    gloss: float = 0.1


@dataclass(frozen=True)
class Surface:
    """points: float32 [V, 3]. triangles: int32 [F, 3]. colour: [V, 3], albedo. give: [V], as of strands.
    thin: a leaf, which light passes through.
    """

    points: Floats
    triangles: Ints
    colour: Floats
    give: Floats
    thin: bool = False


@dataclass(frozen=True)
class Subject:
    """All that is seen in a picture. kind: its name, for the metadata."""

    kind: str
    strands: tuple[Strands, ...]
    surfaces: tuple[Surface, ...] = ()


def unit(v: Floats) -> Floats:
    """Vectors [..., 3] at length 1."""
    out: Floats = v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-6)
    return out


def floats(array: object) -> Floats:
    """As float32."""
    return np.asarray(array, np.float32)


def scattered(rng: Rng, count: int) -> Floats:
    """Directions all around, float32 [count, 3]."""
    return unit(rng.standard_normal((count, 3), np.float32))


def across(direction: Floats) -> tuple[Floats, Floats]:
    """Two unit vectors square to `direction` [..., 3] and to each other."""
    away = np.where(np.abs(direction[..., 2:]) < 0.9, floats([0, 0, 1]), floats([1, 0, 0]))
    first = unit(floats(np.cross(direction, away)))
    return first, unit(floats(np.cross(direction, first)))
