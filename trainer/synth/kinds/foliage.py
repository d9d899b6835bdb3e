"""Foliage: twigs with leaves, ferns, needles, grass and flowers."""

from __future__ import annotations

import numpy as np

from dim_model.arrays import Floats
from trainer.synth.canvas import Canvas
from trainer.synth.curves import Reals, bezier, blob, grow, normals, oval
from trainer.synth.foreground import Rng

_STEPS = 10


def _green(rng: Rng, canvas: Canvas) -> Floats:
    """A leaf's colour [3]: mostly green, now autumn's, now the cloth's."""
    choice = rng.random()
    if choice < 0.6:
        light = rng.uniform(0.15, 0.75)
        green: Reals = np.array([rng.uniform(0.3, 0.95), 1.0, rng.uniform(0.1, 0.6)]) * light
    elif choice < 0.75:
        green = np.array([rng.uniform(0.4, 0.95), rng.uniform(0.15, 0.6), rng.uniform(0.03, 0.2)])
    else:
        green = canvas.colour_at(rng.uniform(0.2, 0.8, 2) * canvas.size)
    return green.astype(np.float32)


def leaves(rng: Rng, canvas: Canvas, roots: Reals, heading: Reals, length: Reals, green: Reals) -> None:
    """Lay leaves: each a broad stroke, its lit half, and its rib."""
    count = len(roots)
    rib = grow(rng, roots, heading, length, _STEPS, curl=rng.uniform(0.1, 0.9), frizz=0.02)
    along = np.linspace(0, 1, _STEPS + 1, dtype=np.float32)
    belly = np.sin(np.pi * along ** rng.uniform(0.55, 1.3)).clip(0) ** rng.uniform(0.6, 1.4)
    slim = rng.uniform(0.12, 0.6)
    seen = rng.uniform(0.35, 1.0, (count, 1)) ** 0.7  # leaves turn their edge to us
    wide = (length[:, None] * slim * seen * np.maximum(belly, 0.02)).astype(np.float32)
    shade = np.exp(rng.normal(0, rng.uniform(0.1, 0.4), (count, 1, 1))).astype(np.float32)
    colour = green * shade + rng.normal(0, 0.03, (count, 1, 3)).astype(np.float32)
    spotted = colour * (1 + rng.uniform(0, 0.25) * np.sin(9 * along + 6 * rng.random((count, 1)))[..., None])
    lit = rib + normals(rib) * (0.25 * wide)[..., None] * rng.choice([-1, 1])
    # One after the other, so that a leaf covers the ribs of those below it.
    lines = np.stack([rib, lit, rib], 1).reshape(3 * count, _STEPS + 1, 2)
    thin = np.full_like(wide, rng.uniform(0.4, 1.4))
    widths = np.stack([wide, 0.46 * wide, np.minimum(thin, 0.3 * wide)], 1).reshape(3 * count, -1)
    bright, pale = rng.uniform(1.0, 1.4), rng.uniform(0.7, 1.6)
    colours = np.stack([spotted, spotted * bright, np.broadcast_to(colour * pale, spotted.shape)], 1)
    canvas.stroke(lines, widths, colours.reshape(3 * count, _STEPS + 1, 3))


def _twigs(rng: Rng, canvas: Canvas, count: int, bark: Floats) -> Floats:
    """Main branches and their twigs, drawn, as lines [T, _STEPS + 1, 2]."""
    size = canvas.size
    start = rng.uniform(0.1, 0.9, 2) * size
    main = grow(
        rng, start + rng.normal(0, 0.06 * size, (count, 2)), rng.uniform(0, 2 * np.pi, count),
        size * rng.uniform(0.2, 0.55, count), _STEPS, curl=0.7, frizz=0.12,
    )  # fmt: skip
    node = main[:, 2::2].reshape(-1, 2)
    onward = (main[:, 3::2] - main[:, 2:-1:2]).reshape(-1, 2)[: len(node)]
    onward = np.resize(onward, node.shape)
    heading = np.arctan2(onward[:, 1], onward[:, 0]) + rng.choice([-1, 1], len(node)) * rng.uniform(0.4, 1.1)
    side = grow(rng, node, heading, size * rng.uniform(0.05, 0.2, len(node)), _STEPS, curl=0.5, frizz=0.08)
    taper = np.linspace(1, 0.35, _STEPS + 1)[None]
    thick = max(1.0, size * rng.uniform(0.002, 0.012))
    canvas.stroke(side, 0.5 * thick * taper, bark)
    canvas.stroke(main, thick * taper, bark * np.float32(rng.uniform(0.8, 1.2)))
    return np.concatenate([main, side])


def branch(rng: Rng, canvas: Canvas) -> None:
    """Twigs with leaves, dense as a bush or sparse as in autumn, with holes where insects were."""
    green = _green(rng, canvas)
    bark = np.float32(rng.uniform(0.1, 0.55)) * np.array([1.0, 0.8, 0.6], np.float32)
    for _ in range(int(rng.integers(1, 3))):
        twigs = _twigs(rng, canvas, int(rng.integers(2, 7)), bark)
        count = int(rng.choice([40, 120, 300, 600]))
        which, at = rng.integers(len(twigs), size=count), rng.integers(1, _STEPS, count)
        way = twigs[which, at + 1] - twigs[which, at - 1]
        heading = np.arctan2(way[:, 1], way[:, 0]) + rng.choice([-1, 1], count) * rng.uniform(0.2, 1.3, count)
        length = canvas.size * rng.uniform(0.02, 0.14) * rng.lognormal(0, 0.25, count)
        stem = grow(rng, twigs[which, at], heading, 0.25 * length, 3)
        canvas.stroke(stem, rng.uniform(0.4, 1.5), 0.7 * bark + 0.3 * green)
        leaves(rng, canvas, stem[:, -1], heading, length, green)
    if rng.random() < 0.3:
        spots = [
            oval(rng, rng.uniform(0.1, 0.9, 2) * canvas.size, canvas.size * rng.uniform(0.003, 0.02), 0.5)
            for _ in range(int(rng.integers(5, 60)))
        ]
        canvas.cut(canvas.mask(*spots))


def fern(rng: Rng, canvas: Canvas) -> None:
    """Fronds whose leaflets are leaves, or fronds again."""
    size, green = canvas.size, _green(rng, canvas)
    for _ in range(int(rng.choice([1, 2, 4, 7]))):
        base = rng.uniform(0.1, 0.9, 2) * size
        ends = base + rng.normal(0, 0.3, (2, 2)) * size
        rachis = bezier(np.stack([base, *ends]).astype(np.float32), 48)
        reach = float(np.linalg.norm(rachis[-1] - rachis[0]))
        pairs = int(rng.integers(12, 45))
        where = np.linspace(0.12, 1, pairs).repeat(2)
        node = rachis[(where * 47).astype(int)]
        way = rachis[(where * 47).astype(int) + 1] - node
        side = np.tile([-1.0, 1.0], pairs)
        heading = np.arctan2(way[:, 1], way[:, 0]) + side * rng.uniform(0.8, 1.3)
        length = reach * rng.uniform(0.15, 0.4) * (1 - where) ** 0.6 * (0.5 + where).clip(0, 0.8) + 2
        if rng.random() < 0.45:
            small = grow(rng, node, heading, length, _STEPS, curl=0.2, frizz=0.03)
            canvas.stroke(small, 1, green * np.float32(0.8))
            inner = np.linspace(0.1, 1, 9).repeat(2)
            at = small[:, (inner * (_STEPS - 1)).astype(int)].reshape(-1, 2)
            turn = (heading[:, None] + np.tile([-0.9, 0.9], 9)[None]).ravel()
            tiny = (0.3 * length[:, None] * (1 - 0.8 * inner)[None]).ravel() + 1.5
            leaves(rng, canvas, at, turn, tiny, green)
        else:
            leaves(rng, canvas, node, heading, length, green)
        canvas.stroke(rachis[None], np.linspace(3, 0.8, 49, dtype=np.float32)[None], green * np.float32(0.7))


def needles(rng: Rng, canvas: Canvas) -> None:
    """Fir, pine, rosemary, thistle: thin straight needles along twigs."""
    green = _green(rng, canvas)
    twigs = _twigs(rng, canvas, int(rng.integers(1, 6)), np.array([0.3, 0.22, 0.15], np.float32))
    count = int(rng.choice([400, 1000, 2500]))
    which, at = rng.integers(len(twigs), size=count), rng.integers(0, _STEPS, count)
    mix = rng.random((count, 1)).astype(np.float32)
    roots = twigs[which, at] * (1 - mix) + twigs[which, at + 1] * mix
    way = twigs[which, at + 1] - twigs[which, at]
    spread = rng.uniform(0.4, 1.2)
    heading = np.arctan2(way[:, 1], way[:, 0]) + rng.choice([-1, 1], count) * rng.normal(spread, 0.2, count)
    length = canvas.size * rng.uniform(0.012, 0.08) * rng.uniform(0.7, 1.1, count)
    lines = grow(rng, roots, heading, length, 4, curl=rng.uniform(0, 0.5), frizz=0.02)
    shade = np.exp(rng.normal(0, 0.25, (count, 1, 1))).astype(np.float32)
    thick = rng.uniform(0.4, 2.2) * np.array([0.8, 1, 1, 0.8, 0.3], np.float32)
    canvas.stroke(lines, thick[None], green * shade)


def grass(rng: Rng, canvas: Canvas) -> None:
    """Blades, reeds, palm leaves: long, tapering, bent by their weight, from one foot or many."""
    size, green = canvas.size, _green(rng, canvas)
    count = int(rng.choice([15, 60, 150, 300]))
    foot = rng.uniform(0.2, 0.8, 2) * size
    spread = np.array([rng.choice([0.02, 0.2, 0.5]), 0.03]) * size
    roots = foot + rng.normal(0, 1, (count, 2)) * spread
    heading = -np.pi / 2 + rng.normal(0, rng.uniform(0.15, 1.0), count)
    length = size * rng.uniform(0.2, 0.7) * rng.uniform(0.3, 1.1, count)
    blades = grow(
        rng, roots, heading, length, 14, curl=rng.uniform(0.2, 1.4), frizz=0.02, gravity=rng.uniform(0, 1)
    )
    along = np.linspace(0, 1, 15, dtype=np.float32)
    thick = size * np.exp(rng.uniform(np.log(0.002), np.log(0.025))) * rng.uniform(0.6, 1.3, (count, 1))
    shade = np.exp(rng.normal(0, 0.25, (count, 1, 1))) * (0.6 + 0.6 * along)[None, :, None]
    canvas.stroke(blades, thick * (1 - along**2 * 0.95), green * shade.astype(np.float32))
    if rng.random() < 0.6:  # a pot, a sod
        mound, _ = blob(rng, size, 0.06, 0.16)
        canvas.lay(canvas.mask((mound - mound.mean(0) + foot + [0, 0.08 * size]).astype(np.float32)))
    if rng.random() < 0.4:  # ears of corn, seeds
        tips = blades[rng.random(count) < 0.5, -1]
        for turn in rng.normal(-np.pi / 2, 0.7, 6):
            seed = grow(rng, tips, np.full(len(tips), turn), np.full(len(tips), 0.02 * size), 4)
            canvas.stroke(seed, np.array([[0.5, 2, 2.5, 1.5, 0.3]], np.float32), green * np.float32(1.4))


def flower(rng: Rng, canvas: Canvas) -> None:
    """Flowers on stems: petals about a heart."""
    size, green = canvas.size, _green(rng, canvas)
    foot = rng.uniform(0.2, 0.8, 2) * size
    for _ in range(int(rng.choice([1, 2, 4, 8]))):
        heart = rng.uniform(0.12, 0.88, 2) * size
        bend = 0.5 * (heart + foot) + rng.normal(0, 0.1, 2) * size
        stem = bezier(np.stack([foot, bend, heart]).astype(np.float32), 24)
        canvas.stroke(stem[None], rng.uniform(1, 6), green * np.float32(0.8))
        aside = rng.integers(4, 22, 4)
        leaves(rng, canvas, stem[aside], rng.uniform(0, 6.3, 4), size * rng.uniform(0.04, 0.15, 4), green)
        petals, reach = int(rng.integers(5, 34)), size * rng.uniform(0.03, 0.16)
        colour = rng.random(3, np.float32) if rng.random() < 0.7 else canvas.colour_at(heart)
        for ring in range(int(rng.integers(1, 4))):
            turn = np.linspace(0, 2 * np.pi, petals, endpoint=False) + rng.normal(0, 0.1, petals)
            leaves(
                rng, canvas, np.tile(heart, (petals, 1)), turn, np.full(petals, reach * 0.75**ring), colour
            )
        canvas.lay(canvas.mask(oval(rng, heart, reach * rng.uniform(0.1, 0.35))), rng.random(3, np.float32))
