"""Hair and fur: manes, coats, pony tails, curls, brushes and feathers."""

from __future__ import annotations

import numpy as np

from dim_model.arrays import Floats
from trainer.synth.canvas import Canvas
from trainer.synth.curves import Reals, bezier, blob, grow, normals
from trainer.synth.foreground import Rng
from trainer.synth.noise import fractal
from trainer.synth.strands import Coat, clumped, draw_strands, random_coat

_STEPS = 14
"""Straight pieces of a strand: enough that it shows no corner at the sizes drawn."""


def _rooted(rng: Rng, outline: Floats, centre: Floats, count: int, depth: float) -> tuple[Floats, Reals]:
    """Roots [S, 2] down to ``depth`` within the outline, the outermost first, and the way out [S]."""
    arc, width = rng.random(), rng.uniform(0.3, 1.0) if rng.random() < 0.5 else 1.0
    foot = outline[((arc + rng.random(count) * width) % 1 * len(outline)).astype(int)]
    inward = np.sort(rng.random(count) ** 1.5)[:, None] * depth  # most where it shows: at the edge
    roots = foot + (centre - foot) * inward.astype(np.float32)
    out = np.arctan2(foot[:, 1] - centre[1], foot[:, 0] - centre[0])
    return roots, out


def _combed(rng: Rng, roots: Floats, out: Reals, size: int) -> Reals:
    """Headings [S]: outward, or all one way; neighbours alike, each a little astray."""
    x, y = np.clip(roots, 0, size - 1).astype(int).T
    parting = (fractal(rng, size, 3, 6)[y, x] - 0.5) * rng.uniform(0, 3.5)
    if rng.random() < 0.5:
        way, turn = rng.uniform(0, 2 * np.pi), rng.uniform(0.3, 1.0)
        away = (way - out + np.pi) % (2 * np.pi) - np.pi
        out = out + turn * away
    return np.asarray(out + parting + rng.normal(0, rng.uniform(0.05, 0.5), len(roots)))


def _flyaways(rng: Rng, canvas: Canvas, strands: Floats, coat: Coat) -> None:
    """A few strands that go their own way, long and thin."""
    count = min(len(strands), int(rng.choice([0, 12, 40, 90])))
    if count:
        own = strands[rng.choice(len(strands), count, replace=False)]
        stray = own[:, -1] - own[:, 0]
        heading = np.arctan2(stray[:, 1], stray[:, 0]) + rng.normal(0, 0.6, count)
        length = np.linalg.norm(stray, axis=-1) * rng.uniform(0.5, 1.8, count)
        own = grow(rng, own[:, 1], heading, length, _STEPS, curl=1.8, frizz=0.12)
        draw_strands(
            rng, canvas, own, Coat(coat.root, coat.tip, coat.thickness * 0.7, coat.spread, coat.gloss)
        )


def coat_of(rng: Rng, canvas: Canvas, outline: Floats, centre: Floats, shortest: float = 0.05) -> None:
    """Short fur all over a body, or hair on a part of it: the picture of toys and animals."""
    reach = float(np.abs(outline - centre).max())
    length = max(4.0, reach * float(np.exp(rng.uniform(np.log(shortest), np.log(0.6)))))
    skin = 1 - rng.uniform(0, 0.4) * min(length / reach, 0.4)  # where fur begins, none sees it end
    canvas.lay(canvas.mask((centre + (outline - centre) * skin).astype(np.float32)))
    count = int(np.clip(rng.uniform(3, 12) * reach * reach / length, 300, 5000))
    depth = rng.uniform(0.3, 0.95)
    roots, out = _rooted(rng, outline, centre, count, depth)
    heading = _combed(rng, roots, out, canvas.size)
    lengths = length * rng.lognormal(0, 0.3, count)
    strands = grow(
        rng, roots, heading, lengths, 8 if length < 40 else _STEPS,
        curl=rng.uniform(0, 1.2), frizz=rng.choice([0.03, 0.1, 0.3]), gravity=rng.uniform(-0.2, 0.7),
    )  # fmt: skip
    if rng.random() < 0.7:
        strands = clumped(rng, strands, rng.uniform(0.2, 0.8), int(rng.integers(6, 40)))
    coat = random_coat(rng, canvas.colour_at(roots) if rng.random() < 0.6 else None)
    draw_strands(rng, canvas, strands, coat)
    _flyaways(rng, canvas, strands[: count // 3], _one(coat))


def _one(coat: Coat) -> Coat:
    """The coat in its mean colours."""
    root, tip = (np.atleast_2d(c).mean(0) for c in (coat.root, coat.tip))
    return Coat(root, tip, coat.thickness, coat.spread, coat.gloss)


def fur(rng: Rng, canvas: Canvas) -> None:
    coat_of(rng, canvas, *blob(rng, canvas.size, 0.18, 0.45))


def mane(rng: Rng, canvas: Canvas) -> None:
    """A head with long hair: straight, waved or frizzy, up like a troll's or down like a girl's."""
    outline, centre = blob(rng, canvas.size)
    canvas.lay(canvas.mask(outline))
    coat = random_coat(rng, canvas.colour_at(centre) if rng.random() < 0.25 else None)
    up = -np.pi / 2 if rng.random() < 0.5 else rng.uniform(0, 2 * np.pi)
    for _ in range(int(rng.integers(1, 3))):
        count = int(rng.choice([150, 600, 1500, 3000, 4500]))
        roots, out = _rooted(rng, outline, centre, count, rng.uniform(0.2, 0.7))
        heading = _combed(rng, roots, out, canvas.size)
        if rng.random() < 0.4:
            heading = up + rng.normal(0, rng.uniform(0.15, 0.6), count)
        length = canvas.size * rng.uniform(0.08, 0.5) * rng.uniform(0.5, 1.1, count)
        strands = grow(
            rng, roots, heading, length, _STEPS, curl=rng.uniform(0.1, 1.2),
            frizz=rng.choice([0.02, 0.06, 0.25]), gravity=rng.uniform(-0.2, 1.5),
            waves=rng.uniform(0.5, 4), swing=rng.choice([0, 0.3, 0.9]),
        )  # fmt: skip
        for per_clump in rng.choice([6, 15, 50, 120], int(rng.integers(0, 3)), replace=False):
            strands = clumped(rng, strands, rng.uniform(0.3, 0.95), int(per_clump))
        draw_strands(rng, canvas, strands, coat)
        _flyaways(rng, canvas, strands, coat)


def tail(rng: Rng, canvas: Canvas) -> None:
    """A pony tail, a lock, a plait's end: strands along one curve that part towards its end."""
    outline, centre = blob(rng, canvas.size, 0.1, 0.25)
    canvas.lay(canvas.mask(outline))
    coat = random_coat(rng)
    for _ in range(int(rng.choice([1, 1, 2, 4]))):
        end = rng.uniform(0.05, 0.95, 2) * canvas.size
        pulls = np.stack([centre, *rng.uniform(0, 1, (2, 2)) * canvas.size, end]).astype(np.float32)
        guide = bezier(pulls, 2 * _STEPS)
        along = np.linspace(0, 1, len(guide), dtype=np.float32)
        count = int(rng.choice([200, 500, 1000, 2000]))
        thick = canvas.size * rng.uniform(0.02, 0.09)
        profile = thick * (0.5 + 1.2 * along ** rng.uniform(0.4, 2)) * (1 - 0.3 * along**6)
        place = rng.normal(0, 0.45, (count, 1))
        wave = rng.uniform(0, 0.3) * np.sin(rng.uniform(3, 20) * along + rng.normal(0, 0.8, (count, 1)))
        drift = np.cumsum(rng.normal(0, 0.05, (count, len(along))), 1)
        aside = (place + wave + drift) * profile
        strands = guide[None] + aside[..., None].astype(np.float32) * normals(guide)[None]
        # Ends are of uneven length: each strand stops somewhere in the last third.
        stop = np.linspace(0, 1, len(guide))[None] * rng.uniform(0.65, 1.0, (count, 1)) * (len(guide) - 1)
        low = np.minimum(stop.astype(int), len(guide) - 2)
        part = (stop - low)[..., None].astype(np.float32)
        row = np.arange(count)[:, None]
        strands = strands[row, low] * (1 - part) + strands[row, low + 1] * part
        draw_strands(rng, canvas, strands, coat)
        _flyaways(rng, canvas, strands[:, _STEPS:], coat)


def curls(rng: Rng, canvas: Canvas) -> None:
    """Ringlets, wool, frizz: strands that wind about their way."""
    outline, centre = blob(rng, canvas.size)
    canvas.lay(canvas.mask(outline))
    count = int(rng.choice([200, 600, 1500]))
    roots, out = _rooted(rng, outline, centre, count, rng.uniform(0.1, 0.6))
    heading = _combed(rng, roots, out, canvas.size)
    length = canvas.size * rng.uniform(0.06, 0.3) * rng.uniform(0.5, 1.1, count)
    strands = grow(rng, roots, heading, length, 36, curl=0.8, frizz=0.02, gravity=rng.uniform(-0.2, 1))
    if rng.random() < 0.7:
        strands = clumped(rng, strands, rng.uniform(0.5, 0.95), int(rng.integers(10, 60)))
    turns = rng.uniform(2, 7) * rng.uniform(0.8, 1.2, (count, 1))
    angle = (
        2 * np.pi * turns * np.linspace(0, 1, 37)[None]
        + rng.uniform(0, 2 * np.pi)
        + rng.normal(0, 0.4, (count, 1))
    )
    wide = canvas.size * rng.uniform(0.004, 0.025) * np.linspace(0.2, 1, 37)[None]
    wind = np.stack([np.cos(angle), np.sin(angle)], -1) * wide[..., None]
    strands = (strands + wind).astype(np.float32)
    coat = random_coat(rng, canvas.colour_at(roots) if rng.random() < 0.3 else None)
    draw_strands(rng, canvas, strands, coat)


def brush(rng: Rng, canvas: Canvas) -> None:
    """Few strong bristles, lashes, whiskers, a broom, straw: each plain to see."""
    outline, centre = blob(rng, canvas.size, 0.1, 0.35)
    count = int(rng.choice([12, 40, 120, 300]))
    roots, out = _rooted(rng, outline, centre, count, 0.4)
    way = out if rng.random() < 0.5 else np.full(count, rng.uniform(0, 2 * np.pi))
    heading = way + rng.normal(0, rng.uniform(0.05, 0.4), count)
    length = canvas.size * rng.uniform(0.1, 0.5) * rng.uniform(0.7, 1.1, count)
    strands = grow(
        rng, roots, heading, length, _STEPS, curl=rng.uniform(0, 1), frizz=0.02, gravity=rng.uniform(0, 0.6)
    )
    coat = random_coat(rng)
    coat = Coat(coat.root, coat.tip, coat.thickness * rng.uniform(1, 3), coat.spread, coat.gloss)
    is_over = rng.random() < 0.5
    if is_over:
        canvas.lay(canvas.mask(outline))
    draw_strands(rng, canvas, strands, coat)
    if not is_over:
        canvas.lay(canvas.mask(outline))


def feather(rng: Rng, canvas: Canvas) -> None:
    """Quills with barbs that part in places, down at the foot."""
    for _ in range(int(rng.choice([1, 1, 2, 4]))):
        ends = rng.uniform(0.05, 0.95, (2, 2)) * canvas.size
        bend = ends.mean(0) + rng.normal(0, 0.12, 2) * canvas.size
        quill = bezier(np.stack([ends[0], bend, ends[1]]).astype(np.float32), 40)
        reach = float(np.linalg.norm(ends[1] - ends[0]))
        count = int(np.clip(2 * reach, 60, 1600))
        where = np.sort(rng.uniform(0.08, 1, count))
        side = rng.choice([-1.0, 1.0], count)
        nodes = (where * 40).astype(int).clip(0, 39)
        fraction = (where * 40 - nodes)[:, None].astype(np.float32)
        roots = quill[nodes] * (1 - fraction) + quill[nodes + 1] * fraction
        forward = quill[nodes + 1] - quill[nodes]
        parting = (fractal(rng, 64, 8, 32)[(side > 0).astype(int) * 40, (where * 63).astype(int)] - 0.5) * 0.8
        heading = np.arctan2(forward[:, 1], forward[:, 0]) + side * (rng.uniform(0.5, 0.9) + parting)
        heading += rng.normal(0, 0.02, count) + side * (where < 0.2) * rng.normal(0, 0.5, count)
        wide = reach * rng.uniform(0.08, 0.2) * np.sin(np.pi * where**0.7) ** 0.6
        barbs = grow(rng, roots, heading, wide, 8, curl=0.1, frizz=0.02)
        coat = random_coat(rng, canvas.colour_at(roots) if rng.random() < 0.5 else None)
        draw_strands(
            rng, canvas, barbs, Coat(coat.root, coat.tip, rng.uniform(0.6, 2.2), 0.08, coat.gloss * 0.3)
        )
        spine = np.linspace(rng.uniform(1.5, 5), 0.5, len(quill), dtype=np.float32)
        canvas.stroke(quill[None], spine[None], np.clip(np.atleast_2d(coat.root).mean(0) * 1.3, 0, 1))
