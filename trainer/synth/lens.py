"""What a lens and a moving hand do to alpha and colour together: softness, defocus, streaks."""

from __future__ import annotations

import cv2
import numpy as np

from dim_model.arrays import Floats
from trainer.synth.foreground import Rng
from trainer.synth.noise import fractal

_BARE = np.float32(1e-4)
"""Weight of the colour where nothing is."""


def premultiplied(alpha: Floats, colour: Floats) -> Floats:
    """Both as one paint, float32 [N, N, 4], that may be blurred and moved; a trace of colour everywhere."""
    return np.dstack([colour * (alpha[..., None] + _BARE), alpha + _BARE])


def straight(paint: Floats) -> tuple[Floats, Floats]:
    """Alpha [N, N] and straight colour [N, N, 3], 0..1, of a paint of ``premultiplied``."""
    alpha = np.maximum(paint[..., 3], _BARE)
    colour = np.clip(paint[..., :3] / alpha[..., None], 0, 1)
    return np.clip(alpha - _BARE, 0, 1), np.asarray(colour, np.float32)


def disc(radius: float) -> Floats:
    """A lens's blur of a point as a kernel, float32 [K, K], sum 1, its rim antialiased."""
    reach = int(np.ceil(radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    kernel = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1).astype(np.float32)
    return np.asarray(kernel / kernel.sum(), np.float32)


def spread(picture: Floats, radius: float) -> Floats:
    """``picture`` [N, N, C] out of focus by ``radius`` pixels; wide discs are drawn at a smaller size."""
    step = 1 if radius < 4 else 2 if radius < 8 else 4
    height, width = picture.shape[:2]
    small = cv2.resize(picture, (width // step, height // step), interpolation=cv2.INTER_AREA)
    blurred = cv2.filter2D(small, -1, disc(radius / step), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(blurred, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def softened(alpha: Floats, colour: Floats, sigma: float) -> tuple[Floats, Floats]:
    """As an ordinary lens draws them."""
    return straight(np.asarray(cv2.GaussianBlur(premultiplied(alpha, colour), (0, 0), sigma), np.float32))


def defocused(alpha: Floats, colour: Floats, radius: float, rng: Rng | None = None) -> tuple[Floats, Floats]:
    """Out of focus by ``radius`` pixels; with ``rng``, here and there only, as a deep subject is."""
    paint = premultiplied(alpha, colour)
    blurred = np.clip(spread(paint, radius), 0, None)
    blurred[..., 3] = np.minimum(blurred[..., 3], 1 + _BARE)
    if rng is not None:
        far = np.clip(3 * fractal(rng, len(alpha), 2, 3)[..., None] - 1, 0, 1)
        blurred = paint + (blurred - paint) * far
    return straight(np.asarray(blurred, np.float32))


def moved(rng: Rng, alpha: Floats, colour: Floats) -> tuple[Floats, Floats]:
    """Streaked by a straight movement while the shutter was open."""
    side = int(np.exp(rng.uniform(np.log(4), np.log(len(alpha) / 10 + 5)))) | 1
    kernel = np.zeros((side, side), np.uint8)
    turn = rng.uniform(0, np.pi)
    way = 0.5 * (side - 1) * np.array([np.cos(turn), np.sin(turn)])
    ends = [tuple(np.round(16 * (0.5 * (side - 1) + s * way)).astype(int).tolist()) for s in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 255, 1, cv2.LINE_AA, 4)
    streak = kernel.astype(np.float32) / np.float32(kernel.sum())
    return straight(np.clip(cv2.filter2D(premultiplied(alpha, colour), -1, streak), 0, None))
