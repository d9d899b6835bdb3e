"""Trimaps as people and programs draw them: too tight, too wide, uneven, now and then a little wrong."""

from __future__ import annotations

import cv2
import numpy as np

from dim_model.arrays import Floats, Mask
from trainer.synth.foreground import Rng
from trainer.synth.noise import fractal

SLIP = 3
"""Pixels by which a wrong trimap may reach over the border."""

_SLIPS = 0.06
"""Share of trimaps that are somewhere wrong."""

_DEEPEST = 0.8
"""Of how deep the known part is, what may be left unknown: a leaf is thin, and people mark its middle yet."""


def _slipped(rng: Rng, known: Mask) -> Mask:
    """Where a careless hand takes for known, here and there, what lies a pixel or more beyond ``known``
    [N, N]: it goes over thin hair and all.
    """
    reach = int(rng.integers(1, SLIP + 1))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    here = fractal(rng, len(known), 4, 16) > rng.uniform(0.6, 0.85)
    return here & (cv2.dilate(known.astype(np.uint8), disc) > 0)


def random_trimap(rng: Rng, alpha: Floats) -> Floats:
    """float32 [N, N] of 0, 0.5, 1: known where the alpha is, and has been for a random, wavering number of
    pixels. Now and then a whole part of the subject, or of the background, is left unknown, and with it
    colours that are known nowhere: a flag beside a bear. Rarely some of it is wrong, by ``SLIP`` at most.
    """
    size = alpha.shape[0]
    trimap = np.full(alpha.shape, 0.5, np.float32)
    is_wrong = rng.random() < _SLIPS
    for value, known, left_out in ((1.0, alpha > 0.995, 0.25), (0.0, alpha < 0.005, 0.1)):
        distance = cv2.distanceTransform(known.astype(np.uint8), cv2.DIST_L2, 3)
        widest = float(np.exp(rng.uniform(np.log(1.5), np.log(45))))
        widest = min(widest, _DEEPEST * float(distance.max()))
        width = widest * (0.35 + 0.65 * fractal(rng, size, 3, 6)) if rng.random() < 0.6 else widest
        told = distance > width
        if is_wrong:
            told |= _slipped(rng, known)
        if rng.random() < left_out:
            told &= fractal(rng, size, 2, 4) < rng.uniform(0.35, 0.65)
        trimap[told] = value
    return trimap
