"""A foreground's colours: a photograph, or a patchwork of which the known parts do not tell all."""

from __future__ import annotations

import numpy as np

from trainer.synth.foreground import Floats, Rng
from trainer.synth.noise import fractal
from trainer.synth.photos import Photos


def _stripes(rng: Rng, size: int) -> Floats:
    """Bands of few flat colours, as flags and knitwear have them: float32 [size, size, 3]."""
    turn, pitch = rng.uniform(0, np.pi), size * rng.uniform(0.03, 0.25)
    y, x = np.mgrid[:size, :size].astype(np.float32)
    sway = size * 0.08 * fractal(rng, size, 2, 4)
    band = np.floor((x * np.cos(turn) + y * np.sin(turn) + sway) / pitch).astype(int)
    palette = rng.random((int(rng.integers(2, 5)), 3), np.float32)
    shade = (0.75 + 0.5 * fractal(rng, size, 2, 16))[..., None]
    return np.asarray(np.clip(palette[band % len(palette)] * shade, 0, 1), np.float32)


def texture(rng: Rng, photos: Photos, size: int) -> Floats:
    """float32 [size, size, 3], display-referred, 0..1."""
    base = photos.crop(rng, size)
    choice = rng.random()
    if choice < 0.55:
        return base
    other = photos.crop(rng, size) if choice < 0.8 else _stripes(rng, size)
    patches = fractal(rng, size, int(rng.integers(2, 6)), 12)[..., None]
    firm = np.float32(rng.choice([4, 40]))
    mix = np.clip((patches - np.float32(rng.uniform(0.3, 0.6))) * firm + np.float32(0.5), 0, 1)
    return np.asarray(base + (other - base) * mix, np.float32)
