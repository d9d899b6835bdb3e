"""A foreground's colours: a photograph, a plain cloth, or a patchwork whose known parts do not tell all."""

from __future__ import annotations

import numpy as np

from dim_model.arrays import Floats
from trainer.synth.foreground import Rng
from trainer.synth.noise import fractal
from trainer.synth.photos import Photos


def _stripes(rng: Rng, size: int) -> Floats:
    """Bands of few flat colours, as flags and knitwear have them: float32 [size, size, 3]."""
    turn, pitch = rng.uniform(0, np.pi), size * rng.uniform(0.03, 0.25)
    y, x = np.mgrid[:size, :size].astype(np.float32)
    sway = size * 0.08 * fractal(rng, size, 2, 4)
    band = np.floor((x * np.cos(turn) + y * np.sin(turn) + sway) / pitch).astype(int)
    palette = rng.random((int(rng.integers(2, 5)), 3), np.float32)
    return np.asarray(palette[band % len(palette)], np.float32)


def _plain(rng: Rng, size: int) -> Floats:
    """One colour, with the grain of cloth or paint."""
    grain = rng.uniform(0, 0.08) * rng.standard_normal((size, size, 1), np.float32)
    return np.asarray(rng.random(3, np.float32) * (1 + grain), np.float32)


def _lit(rng: Rng, flat: Floats) -> Floats:
    """``flat`` [N, N, 3] as a body shows it, whose sides get more light or less."""
    deep = np.float32(rng.uniform(0.1, 0.5))
    shade = 1 - deep + 2 * deep * fractal(rng, len(flat), 2, int(rng.choice([4, 16])))[..., None]
    return np.asarray(np.clip(flat * shade, 0, 1), np.float32)


def texture(rng: Rng, photos: Photos, size: int) -> Floats:
    """float32 [size, size, 3], display-referred, 0..1."""
    choice = rng.random()
    if choice < 0.2:
        return _lit(rng, _plain(rng, size))
    base = photos.crop(rng, size)
    if choice < 0.6:
        return base
    other = photos.crop(rng, size) if choice < 0.8 else _lit(rng, _stripes(rng, size))
    patches = fractal(rng, size, int(rng.integers(2, 6)), 12)[..., None]
    firm = np.float32(rng.choice([4, 40]))
    mix = np.clip((patches - np.float32(rng.uniform(0.3, 0.6))) * firm + np.float32(0.5), 0, 1)
    return np.asarray(base + (other - base) * mix, np.float32)


def dyed(rng: Rng, cloth: Floats) -> Floats:
    """Colours of the next part of a subject: stripes, plain, or ``cloth`` regraded, float32 [N, N, 3]."""
    choice = rng.random()
    if choice < 0.35:
        return _lit(rng, _stripes(rng, len(cloth)))
    if choice < 0.65:
        return _lit(rng, _plain(rng, len(cloth)))
    moved = np.roll(cloth[..., rng.permutation(3)], rng.integers(len(cloth), size=2), (0, 1))
    return np.asarray(np.clip(moved * rng.uniform(0.5, 1.4, 3), 0, 1), np.float32)
