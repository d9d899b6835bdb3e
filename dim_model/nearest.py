"""Which known pixel is nearest to each pixel of a frame, and how far away it is."""

# numba types a kernel by its call; annotations on kernels would say it twice.
# mypy: disable-error-code="no-untyped-def, no-untyped-call"

from __future__ import annotations

import cv2
import numba
import numpy as np

from dim_model.arrays import Floats, Indices, Mask


def nearest_known(known: Mask) -> tuple[Floats, Indices]:
    """Distance in pixels to the nearest True, and that pixel's flat index, each [H, W]. ``known`` has at
    least one.
    """
    distance, label = cv2.distanceTransformWithLabels(
        (~known).view(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    return distance.astype(np.float32, copy=False), _indices(label.ravel(), known.ravel()).reshape(
        known.shape
    )


@numba.njit(nogil=True, cache=True)
def _indices(label, known):
    """The flat index of the known pixel that bears the same label, for each pixel, int32 [N]."""
    owner, index = np.empty(label.max() + 1, np.int32), np.empty(label.size, np.int32)
    for p in range(label.size):
        if known[p]:
            owner[label[p]] = p
    for p in range(label.size):
        index[p] = owner[label[p]]
    return index


@numba.njit(nogil=True, cache=True)
def _halved(trimap, value):
    """Which cells of 2 x 2 pixels hold one whose trimap is ``value``, and the flat index of the first."""
    height, width = (trimap.shape[0] + 1) // 2, (trimap.shape[1] + 1) // 2
    known, first = np.zeros((height, width), np.bool_), np.zeros((height, width), np.int32)
    for y in range(trimap.shape[0] - 1, -1, -1):
        for x in range(trimap.shape[1] - 1, -1, -1):
            if trimap[y, x] == value:
                known[y // 2, x // 2] = True
                first[y // 2, x // 2] = y * trimap.shape[1] + x
    return known, first


def nearest(trimap: Floats, value: float) -> tuple[Floats, Indices]:
    """``nearest_known`` of the pixels whose trimap is ``value``, to the cell of 2 x 2 pixels: float32, int32
    [H/2, W/2], rounded up. Where a pixel is sought from does not matter by more.
    """
    known, first = _halved(trimap, np.float32(value))
    distance, cell = nearest_known(known)
    return np.float32(2) * distance, first.ravel()[cell]
