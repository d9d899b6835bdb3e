"""From a rough outline to a trimap: which pixels are the subject's, then a band of doubt around its edge."""

from __future__ import annotations

import cv2
import numpy as np

from dim_model.arrays import Bytes, Floats, Mask
from dim_model.morphology import disk, grown
from dim_model.pieces import tidied
from trainer.outlined.outline import Outline

_ROUNDS = 6
_BAND_OF = 1100
"""Longer side in pixels of the picture that ``Outline.band`` is said for."""
_SPECK = 0.002
"""Share of the subject below which a piece apart from it is none."""
_HOLE = 60
"""Pixels: smaller holes are the segmentation's, and filled."""


def trimap_of(rgb: Bytes, outline: Outline) -> Floats:
    """float32 [H, W] of exactly 0, 0.5, 1; all 0 for an outline that tells no two sides apart. rgb: uint8 [H,
    W, 3].
    """
    around, within = outline.masks(*rgb.shape[:2])
    if (around | within).all() or not (around | within).any():
        return np.zeros(around.shape, np.float32)
    subject = (
        _distinct(rgb, around, within, outline.plain) if outline.plain else _grabbed(rgb, around, within)
    )
    scale = max(rgb.shape[:2]) / _BAND_OF
    inner, outer = (max(1, round(pixels * scale)) for pixels in outline.band)
    # Where the picture ends the subject goes on.
    whole = cv2.erode(subject.astype(np.uint8), disk(inner), borderType=cv2.BORDER_REPLICATE)
    return np.select([whole > 0, ~grown(subject, outer)], [1.0, 0.0], 0.5).astype(np.float32)


def _grabbed(rgb: Bytes, around: Mask, within: Mask) -> Mask:
    """Rother, Kolmogorov & Blake, "GrabCut" (2004), without specks and pinholes."""
    labels = np.select(
        [within, around], [np.uint8(cv2.GC_FGD), np.uint8(cv2.GC_PR_FGD)], np.uint8(cv2.GC_BGD)
    )
    cv2.setRNGSeed(0)
    cv2.grabCut(
        rgb, labels, (0, 0, 1, 1), np.zeros((1, 65)), np.zeros((1, 65)), _ROUNDS, cv2.GC_INIT_WITH_MASK
    )
    subject = (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)
    return tidied(subject, int(subject.sum() * _SPECK), _HOLE)


def _distinct(rgb: Bytes, around: Mask, within: Mask, distance: float) -> Mask:
    """All around that differs from the ground's colour: finer than a cut through a graph, which gives thin
    things away for a shorter edge.
    """
    lab = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    ground = np.median(lab[~around], 0)
    far = around & (np.linalg.norm(lab - ground, axis=2) > distance)
    return within | (cv2.morphologyEx(far.astype(np.uint8), cv2.MORPH_OPEN, disk(1)) > 0)
