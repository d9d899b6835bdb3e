"""Nets, lace, knitwear, wire: regular threads, bent and seen in perspective."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from dim_model.arrays import Floats
from trainer.synth.canvas import Canvas
from trainer.synth.curves import Reals, blob, slab
from trainer.synth.foreground import Rng
from trainer.synth.kinds.solid import sticks

_STEPS = 40
Bend = Callable[[Floats], tuple[Floats, Floats]]
"""From places on the cloth [..., 2], -1..1, to places on the canvas and the scale there [...]."""


def _sheet(rng: Rng, size: int) -> Bend:
    """A cloth held in space: turned, in perspective, sagging in waves."""
    turn, tilt = rng.uniform(0, np.pi), rng.uniform(-0.45, 0.45, 2)
    spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    sway, waves = rng.uniform(0, 0.05, 2), rng.uniform(1, 7, (2, 2))
    phase, reach = rng.uniform(0, 6.28, 2), size * rng.uniform(0.5, 0.9)

    def bend(places: Floats) -> tuple[Floats, Floats]:
        bent = places + sway * np.sin(places @ waves + phase)
        near = 1 / (1 + np.clip(bent @ tilt, -0.6, 2))
        flat = bent @ spin * near[..., None] * reach + 0.5 * size
        return flat.astype(np.float32), near.astype(np.float32)

    return bend


def _tin(rng: Rng, size: int) -> Bend:
    """The wall of a cup, both its near and its far side: a pencil cup, a basket, a bird's cage."""
    radius, height = size * rng.uniform(0.18, 0.38), size * rng.uniform(0.25, 0.42)
    centre, seen = rng.uniform(0.35, 0.65, 2) * size, rng.uniform(0.05, 0.35)
    narrow = rng.uniform(0, 0.25)

    def bend(places: Floats) -> tuple[Floats, Floats]:
        angle, level = places[..., 0] * np.pi, places[..., 1]
        wide = radius * (1 - narrow * level)
        x = centre[0] + wide * np.sin(angle)
        y = centre[1] + height * level + seen * wide * np.cos(angle)
        return np.stack([x, y], -1).astype(np.float32), (1 + 0.15 * np.cos(angle)).astype(np.float32)

    return bend


def _straight(rng: Rng, cells: int) -> Floats:
    """Two families of lines, square or askew."""
    along, across = np.linspace(-1.5, 1.5, _STEPS), np.linspace(-1, 1, cells)
    lean = rng.choice([0.0, rng.uniform(0, 1)])
    a = np.stack(np.broadcast_arrays(along[None], across[:, None] + lean * along[None]), -1)
    b = np.stack(np.broadcast_arrays(across[:, None] - lean * along[None], along[None]), -1)
    return np.concatenate([a, b])


def _looped(rng: Rng, cells: int) -> Floats:
    """Rows of loops: chain link where they are corners, knitwear where they are round."""
    along, across = np.linspace(-1.2, 1.2, 8 * cells), np.linspace(-1.2, 1.2, cells + 1)
    turn = np.pi * cells * along / 1.2
    is_link = rng.random() < 0.5
    wave = np.arcsin(np.sin(turn)) * 2 / np.pi if is_link else np.sin(turn)
    deep, lean = (1.22 if is_link else rng.uniform(0.9, 1.6)) / cells, 0 if is_link else 0.6 / cells
    flip = (-1.0) ** np.arange(cells + 1)[:, None] if is_link else 1.0
    rows = across[:, None] + deep * flip * wave[None]
    return np.stack([np.broadcast_to(along + lean * np.sin(2 * turn), rows.shape), rows], -1)


def _rosettes(rng: Rng, cells: int) -> Floats:
    """Rings and petals in rows, as lace has."""
    turn = np.linspace(0, 2 * np.pi, _STEPS)
    petals, depth = int(rng.integers(3, 9)), rng.uniform(0, 0.8)
    spread = 2 / cells
    radius = 0.55 * spread * (1 + depth * np.cos(petals * turn)) / (1 + 0.5 * depth)
    shape = np.stack([radius * np.cos(turn), radius * np.sin(turn)], -1)
    column, row = np.meshgrid(np.linspace(-1, 1, cells), np.linspace(-1, 1, cells))
    column = column + 0.5 * spread * (np.arange(cells) % 2)[:, None]
    return np.asarray(np.stack([column.ravel(), row.ravel()], -1)[:, None] + shape[None], np.float32)


def _threads(rng: Rng, canvas: Canvas, lines: Floats, bend: Bend, thick: float) -> None:
    """Lay lines as yarn, cord or metal. Metal has a bright side and a dark one."""
    points, near = bend(lines)
    is_metal = rng.random() < 0.45
    colour: Reals = canvas.colour_at(points) if rng.random() < 0.3 else rng.random(3, np.float32)
    if is_metal:
        colour = np.full(3, rng.choice([0.04, 0.15, 0.35, 0.7]), np.float32) + rng.normal(0, 0.03, 3)
    shade = 1 + 0.2 * np.sin(points @ rng.normal(0, 0.02, 2))[..., None]
    canvas.stroke(points, thick * near, (colour * shade).astype(np.float32))
    if is_metal or rng.random() < 0.4:
        light = points + np.float32(thick * 0.22) * np.array([-1, -1], np.float32)
        gleam = np.clip(colour + rng.uniform(0.15, 0.7), 0, 1) * shade
        canvas.stroke(light, 0.3 * thick * near, gleam.astype(np.float32))


def _rim(rng: Rng, canvas: Canvas, bend: Bend, level: float, wide: float) -> None:
    along = np.linspace(-1, 1, 60)
    points, near = bend(np.stack([along, np.full(60, level)], -1)[None])
    colour = np.full(3, rng.uniform(0.05, 0.8), np.float32)
    canvas.stroke(points, wide * near, colour)
    canvas.stroke(points - np.float32(0.2 * wide), 0.3 * wide * near, colour + np.float32(0.3))


def net(rng: Rng, canvas: Canvas) -> None:
    """A net, a curtain of lace, a piece of knitwear, a fence; with a hem or a patch that shows its colour."""
    size, bend = canvas.size, _sheet(rng, canvas.size)
    pattern = (_straight, _looped, _rosettes)[rng.choice(3, p=[0.45, 0.3, 0.25])]
    cells = int(rng.choice([10, 16, 24, 36]))
    pitch = size / cells
    thick = float(np.clip(pitch * np.exp(rng.uniform(np.log(0.05), np.log(0.45))), 0.5, 12))
    sheet = canvas.bare()
    _threads(rng, sheet, pattern(rng, cells), bend, thick)
    if pattern is _rosettes or rng.random() < 0.15:
        _threads(rng, sheet, _straight(rng, 2 * cells), bend, 0.5 * thick)
    outline, centre = blob(rng, size, 0.3, 0.65)
    if rng.random() < 0.4:
        outline = slab(rng, size)
        centre = outline.mean(0)
    sheet.cut(1 - canvas.mask(outline))
    canvas.over(sheet)
    choice = rng.random()
    if choice < 0.4:
        hem = rng.uniform(0.02, 0.07) * size
        canvas.stroke(np.concatenate([outline, outline[:1]])[None], hem, canvas.colour_at(centre))
    elif choice < 0.85:
        canvas.lay(canvas.mask((centre + (outline - centre) * rng.uniform(0.15, 0.4)).astype(np.float32)))
    if choice > 0.7:  # a post, an arm, an edge of the goal
        ends = rng.uniform(0, 1, (1, 2, 2)).astype(np.float32) * size
        canvas.stroke(ends, rng.uniform(0.01, 0.05) * size, canvas.colour_at(ends[0, 0]))


def basket(rng: Rng, canvas: Canvas) -> None:
    """A cup of wire mesh: far wall, what it holds, near wall, rims."""
    size, bend = canvas.size, _tin(rng, canvas.size)
    pattern = _straight if rng.random() < 0.7 else _looped
    cells = int(rng.choice([10, 18, 28]))
    lines = pattern(rng, cells)
    lines = lines[(np.abs(lines[..., 1]) <= 1.6).all(-1)]
    lines[..., 1] = np.clip(lines[..., 1], -1, 1)
    lines[..., 0] = np.clip(lines[..., 0], -1, 1)
    thick = float(np.clip(size / cells * rng.uniform(0.08, 0.25), 0.8, 8))
    look = np.random.default_rng(rng.integers(1 << 32))
    state = look.bit_generator.state
    is_far = np.abs(lines[..., 0]).mean(-1) > 0.5
    _threads(look, canvas, lines[is_far], bend, thick)
    wide = size * rng.uniform(0.01, 0.03)
    _rim(rng, canvas, bend, -1.0, wide)
    if rng.random() < 0.8:
        walls, _ = bend(np.array([[0, 0.9], [1, 0.9]], np.float32))
        sticks(rng, canvas, int(rng.integers(1, 8)), walls.mean(0))
    look.bit_generator.state = state
    _threads(look, canvas, lines[~is_far], bend, thick)
    _rim(rng, canvas, bend, 1.0, wide)
    if rng.random() < 0.6:
        disc, _ = bend(np.stack([np.linspace(-1, 1, 60), np.ones(60)], -1))
        canvas.lay(canvas.mask(disc), canvas.colour_at(disc[0]))


def sieve(rng: Rng, canvas: Canvas) -> None:
    """A sheet full of holes: perforated metal, cut paper, crochet."""
    size, bend = canvas.size, _sheet(rng, canvas.size)
    outline = blob(rng, size, 0.25, 0.5)[0] if rng.random() < 0.5 else slab(rng, size)
    canvas.lay(canvas.mask(outline))
    cells = int(rng.choice([6, 10, 16, 26]))
    holes, _ = bend(_rosettes(rng, cells) * np.float32(rng.uniform(0.4, 0.85)))
    holes = holes[rng.random(len(holes)) < rng.choice([0.5, 1.0])]
    drawn = np.zeros((size, size), np.uint8)
    for hole in np.round(holes * 16).astype(np.int32):
        cv2.fillPoly(drawn, [hole], 255, cv2.LINE_AA, 4)
    canvas.cut(drawn.astype(np.float32) / np.float32(255))
