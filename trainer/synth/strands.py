"""Hair and fur: strands with clumps and fly-aways, from a fifth of a pixel up, shaded as light meets them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dim_model.arrays import Floats
from trainer.synth.canvas import Canvas
from trainer.synth.foreground import Rng

_NATURAL = np.array(
    [
        [0.07, 0.06, 0.06], [0.20, 0.13, 0.09], [0.36, 0.22, 0.13], [0.55, 0.38, 0.20],
        [0.80, 0.66, 0.42], [0.66, 0.30, 0.12], [0.55, 0.54, 0.53], [0.90, 0.88, 0.84],
    ],
    np.float32,
)  # fmt: skip
"""Black, browns, blonde, red, grey and white, as photographs show them."""

_CLUMPS = 250
"""At most: each strand is compared with each."""


@dataclass(frozen=True)
class Coat:
    """How hair looks. root, tip: float32 [3] or [S, 3]. thickness: pixels. spread: how strands differ in
    brightness. gloss: strength of the highlight.
    """

    root: Floats
    tip: Floats
    thickness: float
    spread: float
    gloss: float


def random_coat(rng: Rng, base: Floats | None = None) -> Coat:
    """A coat coloured as ``base`` ([3] or [S, 3]), as hair grows, or as a toy's is dyed."""
    if base is None:
        dyed = rng.random() < 0.3
        base = rng.random(3, np.float32) if dyed else _NATURAL[rng.integers(len(_NATURAL))]
        base = np.asarray(base + rng.normal(0, 0.03, 3), np.float32)
    fade = np.float32(rng.uniform(0.7, 1.6)) * (1 + rng.normal(0, 0.08, 3).astype(np.float32))
    thin = float(np.exp(rng.uniform(np.log(0.22), np.log(2.6))))
    dark = np.float32(rng.uniform(0.45, 1.0))
    return Coat(base * dark, base * fade, thin, rng.uniform(0.05, 0.3), rng.uniform(0, 0.7))


def clumped(rng: Rng, strands: Floats, pull: float, per_clump: int) -> Floats:
    """Draw the tips of each clump together, more so towards the tip, as wet or combed hair does."""
    clumps = min(max(1, len(strands) // per_clump), _CLUMPS)
    chief = strands[rng.integers(len(strands), size=clumps)]
    distance = (chief[:, 0] ** 2).sum(-1) - 2 * strands[:, 0] @ chief[:, 0].T
    nearest = chief[distance.argmin(1)]
    along = np.linspace(0, 1, strands.shape[1], dtype=np.float32)[None, :, None]
    strength = pull * rng.uniform(0.5, 1.0, (len(strands), 1, 1)).astype(np.float32)
    return np.asarray(strands + (nearest - strands) * strength * along**1.3, np.float32)


def draw_strands(rng: Rng, canvas: Canvas, strands: Floats, coat: Coat) -> None:
    """Lay ``strands`` [S, P, 2] over the canvas, the first one lowest, each tapering to its tip.

    Light falls as in Kajiya & Kay, "Rendering Fur with Three Dimensional Textures" (1989), eq. 14 to 16: dull
    where it comes along the strand, with a highlight where it comes square to it.
    """
    count, steps = strands.shape[:2]
    along = np.linspace(0, 1, steps, dtype=np.float32)
    tangent = np.gradient(strands, axis=1)
    tangent /= np.linalg.norm(tangent, axis=-1, keepdims=True) + np.float32(1e-6)
    light = rng.uniform(0, 2 * np.pi)
    facing = tangent @ np.array([np.cos(light), np.sin(light)], np.float32) * np.float32(rng.uniform(0.6, 1))
    square = np.sqrt(np.clip(1 - facing**2, 0, 1))
    shade = (0.55 + 0.5 * square) * np.exp(rng.normal(0, coat.spread, (count, 1))).astype(np.float32)
    # What lies below was painted first, and gets less light.
    shade *= np.linspace(rng.uniform(0.45, 1.0), 1, count, dtype=np.float32)[:, None]
    root, tip = (np.atleast_2d(c)[:, None] for c in (coat.root, coat.tip))
    colour = (root + (tip - root) * along[None, :, None]) * shade[..., None]
    colour += np.float32(coat.gloss) * (square ** np.float32(rng.uniform(20, 90)))[..., None] * (0.3 + root)
    colour += rng.normal(0, 0.02, (count, 1, 3)).astype(np.float32)
    taper = (1 - along ** np.float32(rng.uniform(1.5, 5))) * (1 - rng.uniform(0, 0.2)) + np.float32(0.12)
    width = coat.thickness * rng.uniform(0.6, 1.4, (count, 1)).astype(np.float32) * taper
    canvas.stroke(strands, width, colour)
