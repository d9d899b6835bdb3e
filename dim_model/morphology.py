"""Masks, bool [H, W], grown and shrunk by a disk, or made coarser: for what is searched on the CPU.

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


def in_blocks(mask: Mask) -> Mask:
    """In which blocks of 2 x 2 pixels the mask has one, the last of a row or column perhaps less."""
    height, width = mask.shape
    if height % 2 or width % 2:
        mask = np.pad(mask, ((0, height % 2), (0, width % 2)))
    twos = mask.view(np.uint16)  # two pixels are compared as one number
    return np.asarray(twos[::2] | twos[1::2], np.bool_)
