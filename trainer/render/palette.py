"""Colours of hair, fur, feathers and leaves, and the patterns that lie over a coat. All linear."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

import numpy as np

from trainer.render.parts import Floats, Rng, floats

_NATURAL = (
    "0b0908",
    "1a110d",
    "2f1d14",
    "4a2e1d",
    "6b4128",
    "8a4a25",
    "a8622f",
    "b98a58",
    "d5b98a",
    "e7d7b8",
)
_GREYS = ("f2eee6", "c9c6c0", "8c8a88", "4d4c4e")
_PLUMES = ("f4f1ea", "1b1b20", "1f5fa8", "1c8a5a", "c23a2b", "e0a52e", "7a4a2a", "5b3a86", "e08aa0")
_GREENS = ("2e4d1e", "46692a", "6f8f37", "93a84b", "3d5b3a", "7d7433", "9c5a2a", "7a2c2e", "c0a04a")
_SKINS = ("f0cdb4", "d9a685", "b87f5b", "8a5a3c", "5c3a26", "3a241a")


def linear(code: str) -> Floats:
    """ "rrggbb" as linear float32 [3], by the power law 2.2."""
    return floats([int(code[i : i + 2], 16) / 255 for i in (0, 2, 4)]) ** np.float32(2.2)


def _one(rng: Rng, codes: Sequence[str]) -> Floats:
    code = codes[int(rng.integers(len(codes)))]
    return floats(np.clip(linear(code) * floats(rng.uniform(0.75, 1.25, 3)), 0.002, 0.9))


def dyed(rng: Rng) -> Floats:
    """A colour from the chemist's."""
    return floats(
        colorsys.hsv_to_rgb(rng.random(), rng.uniform(0.5, 0.95), rng.uniform(0.3, 0.95))
    ) ** np.float32(2.2)


def hair(rng: Rng) -> Floats:
    """Mostly natural, sometimes grey, sometimes dyed; float32 [3]."""
    choice = rng.random()
    if choice < 0.62:
        return _one(rng, _NATURAL)
    return _one(rng, _GREYS) if choice < 0.8 else dyed(rng)


def plume(rng: Rng) -> Floats:
    """A bird's; float32 [3]."""
    return _one(rng, _PLUMES) if rng.random() < 0.8 else dyed(rng)


def green(rng: Rng) -> Floats:
    """A leaf's, seldom an autumn one's; float32 [3]."""
    return _one(rng, _GREENS[:5] if rng.random() < 0.75 else _GREENS)


def skin(rng: Rng) -> Floats:
    """A person's or a doll's; float32 [3]."""
    return _one(rng, _SKINS)


def waves(rng: Rng, p: Floats, scale: float) -> Floats:
    """Soft noise at p [..., 3], about -1..1: a few sines in random directions."""
    out = np.zeros(p.shape[:-1], np.float32)
    for _ in range(5):
        direction = floats(rng.normal(0, scale, 3))
        out += np.sin(p @ direction + np.float32(rng.uniform(0, 6.3)))
    return out / np.float32(2.2)


def pattern(rng: Rng, p: Floats, first: Floats, second: Floats) -> Floats:
    """Two colours laid over roots p [S, 3] as plain, spots, stripes, patches or a pale belly; [S, 3]."""
    name = rng.choice(["plain", "spots", "stripes", "patches", "belly"], p=[0.4, 0.15, 0.15, 0.15, 0.15])
    if name == "spots":
        share = waves(rng, p, rng.uniform(6, 11)) * 5 - 1.5
    elif name == "stripes":
        along = unit_axis(rng)
        share = np.sin(p @ along * np.float32(rng.uniform(9, 18)) + 1.5 * waves(rng, p, 3)) * 4
    elif name == "patches":
        share = waves(rng, p, rng.uniform(2, 4)) * 6
    elif name == "belly":
        share = (-p[:, 2] + 0.2 * waves(rng, p, 4)) * 6
    else:
        share = 0.6 * waves(rng, p, 2) - 2
    mix = 1 / (1 + np.exp(-share))[:, None]
    return floats(first * (1 - mix) + second * mix)


def unit_axis(rng: Rng) -> Floats:
    """A direction, float32 [3]."""
    v = rng.standard_normal(3)
    return floats(v / np.linalg.norm(v))


def varied(rng: Rng, colour: Floats, value: float, hue: float) -> Floats:
    """Each of `colour` [S, 3] a little lighter or darker, and a little off in hue."""
    count = len(colour)
    stray = rng.normal(0, value, (count, 1)) + rng.normal(0, hue, (count, 3))
    return floats(np.clip(colour * np.exp(stray), 0, 0.95))
