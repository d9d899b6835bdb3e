"""Feathers: a shaft, and barbs on both sides that hook into vanes, part here and there, and end in down."""

from __future__ import annotations

import numpy as np

from trainer.render.palette import varied
from trainer.render.parts import Floats, Rng, Strands, across, floats, unit

_JOINTS = 6


def plumes(
    rng: Rng,
    root: Floats,
    heading: Floats,
    facing: Floats,
    length: Floats,
    base: Floats,
    tip: Floats,
    barbs: int,
    breadth: float,
) -> tuple[Strands, Strands]:
    """Shafts and barbs of feathers on roots [P, 3] along `heading` [P, 3], their faces towards `facing`, as
    long as [P], coloured [P, 3] from base to tip, with `barbs` on each side that reach `breadth` lengths out.
    """
    count = len(root)
    side = unit(floats(np.cross(heading, facing)))
    face = unit(floats(np.cross(side, heading)))
    s = np.linspace(0, 1, 12, dtype=np.float32)
    bend = floats(rng.normal(0, 0.18, (2, count, 1)))
    bow = face * (bend[0] - 0.12) + side * bend[1]

    def shaft(t: Floats) -> Floats:
        """Where the shaft is at t [P, T]: [P, T, 3]."""
        reach = length[:, None, None]
        line = heading[:, None] * t[..., None] + bow[:, None] * (t**2)[..., None]
        return floats(root[:, None] + reach * line)

    spine = shaft(np.broadcast_to(s, (count, 12)))
    wide = length[:, None] * 0.008 * (1.05 - s)
    pale = floats(np.broadcast_to((0.5 * base + 0.25)[:, None], (count, 12, 3)))
    sway = floats(0.5 * length[:, None] * s**1.5)
    shafts = Strands(spine, floats(wide), pale, sway, 0.15)

    t = np.broadcast_to(np.linspace(0.06, 0.99, barbs, dtype=np.float32), (count, barbs))
    t = np.clip(np.concatenate([t, t], 1) + floats(rng.normal(0, 0.15 / barbs, (count, 2 * barbs))), 0.02, 1)
    hand = np.repeat(floats([1, -1]), barbs)[None]
    # A vane parts where neighbours let go: one offset for each run of barbs between two splits.
    split = np.cumsum(rng.random((count, 2 * barbs)) < 4 / barbs * 0.5, 1)
    parting = floats(rng.normal(0, 0.08, (count, 2 * barbs)))
    parting = np.take_along_axis(parting, np.minimum(split, 2 * barbs - 1), 1)
    down = np.clip(1 - t / floats(rng.uniform(0.12, 0.4)), 0, 1)
    profile = np.sqrt(np.clip(np.sin(np.pi * np.clip(0.12 + 0.88 * t, 0, 1) ** 0.8), 0, 1))
    reach = breadth * length[:, None] * (0.12 + 0.88 * profile) * np.where(hand > 0, 1, rng.uniform(0.55, 1))
    reach = reach * (1 + 0.1 * rng.standard_normal(t.shape))
    angle = np.clip(0.85 - 0.4 * t + parting + down * rng.normal(0, 0.5, t.shape), 0.1, 1.9)
    out = side[:, None] * (hand * np.sin(angle))[..., None] + heading[:, None] * np.cos(angle)[..., None]
    along = np.linspace(0, 1, _JOINTS, dtype=np.float32)
    start = shaft(floats(t))[:, :, None]
    steps = floats(out)[:, :, None] * along[:, None] + heading[:, None, None] * (0.35 * along**2)[:, None]
    cup = face[:, None, None] * (-0.25 * along**2)[:, None]
    points = start + (steps + cup) * floats(reach)[..., None, None]
    loose = (
        rng.standard_normal((*points.shape[:3], 3), np.float32)
        * floats(reach * (0.006 + 0.13 * down))[..., None, None]
    )
    points = (points + np.cumsum(loose, 2) * along[:, None]).reshape(-1, _JOINTS, 3)

    gap = (length / barbs)[:, None, None] * (0.5 - 0.32 * down)[..., None]
    width = gap * (1 - 0.75 * along**2)
    shade = floats(np.clip(t * 1.3 - 0.2 + rng.normal(0, 0.04, t.shape), 0, 1))[..., None]
    bars = floats(np.sin(t * rng.uniform(10, 40) + rng.uniform(0, 6)))[..., None] > 0.2
    shade = np.abs(shade - bars * np.float32(rng.choice([0, 0.5], p=[0.6, 0.4])))
    flat = varied(rng, (base[:, None] * (1 - shade) + tip[:, None] * shade).reshape(-1, 3), 0.12, 0.03)
    colour = np.broadcast_to(flat[:, None], (len(flat), _JOINTS, 3))
    give = 0.5 * length[:, None, None] * (t**1.5)[..., None] + 0.6 * floats(reach * down)[..., None] * along
    return shafts, Strands(
        floats(points),
        floats(width.reshape(-1, _JOINTS)),
        floats(colour),
        floats(give.reshape(-1, _JOINTS)),
        0.08,
    )


def fan(rng: Rng, count: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Roots, headings, facings and lengths of a few great feathers held like a fan or let fall."""
    spread = np.linspace(-1, 1, count) * rng.uniform(0.2, 0.9) if count > 1 else np.zeros(1)
    lean = rng.uniform(-0.4, 0.4)
    turn = spread + lean + rng.normal(0, 0.05, count)
    heading = unit(floats(np.stack([np.sin(turn), rng.normal(0, 0.15, count), np.cos(turn)], -1)))
    root = floats(np.stack([0.15 * spread, 0.04 * np.arange(count), np.full(count, -0.9)], -1))
    first, second = across(heading)
    facing = unit(floats([0, -1, 0]) + 0.4 * first * floats(rng.normal(0, 1, (count, 1))) + 0.1 * second)
    return root, heading, facing, floats(rng.uniform(1.4, 1.8, count))
