"""Plants: stems that branch, leaves that fold and curl, grass, needles and the clocks of dandelions."""

from __future__ import annotations

import numpy as np

from trainer.render.palette import dyed, green, varied, waves
from trainer.render.parts import Floats, Rng, Strands, Subject, Surface, across, floats, scattered, unit

_UP = floats([0, 0, 1])


def _stems(
    rng: Rng, count: int, joints: int, root: Floats, heading: Floats, length: Floats, fall: float
) -> Floats:
    """Lines [count, joints, 3] that wander and bow."""
    step, at, line = (length / (joints - 1))[:, None], root, []
    wander = scattered(rng, count) * np.float32(0.25)
    for _ in range(joints):
        line.append(at)
        bend = (wander - np.float32(fall) * _UP) * step + rng.normal(0, 0.04, (count, 3))
        heading = unit(floats(heading + bend))
        at = floats(at + heading * step)
    return floats(np.stack(line, 1))


def _wood(points: Floats, width: Floats, colour: Floats, rooted: Floats) -> Strands:
    count, joints = points.shape[:2]
    s = np.linspace(0, 1, joints, dtype=np.float32)
    give = rooted[:, None] + 0.35 * s**1.5 * np.linalg.norm(points[:, -1] - points[:, 0], axis=-1)[:, None]
    tinted = np.broadcast_to(colour, (count, joints, 3))
    return Strands(points, floats(width[:, None] * (1 - 0.65 * s)), floats(tinted), floats(give), 0.05)


def blades(
    rng: Rng, root: Floats, heading: Floats, length: Floats, colour: Floats, give: Floats, slim: float
) -> Surface:
    """Leaves on roots [L, 3] along headings [L, 3], as long as [L], coloured [L, 3]: one surface."""
    rows, columns = 9, 5
    count = len(root)
    u, v = np.linspace(0, 1, rows, dtype=np.float32), np.linspace(-1, 1, columns, dtype=np.float32)
    side, face = across(heading)
    roll = floats(rng.uniform(0, 6.3, (count, 1)))
    side, face = side * np.cos(roll) + face * np.sin(roll), face * np.cos(roll) - side * np.sin(roll)
    teeth = 1 + rng.uniform(0, 0.12) * np.sin(u * rng.uniform(20, 60))
    breadth = slim * np.sin(np.pi * u ** np.float32(rng.uniform(0.55, 0.95))) * teeth
    curl, fold = floats(rng.normal(-0.25, 0.3, (count, 1))), floats(rng.uniform(0, 0.6, (count, 1)))
    ripple = 0.06 * np.sin(u * rng.uniform(6, 20))[:, None] * np.abs(v)
    forward = heading[:, None] * u[:, None] + (face * curl)[:, None] * (u**2)[:, None]
    outward = side[:, None, None] * (breadth[:, None] * v)[..., None]
    upward = (
        face[:, None, None] * (fold[:, :, None] * breadth[:, None] * np.abs(v) + ripple * slim)[..., None]
    )
    points = root[:, None, None] + (forward[:, :, None] + outward + upward) * length[:, None, None, None]
    vein = np.where(np.abs(v) < 0.1, 1.35, 1.0) * (0.85 + 0.15 * np.sin(u[:, None] * 45 - np.abs(v) * 9))
    tinted = colour[:, None, None] * floats(vein)[..., None]
    grid = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]
    one = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    triangles = (np.arange(count)[:, None, None] * rows * columns + one).reshape(-1, 3).astype(np.int32)
    sway = give[:, None, None] + 0.4 * (length[:, None] * u)[..., None] + 0 * v
    return Surface(
        floats(points.reshape(-1, 3)),
        triangles,
        floats(tinted.reshape(-1, 3)),
        floats(sway.reshape(-1)),
        thin=True,
    )


def leafy(rng: Rng) -> Subject:
    """Stems with leaves along them: a bush, a creeper or a fern, by the numbers it draws."""
    stems, joints = int(rng.integers(3, 14)), 14
    spread = rng.uniform(0.2, 0.8)
    root = floats(rng.normal(0, 0.12, (stems, 3))) - 0.85 * _UP
    heading = unit(_UP + np.float32(spread) * scattered(rng, stems))
    line = _stems(
        rng, stems, joints, root, heading, floats(rng.uniform(0.9, 1.9, stems)), rng.uniform(-0.1, 0.8)
    )
    bark = green(rng) * np.float32(0.6)
    wood = _wood(line, floats(rng.uniform(0.006, 0.018, stems)), bark, floats(np.zeros(stems)))
    per = int(rng.integers(6, 34))
    at = rng.integers(2, joints, (stems, per))
    each = np.repeat(np.arange(stems), per)
    base, along = line[each, at.ravel()], unit(line[each, at.ravel()] - line[each, at.ravel() - 1])
    outward = unit(along * rng.uniform(0.3, 1.2) + scattered(rng, len(base)))
    size = floats(rng.uniform(0.6, 1.1, len(base))) * np.float32(rng.uniform(0.08, 0.4))
    colour = varied(rng, np.repeat(green(rng)[None], len(base), 0), 0.2, 0.1)
    leaves = blades(rng, base, outward, size, colour, wood.give[each, at.ravel()], rng.uniform(0.08, 0.4))
    return Subject("leaves", (wood,), (leaves,))


def grass(rng: Rng) -> Subject:
    """A tuft, or a meadow's edge."""
    count = int(rng.integers(300, 2500))
    root = floats(rng.normal(0, 1, (count, 3)) * [rng.uniform(0.15, 0.9), 0.25, 0.02]) - 0.8 * _UP
    heading = unit(_UP + np.float32(rng.uniform(0.15, 0.6)) * scattered(rng, count))
    line = _stems(rng, count, 12, root, heading, floats(rng.uniform(0.6, 1.7, count)), rng.uniform(0.2, 1.3))
    s = np.linspace(0, 1, 12, dtype=np.float32)
    dry = floats(np.clip(s * 1.5 - rng.uniform(0.3, 1.6), 0, 1))[None, :, None]
    own = varied(rng, np.repeat(green(rng)[None], count, 0), 0.25, 0.08)[:, None]
    colour = own * (0.5 + 0.5 * s)[:, None] * (1 - dry) + floats([0.5, 0.38, 0.16]) * dry
    width = floats(rng.uniform(0.3, 1, count))[:, None] * np.float32(rng.uniform(0.004, 0.014)) * (1 - s**2)
    give = floats(np.broadcast_to(0.5 * s**1.6, (count, 12)))
    return Subject("grass", (Strands(line, floats(width + 2e-4), floats(colour), give, 0.12),))


def needles(rng: Rng) -> Subject:
    """Twigs of a conifer."""
    twigs, per = int(rng.integers(4, 14)), int(rng.integers(150, 500))
    root = floats(rng.normal(0, 0.15, (twigs, 3)))
    line = _stems(
        rng, twigs, 14, root, scattered(rng, twigs), floats(rng.uniform(0.6, 1.2, twigs)), rng.uniform(0, 0.6)
    )
    wood = _wood(line, floats(np.full(twigs, 0.013)), floats([0.12, 0.07, 0.04]), floats(np.zeros(twigs)))
    each, where = np.repeat(np.arange(twigs), per), rng.uniform(1.5, 12.99, twigs * per)
    low = where.astype(int)
    part = floats(where - low)[:, None]
    base = line[each, low] * (1 - part) + line[each, low + 1] * part
    along = unit(line[each, low + 1] - line[each, low])
    heading = unit(along * np.float32(rng.uniform(0.3, 1.3)) + scattered(rng, len(base)))
    length = floats(rng.uniform(0.7, 1.1, len(base))) * np.float32(rng.uniform(0.1, 0.3))
    points = _stems(rng, len(base), 4, base, heading, length, 0.4)
    colour = varied(rng, np.repeat(green(rng)[None] * np.float32(0.8), len(base), 0), 0.2, 0.06)
    width = np.float32(rng.uniform(0.0025, 0.005)) * floats([[1, 1, 0.8, 0.2]]) + 0 * length[:, None]
    give = wood.give[each, low][:, None] + 0 * length[:, None] * floats([[0, 0, 0, 1]])
    thorn = Strands(points, floats(width), floats(np.repeat(colour[:, None], 4, 1)), floats(give), 0.15)
    return Subject("needles", (wood, thorn))


def clock(rng: Rng) -> Subject:
    """Dandelions gone to seed: the finest threads that grow outdoors."""
    strands: list[Strands] = []
    for _ in range(int(rng.integers(1, 4))):
        centre = floats(rng.uniform(-0.5, 0.5, 3) * [1, 1, 0.8]) + 0.15 * _UP
        ball, seeds, hairs = rng.uniform(0.28, 0.5), int(rng.integers(90, 220)), int(rng.integers(14, 30))
        stem = _stems(rng, 1, 14, floats([[centre[0] * 0.6, 0, -1.3]]), _UP[None], floats([1.0]), 0)
        stem += (centre - stem[0, -1]) * np.linspace(0, 1, 14, dtype=np.float32)[None, :, None] ** 1.5
        strands.append(_wood(stem, floats([0.02]), green(rng), floats([0])))
        out = scattered(rng, seeds)
        out = out[waves(rng, out, 2) > rng.uniform(-1.6, -0.2)]  # the wind has had some
        beak = centre + out[:, None] * floats([0.06, 0.3, 0.6])[:, None] * np.float32(ball / 0.6)
        rooted = floats(np.full(len(out), 0.25))
        strands.append(_wood(beak, floats(np.full(len(out), 0.004)), floats([0.25, 0.17, 0.1]), rooted))
        aim = unit(
            np.repeat(out, hairs, 0) * np.float32(rng.uniform(0.4, 0.9)) + scattered(rng, len(out) * hairs)
        )
        tip = np.repeat(beak[:, -1], hairs, 0)
        s = floats([0, 0.33, 0.66, 1])
        length = floats(rng.uniform(0.8, 1.1, len(aim))) * np.float32(ball * 0.42)
        points = tip[:, None] + (aim * length[:, None])[:, None] * s[:, None]
        pale = (floats([0.8, 0.8, 0.76]) if rng.random() < 0.8 else dyed(rng)) + 0 * points
        fine = np.float32(rng.uniform(0.001, 0.0022)) * (1.1 - s) + 0 * length[:, None]
        give = floats(0.3 + 0.3 * length[:, None] * s)
        strands.append(Strands(floats(points), floats(fine), floats(pale), give, 0.05))
    return Subject("clock", tuple(strands))
