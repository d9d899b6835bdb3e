"""Hair and fur: curved strands with clumps, from a quarter of a pixel up, shaded along their length."""

from __future__ import annotations

import cv2
import numpy as np

from trainer.synth.canvas import SUBPIXEL, Canvas, fixed
from trainer.synth.foreground import Floats, Rng

_STEPS = 14
"""Straight pieces of a strand: enough that a curl shows no corner at the sizes drawn."""


def _grow(rng: Rng, roots: Floats, heading: Floats, length: Floats, curl: float, gravity: float) -> Floats:
    """Points of all strands, float32 [S, _STEPS + 1, 2], canvas pixels."""
    count = len(roots)
    bend = rng.normal(0, curl, (count, 1)) / _STEPS + rng.normal(0, 0.05, (count, _STEPS))
    angle = heading[:, None] + np.cumsum(bend, 1)
    step = (length / _STEPS)[:, None]
    fall = gravity * step * np.arange(_STEPS) / _STEPS
    moves = np.stack([step * np.cos(angle), step * np.sin(angle) + fall], -1)
    return np.concatenate([roots[:, None], roots[:, None] + np.cumsum(moves, 1)], 1).astype(np.float32)


def _clump(rng: Rng, strands: Floats, pull: float) -> Floats:
    """Draw the tips of each clump together, more so towards the tip, as wet or combed hair does."""
    leaders = rng.integers(len(strands), size=max(1, len(strands) // int(rng.integers(5, 25))))
    chief = strands[leaders]
    distance = ((strands[:, None, 0] - chief[None, :, 0]) ** 2).sum(-1)
    nearest = chief[distance.argmin(1)]
    along = np.linspace(0, 1, strands.shape[1], dtype=np.float32)[None, :, None]
    mixed: Floats = strands + (nearest - strands) * (pull * along**1.5)
    return mixed


def draw_strands(rng: Rng, canvas: Canvas, outline: Floats, centre: Floats) -> None:
    """Grow strands out of ``outline`` (float32 [P, 2], around ``centre``) over what is on the canvas."""
    count = int(rng.choice([60, 150, 400, 800, 1500]))
    arc, width = rng.uniform(0, 1), rng.uniform(0.15, 1.0)
    roots = outline[((arc + rng.random(count) * width) % 1 * len(outline)).astype(int)]
    outward = np.arctan2(roots[:, 1] - centre[1], roots[:, 0] - centre[0])
    if rng.random() < 0.4:
        outward = np.full(count, rng.uniform(0, 2 * np.pi))
    heading = outward + rng.normal(0, rng.uniform(0.1, 0.9), count)
    length = canvas.size * rng.uniform(0.04, 0.35) * rng.uniform(0.3, 1.2, count)
    inside = roots - 0.2 * length[:, None] * np.stack([np.cos(heading), np.sin(heading)], -1)
    strands = _grow(rng, inside, heading, length, rng.uniform(0, 1.5), rng.uniform(-0.6, 0.6))
    if rng.random() < 0.5:
        strands = _clump(rng, strands, rng.uniform(0.3, 0.9))

    base = rng.random(3, np.float32)
    if rng.random() < 0.65:
        base = canvas.colour_near(outline[rng.integers(len(outline))] * 0.7 + centre * 0.3)
    tip = np.clip(base * np.float32(rng.uniform(0.6, 1.5)), 0, 1)
    thickness = rng.choice([1, 1, 1, 2, 2, 3])
    layer = np.zeros_like(canvas.alpha)
    for points in strands:
        points = fixed(points)
        stroke = max(1, round(thickness * rng.uniform(0.5, 1.5)))
        shade, drift = rng.uniform(0.5, 1.5), rng.uniform(-0.05, 0.05, 3)
        # A stroke of one canvas pixel cannot be thinner; less coverage makes it so.
        coverage = round(rng.uniform(100, 255)) if rng.random() < 0.5 else 255
        cv2.polylines(layer, [points], False, coverage, stroke, cv2.LINE_AA, SUBPIXEL)
        for part, mix in ((points[:6], 0.0), (points[5:11], 0.5), (points[10:], 1.0)):
            colour = np.clip((base + (tip - base) * mix) * shade + drift, 0, 1)
            cv2.polylines(
                canvas.colour, [part], False, tuple(map(float, colour)), stroke + 1, cv2.LINE_8, SUBPIXEL
            )
    np.maximum(canvas.alpha, layer, out=canvas.alpha)
