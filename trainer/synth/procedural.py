"""Foregrounds drawn by numpy and numba: many a second, alpha exact by construction."""

from __future__ import annotations

import numpy as np

from dim_model.arrays import Floats
from trainer.synth.canvas import Canvas
from trainer.synth.foreground import Foreground, Rng
from trainer.synth.kinds import KINDS
from trainer.synth.lens import defocused, moved, softened
from trainer.synth.photos import Photos
from trainer.synth.texture import texture


class Procedural:
    """``Maker`` of drawn foregrounds, textured by photographs."""

    def __init__(self, photos: Photos) -> None:
        self._photos = photos
        self._names = list(KINDS)
        self._shares = np.array([share for share, _ in KINDS.values()])

    def make(self, rng: Rng, size: int) -> Foreground:
        kind = self._names[rng.choice(len(self._names), p=self._shares / self._shares.sum())]
        canvas = Canvas(texture(rng, self._photos, size))
        KINDS[kind][1](rng, canvas)
        return Foreground(*_photographed(rng, *canvas.finished()), kind)


def _photographed(rng: Rng, alpha: Floats, colour: Floats) -> tuple[Floats, Floats]:
    """Alpha and colour as a lens gives them: sharp, a little soft, out of focus here or everywhere, moved."""
    choice = rng.random()
    if choice < 0.35:
        return softened(alpha, colour, float(rng.uniform(0.4, 1.0)))
    if choice < 0.53:
        radius = float(np.exp(rng.uniform(np.log(1), np.log(len(alpha) / 40 + 1))))
        is_deep = rng.random() < 0.4
        return defocused(alpha, colour, radius, rng if is_deep else None)
    if choice < 0.61:
        return moved(rng, alpha, colour)
    return alpha, colour
