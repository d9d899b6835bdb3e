"""Trimaps as people and programs draw them: too tight, too wide, of uneven width."""

from __future__ import annotations

import cv2
import numpy as np

from trainer.synth.foreground import Floats, Rng
from trainer.synth.noise import fractal


def random_trimap(rng: Rng, alpha: Floats) -> Floats:
    """float32 [N, N] of 0, 0.5, 1: known where the alpha is, and has been for a random, wavering number of
    pixels. Now and then a whole part of the subject, or of the background, is left unknown, and with it
    colours that are known nowhere: a flag beside a bear.
    """
    size = alpha.shape[0]
    trimap = np.full(alpha.shape, 0.5, np.float32)
    for value, known, left_out in ((1.0, alpha > 0.995, 0.25), (0.0, alpha < 0.005, 0.1)):
        distance = cv2.distanceTransform(known.astype(np.uint8), cv2.DIST_L2, 3)
        widest = float(np.exp(rng.uniform(np.log(1.5), np.log(45))))
        width = widest * (0.35 + 0.65 * fractal(rng, size, 3, 6)) if rng.random() < 0.6 else widest
        told = distance > width
        if rng.random() < left_out:
            told &= fractal(rng, size, 2, 4) < rng.uniform(0.35, 0.65)
        trimap[told] = value
    return trimap
