"""Subjects of several parts, each with its colours: a toy that holds a flag, a hand with a feather."""

from __future__ import annotations

import numpy as np

from dim_model.arrays import Floats
from trainer.synth.canvas import Canvas
from trainer.synth.curves import bezier, blob, normals, oval
from trainer.synth.foreground import Rng
from trainer.synth.kinds.foliage import branch, flower
from trainer.synth.kinds.hair import brush, coat_of, feather, fur, mane, tail
from trainer.synth.kinds.mesh import net
from trainer.synth.kinds.solid import bundle, solid
from trainer.synth.texture import dyed


def _flag(rng: Rng, canvas: Canvas, grip: Floats) -> None:
    """A cloth in waves, flat in colour, on a thin pole that starts at ``grip`` [2]."""
    size = canvas.size
    top = grip + size * np.array([rng.normal(0, 0.12), -rng.uniform(0.25, 0.5)])
    side = rng.choice([-1.0, 1.0]) * size * rng.uniform(0.2, 0.45)
    fly = top + np.array([side, rng.normal(0, 0.08) * size])
    upper = bezier(np.stack([top, 0.5 * (top + fly), fly]).astype(np.float32), 40)
    wave = np.sin(np.linspace(0, rng.uniform(2, 9), 41) + rng.uniform(0, 6.28)) * size * rng.uniform(0, 0.025)
    upper += normals(upper) * wave[:, None].astype(np.float32)
    lower = upper + (grip - top) * rng.uniform(0.35, 0.7)
    y, x = np.mgrid[: canvas.size, : canvas.size].astype(np.float32)
    fold = 1 + np.float32(0.25) * np.sin((x - y * 0.2) / size * np.float32(rng.uniform(10, 40)))[..., None]
    canvas.cloth = np.clip(dyed(rng, canvas.cloth) * fold, 0, 1).astype(np.float32)
    canvas.lay(canvas.mask(np.concatenate([upper, lower[::-1]]).astype(np.float32)))
    pole = bezier(np.stack([grip, 0.5 * (top + grip), top]).astype(np.float32), 8)[None]
    wide = rng.uniform(1, 0.02 * size)
    base = rng.random(3, np.float32)
    canvas.stroke(pole, wide, base * np.float32(0.7))
    canvas.stroke(pole - np.float32(0.2 * wide), 0.3 * wide, base + np.float32(0.2))


def toy(rng: Rng, canvas: Canvas) -> None:
    """Limbs, body, head, ears; fur or smooth cloth; eyes; now and then a flag or a stick in its hand."""
    size = canvas.size
    centre = (rng.uniform(0.35, 0.65, 2) * size).astype(np.float32)
    radius = size * rng.uniform(0.12, 0.22)
    head = centre + np.array([rng.normal(0, 0.2), -1.5], np.float32) * np.float32(radius)
    hand = centre + np.array([rng.choice([-1.6, 1.6]), rng.uniform(-0.8, 0.3)], np.float32) * np.float32(
        radius
    )
    body_cloth = canvas.cloth
    if rng.random() < 0.65:
        _flag(rng, canvas, hand)
    canvas.cloth = body_cloth
    limbs = np.stack([np.stack([centre, 0.6 * hand + 0.4 * centre, hand]), *(
        np.stack([centre, centre + np.array([s * 0.9, 1.0]) * radius, centre + np.array([s, 1.9]) * radius])
        for s in (-1, 1)
    )])  # fmt: skip
    lines = np.stack([bezier(limb.astype(np.float32), 12) for limb in limbs])
    canvas.stroke(lines, radius * rng.uniform(0.4, 0.8), canvas.colour_at(lines))
    is_furry, short = rng.random() < 0.75, rng.uniform(0.03, 0.15)
    ears = [head + np.array([s * 0.75, -0.7], np.float32) * np.float32(radius) for s in (-1, 1)]
    parts = [(hand, 0.35), (ears[0], 0.35), (ears[1], 0.35), (centre, 1.1), (head, 0.9)]
    for middle, wide in parts:
        if rng.random() < 0.25:
            canvas.cloth = dyed(rng, canvas.cloth)
        outline = oval(rng, middle, radius * wide)
        if is_furry and wide > 0.3:
            coat_of(rng, canvas, outline, middle, short)
        else:
            canvas.lay(canvas.mask(outline))
    for s in (-1, 1):
        eye = head + np.array([s * 0.35, -0.1], np.float32) * np.float32(radius)
        canvas.lay(canvas.mask(oval(rng, eye, 0.12 * radius)), np.full(3, 0.03, np.float32))
        canvas.lay(
            canvas.mask(oval(rng, eye - np.float32(0.04 * radius), 0.03 * radius)), np.ones(3, np.float32)
        )


def company(rng: Rng, canvas: Canvas) -> None:
    """Two or three things of different make, side by side or one before the other."""
    kinds = (fur, mane, tail, brush, feather, branch, flower, net, bundle, solid)
    for n in rng.choice(len(kinds), int(rng.integers(2, 4)), replace=False):
        kinds[n](rng, canvas)
        canvas.cloth = dyed(rng, canvas.cloth)
    if rng.random() < 0.3:
        canvas.cut(canvas.mask(blob(rng, canvas.size, 0.03, 0.1)[0]))
