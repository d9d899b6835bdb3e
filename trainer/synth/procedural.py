"""Foregrounds drawn by numpy and OpenCV: many a second, alpha exact by construction."""

from __future__ import annotations

import cv2
import numpy as np

from trainer.synth.canvas import Canvas
from trainer.synth.foreground import Floats, Foreground, Rng
from trainer.synth.photos import Photos
from trainer.synth.shapes import KINDS
from trainer.synth.texture import texture

_SUPERSAMPLING = 2


def _motion(rng: Rng) -> Floats:
    """A straight streak as a kernel, float32 [K, K], sum 1."""
    side = int(rng.integers(5, 41)) | 1
    kernel = np.zeros((side, side), np.float32)
    cv2.line(kernel, (0, int(rng.integers(side))), (side - 1, int(rng.integers(side))), 1.0, 1)
    out: Floats = kernel / kernel.sum()
    return out


def _blurred(alpha: Floats, colour: Floats, kernel: Floats) -> tuple[Floats, Floats]:
    """Blur as a lens does: the premultiplied colour, so that bare canvas does not bleed in."""
    soft = np.clip(cv2.filter2D(alpha, -1, kernel), 0, 1)
    weight = alpha[..., None] + np.float32(1e-3)
    spread = cv2.filter2D(colour * weight, -1, kernel) / cv2.filter2D(weight, -1, kernel)[..., None]
    return np.asarray(soft, np.float32), np.asarray(np.clip(spread, 0, 1), np.float32)


class Procedural:
    """``Maker`` of drawn foregrounds, textured by photographs."""

    def __init__(self, photos: Photos) -> None:
        self._photos = photos
        self._names = list(KINDS)
        self._shares = np.array([share for share, _ in KINDS.values()])

    def make(self, rng: Rng, size: int) -> Foreground:
        kind = self._names[rng.choice(len(self._names), p=self._shares / self._shares.sum())]
        canvas = Canvas(texture(rng, self._photos, size), _SUPERSAMPLING)
        KINDS[kind][1](rng, canvas)
        alpha, colour = canvas.reduced()
        if rng.random() < 0.5:
            sigma = float(rng.choice([0.5, 0.7, 1, 1.5, 2.5, 4]))
            line = cv2.getGaussianKernel(2 * int(3 * sigma) + 1, sigma).astype(np.float32)
            alpha, colour = _blurred(alpha, colour, line @ line.T)
        if rng.random() < 0.1:
            alpha, colour = _blurred(alpha, colour, _motion(rng))
        return Foreground(alpha, colour, kind)
