"""The creature's eyes: two glossy balls, shaded by distance from their middle, with a lid that can close."""

from __future__ import annotations

import numpy as np

from dim_model.arrays import Floats

EYE_RADIUS = 0.3
"""In body radii."""


def _at(azimuth: float, height: float) -> Floats:
    level = np.cos(height)
    return np.array([np.sin(azimuth) * level, -np.sin(height), np.cos(azimuth) * level], np.float32)


EYES = (_at(-0.39, 0.12), _at(0.39, 0.12))
"""Their middles on the unit sphere, in the body's axes."""

_WHITE = np.array([0.74, 0.73, 0.68], np.float32)
_IRIS_RIM = np.array([0.22, 0.06, 0.01], np.float32)
_IRIS = np.array([0.95, 0.42, 0.05], np.float32)
_LID = np.array([0.03, 0.12, 0.16], np.float32)


def _step(edge: float, value: Floats, softness: float) -> Floats:
    """1 below `edge`, 0 above, over `softness`."""
    out: Floats = np.clip((edge - value) / softness + 0.5, 0, 1)
    return out


def _eye(canvas: Floats, middle: Floats, gaze: Floats, radius: float, blink: float) -> None:
    """One eye at `middle` (canvas pixels) that looks towards `gaze` (an offset in eye radii)."""
    left, top = (int(max(0, v - radius - 2)) for v in middle)
    patch = canvas[top : int(middle[1] + radius + 3), left : int(middle[0] + radius + 3)]
    if patch.size == 0:
        return
    y, x = np.mgrid[: patch.shape[0], : patch.shape[1]].astype(np.float32)
    x, y = (x + left - middle[0]) / radius, (y + top - middle[1]) / radius
    soft = 1 / radius
    away = np.hypot(x, y)
    iris = np.hypot(x - gaze[0], y - gaze[1])
    ball = _WHITE * np.clip(1.08 - 0.55 * away**3 - 0.35 * np.clip(-y, 0, 1), 0, 1)[..., None]
    angle = np.arctan2(y - gaze[1], x - gaze[0])
    rays = 0.82 + 0.18 * np.sin(23 * angle + 3 * np.sin(7 * angle))
    glow = np.clip(0.35 + 0.9 * (y - gaze[1]) / 0.62, 0.25, 1.2) * rays
    ring = _IRIS_RIM + (_IRIS * glow[..., None] - _IRIS_RIM) * _step(0.56, iris, 0.16)[..., None]
    ball += _step(0.62, iris, 3 * soft)[..., None] * (ring - ball)
    ball *= 1 - 0.985 * _step(0.33, iris, 3 * soft)[..., None]
    for hx, hy, size, gain in ((-0.26, -0.3, 0.2, 1.0), (0.24, 0.26, 0.09, 0.5)):
        ball += (gain * _step(size, np.hypot(x - hx, y - hy), 0.08))[..., None]
    # The lid comes down from above and leaves a shadow on the ball.
    lid = -1.14 + 2.3 * blink + 0.22 * x**2
    ball *= 1 - 0.45 * _step(0.22, y - lid, 0.3)[..., None]
    ball += _step(0.0, y - lid, 4 * soft)[..., None] * (_LID * (0.7 + 0.6 * away[..., None]) - ball)
    cover = _step(1.0, away, 2 * soft)[..., None]
    patch += cover * (np.concatenate([ball, np.ones_like(ball[..., :1])], -1) - patch)


def draw_eyes(canvas: Floats, centre: Floats, turn: Floats, radius: float, blink: float) -> None:
    """Draw both eyes over `canvas` (float32 [H, W, 4], premultiplied, linear), in place."""
    for eye in EYES:
        seen = eye @ turn.T
        middle = centre + seen[:2] * np.float32(radius * 0.99)
        # The gaze stays with the camera while the head turns.
        gaze = np.array([-0.3 * turn[0, 2], 0.06 - 0.3 * turn[1, 2]], np.float32)
        _eye(canvas, middle, gaze, radius * EYE_RADIUS, blink)
