"""What is not hair: solids, leaves and lace, nets, smoke, veils and glass. Each draws on a canvas."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from trainer.synth.canvas import SUBPIXEL, Canvas, fixed
from trainer.synth.foreground import Floats, Rng
from trainer.synth.noise import fractal
from trainer.synth.strands import draw_strands


def blob(rng: Rng, size: int) -> tuple[Floats, Floats]:
    """A wobbly closed outline, float32 [200, 2] (x, y), and its centre [2], on a canvas of ``size``."""
    turn = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    radius = np.ones_like(turn)
    for k in range(1, 7):
        radius += rng.uniform(-0.5, 0.5) / k**1.2 * np.cos(k * turn + rng.uniform(0, 2 * np.pi))
    radius = np.clip(radius, 0.2, None) * size * rng.uniform(0.15, 0.38)
    centre = rng.uniform(0.2, 0.8, 2) * size
    outline = centre + radius[:, None] * np.stack([np.cos(turn), np.sin(turn)], -1)
    return outline.astype(np.float32), centre.astype(np.float32)


def hair(rng: Rng, canvas: Canvas) -> None:
    outline, centre = blob(rng, canvas.size)
    canvas.fill(outline)
    for _ in range(int(rng.choice([1, 1, 2, 3]))):
        draw_strands(rng, canvas, outline, centre)


def solid(rng: Rng, canvas: Canvas) -> None:
    """One to four bodies, some of them holes."""
    canvas.fill(blob(rng, canvas.size)[0])
    for _ in range(int(rng.integers(4))):
        canvas.fill(blob(rng, canvas.size)[0], 1.0 if rng.random() < 0.7 else 0.0)


def leaves(rng: Rng, canvas: Canvas) -> None:
    """Many small ellipses, some punched out: foliage, lace, feathers seen from afar."""
    _, centre = blob(rng, canvas.size)
    for _ in range(int(rng.choice([80, 200, 500, 900]))):
        x, y = rng.normal(centre, canvas.size * 0.16)
        axes = (rng.uniform(2, canvas.size * 0.035), rng.uniform(1, canvas.size * 0.012))
        colour = np.clip(canvas.colour_near(np.array([x, y]), 2) * rng.uniform(0.6, 1.3), 0, 1)
        place = tuple(int(v * (1 << SUBPIXEL)) for v in (x, y))
        reach = tuple(int(v * (1 << SUBPIXEL)) for v in axes)
        angle, coverage = rng.uniform(0, 360), 255 if rng.random() < 0.85 else 0
        cv2.ellipse(canvas.alpha, place, reach, angle, 0, 360, coverage, -1, cv2.LINE_AA, SUBPIXEL)
        grown = (reach[0] + 8, reach[1] + 8)
        cv2.ellipse(
            canvas.colour, place, grown, angle, 0, 360, tuple(map(float, colour)), -1, cv2.LINE_8, SUBPIXEL
        )


def net(rng: Rng, canvas: Canvas) -> None:
    """Two families of bent lines over a blob's area, with a solid part that shows the thread's colour."""
    outline, centre = blob(rng, canvas.size)
    area = np.zeros_like(canvas.alpha)
    cv2.fillPoly(area, [fixed(outline)], 255, cv2.LINE_AA, SUBPIXEL)
    mesh = np.zeros_like(area)
    pitch, thickness = rng.uniform(8, 40) * canvas.scale / 2, int(rng.integers(1, 6))
    along = np.linspace(-1.0, 1.0, 24) * canvas.size
    for angle in rng.uniform(0, np.pi) + np.array([0.0, rng.uniform(0.6, 1.57)]):
        direction = np.array([np.cos(angle), np.sin(angle)])
        normal = np.array([-direction[1], direction[0]])
        phase, sway, waves = rng.uniform(0, 6.28), rng.uniform(0, 12), rng.uniform(1, 5)
        for offset in np.arange(-canvas.size, canvas.size, pitch):
            bend = sway * np.sin(waves * along / canvas.size * 3 + phase + offset / 90)
            points = centre + along[:, None] * direction + (offset + bend)[:, None] * normal
            cv2.polylines(mesh, [fixed(points)], False, 255, thickness, cv2.LINE_AA, SUBPIXEL)
    colour = canvas.colour_near(centre)
    canvas.colour[:] = colour * (0.7 + 0.6 * canvas.colour.mean(-1, keepdims=True))
    np.maximum(canvas.alpha, np.minimum(mesh, area), out=canvas.alpha)
    body = centre + (outline - centre) * rng.uniform(0.15, 0.4)
    canvas.fill(body.astype(np.float32))


def smoke(rng: Rng, canvas: Canvas) -> None:
    cloud = fractal(rng, canvas.size, 3, 48) - np.float32(rng.uniform(0.25, 0.5))
    canvas.alpha[:] = np.clip(cloud * np.float32(255 * rng.uniform(1.2, 4)), 0, 255).round()
    tone = 0.7 + 0.3 * fractal(rng, canvas.size, 3, 24)[..., None]
    canvas.colour[:] = rng.random(3).astype(np.float32) * tone


def veil(rng: Rng, canvas: Canvas) -> None:
    """Glass, plastic, cloth against the light: a broad even alpha with a firmer rim and folds."""
    outline, centre = blob(rng, canvas.size)
    canvas.fill(outline, float(rng.uniform(0.2, 0.9)))
    canvas.alpha[:] = (canvas.alpha * (0.6 + 0.4 * fractal(rng, canvas.size, 3, 24))).round()
    rim, width = round(rng.uniform(180, 255)), int(rng.integers(1, 12))
    cv2.polylines(canvas.alpha, [fixed(outline)], True, rim, width, cv2.LINE_AA, SUBPIXEL)
    if rng.random() < 0.7:
        canvas.fill((centre + (outline - centre) * rng.uniform(0.2, 0.6)).astype(np.float32))


KINDS: dict[str, tuple[float, Callable[[Rng, Canvas], None]]] = {
    "hair": (0.46, hair),
    "solid": (0.12, solid),
    "leaves": (0.14, leaves),
    "net": (0.08, net),
    "smoke": (0.06, smoke),
    "veil": (0.14, veil),
}
"""Share of each kind and what draws it."""
