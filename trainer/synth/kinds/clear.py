"""What light goes through: veils, bags, glass, smoke. Broad areas of partial alpha, with firm glints."""

from __future__ import annotations

import cv2
import numpy as np

from dim_model.arrays import Floats
from trainer.synth.canvas import Canvas
from trainer.synth.curves import Reals, bezier, blob, oval, slab
from trainer.synth.foreground import Rng
from trainer.synth.kinds.hair import mane
from trainer.synth.noise import fractal, warped


def _even(rng: Rng) -> float:
    """Alpha of one sheet: from hardly there to nearly opaque."""
    return float(np.exp(rng.uniform(np.log(0.06), np.log(0.85))))


def _body(rng: Rng, canvas: Canvas) -> tuple[Floats, Floats]:
    outline, centre = blob(rng, canvas.size, 0.25, 0.55)
    if rng.random() < 0.25:
        outline = slab(rng, canvas.size)
        centre = outline.mean(0)
    return outline, centre


def _core(rng: Rng, canvas: Canvas, outline: Floats, centre: Floats, chance: float) -> None:
    """Something opaque inside or behind: the trimap can know it."""
    if rng.random() < chance:
        inner = centre + (outline - centre) * rng.uniform(0.2, 0.55) + rng.normal(0, 0.05, 2) * canvas.size
        canvas.lay(canvas.mask(inner.astype(np.float32)))


def veil(rng: Rng, canvas: Canvas) -> None:
    """Thin cloth in folds: it hides more where it is seen edge-on, or lies double. Over a head, or alone."""
    size = canvas.size
    if rng.random() < 0.35:
        mane(rng, canvas)
        canvas.cloth = np.ascontiguousarray(canvas.cloth[::-1, ::-1])
    outline, centre = _body(rng, canvas)
    if rng.random() < 0.5:
        _core(rng, canvas, outline, centre, 0.8)
    turn = rng.uniform(0, np.pi)
    y, x = np.mgrid[:size, :size].astype(np.float32)
    across = (x * np.cos(turn) + y * np.sin(turn)) / size * rng.uniform(2, 12)
    phase = 2 * np.pi * (across + rng.uniform(0.5, 5) * fractal(rng, size, 2, 8)).astype(np.float32)
    deep = np.float32(rng.uniform(0.5, 3.5)) * fractal(rng, size, 2, 8)
    slope = (np.cos(phase) + 0.4 * np.cos(np.float32(2.7) * phase + 3 * deep)) * deep
    layers = np.sqrt(1 + slope**2)
    if rng.random() < 0.4:
        layers *= 1 + canvas.mask(blob(rng, size, 0.2, 0.5)[0])
    through = np.float32(1 - _even(rng))
    cover = (1 - through**layers) * canvas.mask(outline)
    light = 0.85 + 0.25 * np.sin(phase + rng.uniform(0, 6.28))[..., None]
    tone = canvas.cloth if rng.random() < 0.3 else np.clip(rng.normal(0.7, 0.25, 3), 0.02, 1)
    canvas.lay(cover, (tone * light).astype(np.float32))
    if rng.random() < 0.6:  # a hem
        closed = np.concatenate([outline, outline[:1]])[None]
        canvas.stroke(closed, rng.uniform(0.8, 0.03 * size), np.asarray(tone).reshape(-1, 3).mean(0))


def bag(rng: Rng, canvas: Canvas) -> None:
    """Crumpled plastic: thin film, whitish along its wrinkles, with glints as bright as the lamp."""
    size = canvas.size
    outline, centre = _body(rng, canvas)
    _core(rng, canvas, outline, centre, 0.5)
    cells = int(rng.integers(2, 8))
    height = warped(rng, fractal(rng, size, cells, 64, ridged=True), 0.05 * size, 6)
    smooth = np.asarray(cv2.GaussianBlur(height, (0, 0), rng.uniform(0.8, 3)), np.float32) * np.float32(
        0.12 * size
    )
    dx, dy = (cv2.Sobel(smooth, cv2.CV_32F, *way, ksize=3, scale=0.125) for way in ((1, 0), (0, 1)))
    steep = np.sqrt(dx * dx + dy * dy)
    area = canvas.mask(outline)
    through = np.float32(1 - _even(rng) * 0.7)
    cover = (1 - through ** (1 + np.float32(rng.uniform(0.5, 3)) * steep)) * area
    turn = rng.uniform(0, 2 * np.pi)
    facing = (dx * np.cos(turn) + dy * np.sin(turn)).astype(np.float32)
    tint = np.clip(rng.normal(0.75, 0.2) + rng.normal(0, 0.12, 3), 0.03, 1)
    canvas.lay(cover, (tint * np.clip(0.8 + 0.6 * facing, 0.15, 1.5)[..., None]).astype(np.float32))
    if rng.random() < 0.35:  # print
        canvas.lay(canvas.mask(blob(rng, size, 0.06, 0.16)[0]) * area * np.float32(rng.uniform(0.7, 1)))
    level = np.quantile(facing[::4, ::4], rng.uniform(0.9, 0.985))
    glint = np.clip((facing - level) * np.float32(rng.uniform(3, 12)), 0, 1) * area
    canvas.lay(glint, np.clip(rng.normal(0.95, 0.06) + rng.normal(0, 0.02, 3), 0, 1).astype(np.float32))
    if rng.random() < 0.5:
        closed = np.concatenate([outline, outline[:1]])[None]
        canvas.stroke(closed, rng.uniform(0.5, 4), tint * rng.uniform(0.7, 1.2))


def _turned(rng: Rng, size: int) -> tuple[Floats, Floats]:
    """The outline of something turned on a wheel, a bottle or a cup, and its axis [2, 2]."""
    along = np.linspace(0, 1, 80)
    profile = np.full(80, rng.uniform(0.5, 1.0))
    for k in range(1, 4):
        profile += rng.uniform(-0.45, 0.45) / k * np.cos(k * np.pi * along + rng.uniform(0, 3))
    profile = np.clip(profile, 0.12, None) * size * rng.uniform(0.1, 0.24)
    top, tall = rng.uniform(0.05, 0.3) * size, size * rng.uniform(0.4, 0.75)
    centre, lean = rng.uniform(0.35, 0.65) * size, rng.normal(0, 0.06)
    y = top + tall * along
    x = centre + lean * (y - top)
    outline = np.concatenate([np.stack([x - profile, y], -1), np.stack([x + profile, y], -1)[::-1]])
    return outline.astype(np.float32), np.array([[x[0], y[0]], [x[-1], y[-1]]], np.float32)


def glass(rng: Rng, canvas: Canvas) -> None:
    """Glasses, bottles, bubbles: clear within, firm towards the rim, filled in part, with reflections."""
    size = canvas.size
    outline, axis = _turned(rng, size)
    if rng.random() < 0.3:
        outline = oval(rng, size * rng.uniform(0.35, 0.65, 2), size * rng.uniform(0.15, 0.4))
        axis = outline[[0, len(outline) // 2]]
    area = canvas.mask(outline)
    depth = cv2.distanceTransform((area > 0.5).astype(np.uint8), cv2.DIST_L2, 3)
    clear, wall = rng.uniform(0.02, 0.4), size * np.exp(rng.uniform(np.log(0.004), np.log(0.06)))
    firm = rng.uniform(0.4, 1.0)
    cover = np.float32(clear) + np.float32((1 - clear) * firm) * np.exp(-depth / np.float32(wall))
    tint = np.clip(rng.normal(0.55, 0.25) + rng.normal(0, 0.12, 3), 0.02, 1)
    tone = tint * (0.6 + 0.8 * fractal(rng, size, 2, 8))[..., None]
    if rng.random() < 0.5:  # what it holds, up to its level
        below = np.clip((np.mgrid[:size, :size][0] - size * rng.uniform(0.3, 0.7)) * 0.5, 0, 1)
        inner = below * np.clip((depth - 1.5 * wall) * 0.4, 0, 1)
        canvas.lay((inner * rng.choice([0.3, 0.7, 1.0])).astype(np.float32), rng.random(3, np.float32))
    canvas.lay((cover * area).astype(np.float32), tone.astype(np.float32))
    centre = outline.mean(0)
    for _ in range(int(rng.integers(2, 9))):  # windows and lamps, mirrored along the wall
        first = int(rng.integers(len(outline)))
        piece = np.take(outline, np.arange(first, first + int(rng.integers(4, 30))), 0, mode="wrap")
        piece = centre + (piece - centre) * rng.uniform(0.5, 0.95)
        wide = rng.uniform(0.6, 0.025 * size) * np.sin(np.linspace(0.1, np.pi - 0.1, len(piece)))
        glow = canvas.bare()
        glow.stroke(piece[None].astype(np.float32), wide[None], np.clip(rng.normal(0.95, 0.1, 3), 0, 1))
        glow.paint *= np.float32(rng.choice([0.4, 0.8, 1.0]))
        canvas.over(glow)
    if rng.random() < 0.4:  # a cap, a foot, a label
        end = axis[int(rng.integers(2))]
        patch = oval(rng, end, size * rng.uniform(0.04, 0.15))
        canvas.lay(canvas.mask(patch))


def smoke(rng: Rng, canvas: Canvas) -> None:
    """Smoke, steam, flames, splashes: density in eddies, lit from a side; sometimes with its chimney."""
    size = canvas.size
    cloud = warped(rng, fractal(rng, size, 3, 48), size * rng.uniform(0.02, 0.2))
    source: Reals = rng.uniform(0.2, 0.8, 2) * size
    if rng.random() < 0.6:  # a plume along a curve
        ends = bezier(rng.uniform(0.1, 0.9, (3, 2)).astype(np.float32) * size, 24)
        wide = size * np.linspace(rng.uniform(0.02, 0.1), rng.uniform(0.2, 0.5), 25, dtype=np.float32)
        plume = canvas.bare()
        plume.stroke(ends[None], wide[None], np.ones(3, np.float32))
        source = ends[0]
        cloud *= cv2.GaussianBlur(plume.paint[..., 3], (0, 0), 0.05 * size) ** np.float32(0.7)
    density = np.clip(cloud - np.float32(rng.uniform(0.15, 0.45)), 0, None) * np.float32(rng.uniform(1.5, 7))
    tone = np.float32(0.7) + np.float32(0.4) * fractal(rng, size, 3, 24)[..., None]
    grey = np.clip(
        rng.normal(rng.choice([0.2, 0.6, 0.85]), 0.1) + rng.normal(0, rng.choice([0.02, 0.2]), 3), 0, 1
    )
    if rng.random() < 0.7:
        body, centre = blob(rng, size, 0.06, 0.3)
        canvas.lay(canvas.mask((body - centre + source).astype(np.float32)))
    # Beer and Lambert: what comes through falls with the density in its way.
    canvas.lay(np.asarray(1 - np.exp(-density), np.float32), (grey * tone).astype(np.float32))
