"""Masks grown and shrunk by a disk, bool [H, W]: OpenCV's, for pictures that are searched on the CPU.

Trimaps on any device are grown by ``trimap.grow``; ``guided.grown`` grows by a square, where only reach
counts.
"""

from __future__ import annotations

import cv2
import numpy as np

from dim_model.arrays import Bytes, Mask


def disk(radius: int) -> Bytes:
    """uint8 [2 radius + 1, 2 radius + 1] of 0 and 1."""
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)).astype(np.uint8)


def grown(mask: Mask, by: int) -> Mask:
    return cv2.dilate(mask.astype(np.uint8), disk(by)) > 0


def shrunk(mask: Mask, by: int) -> Mask:
    return cv2.erode(mask.astype(np.uint8), disk(by)) > 0
