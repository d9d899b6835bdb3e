"""Which known cell of a frame is nearest to each of its cells, and how far away it is."""

# numba types a kernel by its call; annotations on kernels would say it twice.
# mypy: disable-error-code="no-untyped-def, no-untyped-call"

from __future__ import annotations

import cv2
import numba
import numpy as np

from dim_model.arrays import Floats, Indices, Mask


def nearest(trimap: Floats) -> tuple[tuple[Floats, Indices], tuple[Floats, Indices]]:
    """To the foreground, then to the background: ``nearest_known`` of the cells of 2 x 2 pixels in which
    ``trimap``, float32 [H, W] of 0, 0.5 and 1, has a pixel of it, each [H/2, W/2], rounded up.
    """
    front, back = _sides(trimap)
    return nearest_known(front), nearest_known(back)


def nearest_known(known: Mask) -> tuple[Floats, Indices]:
    """Distance to the nearest True of [H, W], float32, and its flat index, int32, each [H, W]. ``known`` has
    at least one.
    """
    distance, label = cv2.distanceTransformWithLabels(
        (~known).view(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    return distance.astype(np.float32, copy=False), _owners(label, known)


@numba.njit(nogil=True, cache=True)
def _sides(trimap):
    """Which cells hold a pixel that is known to be foreground, and which one of background: bool [H/2,
    W/2], rounded up.
    """
    height, width = trimap.shape
    size = (height + 1) // 2, (width + 1) // 2
    front, back = np.empty(size, np.bool_), np.empty(size, np.bool_)
    for y in range(front.shape[0]):
        one, other = trimap[2 * y], trimap[min(2 * y + 1, height - 1)]
        for x in range(width // 2):
            a, b, c, d = one[2 * x], one[2 * x + 1], other[2 * x], other[2 * x + 1]
            front[y, x] = (a == 1) | (b == 1) | (c == 1) | (d == 1)
            back[y, x] = (a == 0) | (b == 0) | (c == 0) | (d == 0)
        if width % 2:
            front[y, -1] = (one[-1] == 1) | (other[-1] == 1)
            back[y, -1] = (one[-1] == 0) | (other[-1] == 0)
    return front, back


@numba.njit(nogil=True, cache=True)
def _owners(label, known):
    """The flat index of the known cell that bears the same label, for each cell, int32 [H, W]."""
    owner, owners = np.empty(known.size + 1, np.int32), np.empty(label.shape, np.int32)
    for y in range(label.shape[0]):
        for x in range(label.shape[1]):
            if known[y, x]:
                owner[label[y, x]] = y * label.shape[1] + x
    for y in range(label.shape[0]):
        for x in range(label.shape[1]):
            owners[y, x] = owner[label[y, x]]
    return owners
