"""Which known pixel is nearest to each pixel of a frame, and how far away it is."""

# numba types a kernel by its call; annotations on kernels would say it twice.
# mypy: disable-error-code="no-untyped-def, no-untyped-call"

from __future__ import annotations

import cv2
import numba
import numpy as np

from dim_model.arrays import Floats, Indices, Mask


def nearest_known(known: Mask, named: Indices) -> tuple[Floats, Indices]:
    """Distance in pixels to the nearest True, and what is ``named``, int32, at that pixel, each [H, W].
    ``known`` has at least one.
    """
    distance, label = cv2.distanceTransformWithLabels(
        (~known).view(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    return distance.astype(np.float32, copy=False), _names(label, known, named)


@numba.njit(nogil=True, cache=True)
def _names(label, known, named):
    """What is named at the known pixel that bears the same label, for each pixel, int32 [H, W]."""
    owner, names = np.empty(known.size + 1, np.int32), np.empty(label.shape, np.int32)
    for y in range(label.shape[0]):
        for x in range(label.shape[1]):
            if known[y, x]:
                owner[label[y, x]] = named[y, x]
    for y in range(label.shape[0]):
        for x in range(label.shape[1]):
            names[y, x] = owner[label[y, x]]
    return names


@numba.njit(nogil=True, cache=True)
def _halved(trimap):
    """Of foreground, then of background: which cells of 2 x 2 pixels hold one that is known to be it, bool
    [2, H/2, W/2], and the flat index of the first in each.
    """
    height, width = (trimap.shape[0] + 1) // 2, (trimap.shape[1] + 1) // 2
    known, first = np.zeros((2, height, width), np.bool_), np.zeros((2, height, width), np.int32)
    for y in range(trimap.shape[0] - 1, -1, -1):
        for x in range(trimap.shape[1] - 1, -1, -1):
            value = trimap[y, x]
            if value == 0.5:
                continue
            side = 0 if value == 1 else 1
            known[side, y // 2, x // 2] = True
            first[side, y // 2, x // 2] = y * trimap.shape[1] + x
    return known, first


def nearest(trimap: Floats) -> tuple[tuple[Floats, Indices], tuple[Floats, Indices]]:
    """Of the foreground, then of the background: ``nearest_known`` of the pixels that ``trimap``, float32 [H,
    W] of 0, 0.5 and 1, has for it, to the cell of 2 x 2 pixels: float32, int32 [H/2, W/2], rounded up. Where
    a pixel is sought from does not matter by more.
    """
    (front, back), (of_front, of_back) = _halved(trimap)
    return _doubled(*nearest_known(front, of_front)), _doubled(*nearest_known(back, of_back))


def _doubled(distance: Floats, index: Indices) -> tuple[Floats, Indices]:
    return np.float32(2) * distance, index
