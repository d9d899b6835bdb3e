"""Solids with holes, and sticks: pencils, brushes, aerials, poles."""

from __future__ import annotations

import numpy as np

from trainer.synth.canvas import Canvas
from trainer.synth.curves import Reals, bezier, blob, oval, slab
from trainer.synth.foreground import Rng


def solid(rng: Rng, canvas: Canvas) -> None:
    """One to four bodies, round or with corners, some of them holes."""
    for n in range(int(rng.integers(1, 5))):
        outline = blob(rng, canvas.size)[0] if rng.random() < 0.6 else slab(rng, canvas.size)
        if n and rng.random() < 0.35:
            hole = outline.mean(0) + (outline - outline.mean(0)) * rng.uniform(0.1, 0.5)
            canvas.cut(canvas.mask(hole.astype(np.float32)))
        elif n and rng.random() < 0.5:
            canvas.lay(canvas.mask(outline), canvas.colour_at(outline[0]))
        else:
            canvas.lay(canvas.mask(outline))


def sticks(rng: Rng, canvas: Canvas, count: int, cup: Reals | None = None) -> None:
    """Lay rods, a dark flank and a bright line to each; they stand in a ``cup`` at [2], or lie about."""
    size = canvas.size
    foot = rng.uniform(0.3, 0.7, 2) * size if cup is None else cup
    for _ in range(count):
        start = foot + rng.normal(0, 0.06, 2) * size
        way = rng.normal(-np.pi / 2, 0.25 if cup is not None else 0.5)
        if cup is None and rng.random() < 0.3:
            way = rng.uniform(0, 2 * np.pi)
        end = start + size * rng.uniform(0.2, 0.7) * np.array([np.cos(way), np.sin(way)])
        middle = 0.5 * (start + end) + rng.normal(0, rng.choice([0, 0, 0.04]), 2) * size
        line = bezier(np.stack([start, middle, end]).astype(np.float32), 20)
        wide = float(np.exp(rng.uniform(np.log(0.8), np.log(0.05 * size))))
        taper = np.linspace(1, rng.choice([1.0, 1.0, 0.6, 0.2]), 21, dtype=np.float32) * wide
        if rng.random() < 0.4:  # a sharpened point
            taper[-3:] *= np.array([0.9, 0.5, 0.12], np.float32)
        base = rng.random(3, np.float32) if rng.random() < 0.6 else canvas.colour_at(line[10])
        colour = np.repeat(base[None], 21, 0)
        if rng.random() < 0.5:  # a ferrule, a tip, a band
            colour[int(rng.integers(12, 20)) :] = rng.random(3, np.float32)
        side = np.array([np.sin(way), -np.cos(way)], np.float32) * np.float32(
            0.2 * wide * rng.choice([-1, 1])
        )
        canvas.stroke(line[None], taper[None], colour * np.float32(0.6))
        canvas.stroke((line + side)[None], 0.6 * taper[None], colour)
        canvas.stroke(
            (line + 1.2 * side)[None], 0.14 * taper[None], colour + np.float32(rng.uniform(0.1, 0.6))
        )


def bundle(rng: Rng, canvas: Canvas) -> None:
    """Sticks in a cup, on a box, behind or before it."""
    if rng.random() < 0.5:
        canvas.lay(canvas.mask(slab(rng, canvas.size)))
    sticks(rng, canvas, int(rng.integers(1, 14)))
    if rng.random() < 0.7:
        centre = rng.uniform(0.3, 0.7, 2) * canvas.size
        canvas.lay(canvas.mask(oval(rng, centre.astype(np.float32), canvas.size * rng.uniform(0.06, 0.2))))
