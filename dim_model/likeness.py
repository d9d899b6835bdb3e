"""Links between pixels of like colour, however far apart: what one is, the other is likely to be.

Chen, Li & Tang, "KNN Matting" (2013): a pixel is bound to its nearest neighbours in a space of colour and,
weakly, place. Here one in nine seeks them, and the matting Laplacian, which the links are added to, holds the
others to it. That carries alpha across gaps that no smooth change of colour bridges: through a net, between
leaves, from lock to lock.
"""

# numba types a kernel by its call; annotations on kernels would say it twice.
# mypy: disable-error-code="no-untyped-def, no-untyped-call"

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from scipy.spatial import KDTree

from dim_model import guided
from dim_model.arrays import Floats, Indices
from dim_model.numbered import positions

_NEAREST = 12
_APART = 3
"""Rows and columns from one pixel that seeks neighbours to the next."""

_NEARLY = 4.0
"""A neighbour may be this share farther than the one in its stead."""

_BESIDE = 4
"""Pixels: farther than this from all that is unknown, one in sixteen is offered as a neighbour. There are
enough of them, and the search is faster.
"""

_PLACE = 0.1
"""What the width, or the height, of the frame counts beside colours of 0..1."""
_WEIGHT = np.float32(0.075)
"""Of a link, where the matting Laplacian's own rows have up to 9 on their diagonal: links decide where that
says little. Chosen on drawn and rendered scenes.
"""


class Links(NamedTuple):
    """Undirected links of N unknown pixels with one another and with known ones.

    first, int32 [N + 1], and other, int32: unknown n is linked with ``other[first[n]:first[n + 1]]``, twice
    where each is among the other's nearest. degree: how many links it has, to known ones too; pull: the sum
    of the known ones' alpha; float32 [N].
    """

    first: Indices
    other: Indices
    degree: Floats
    pull: Floats
    weight: np.float32


def links(rgb: Floats, slot: Indices, alpha: Floats) -> Links:
    """Of one unknown pixel in nine with the pixels nearest to it in colour.

    rgb: float32 [H, W, 3], 0..1; slot: each unknown pixel's number in reading order, int32 [H, W], or -1;
    alpha: float32 [H, W], read where it is known.
    """
    offered = guided.grown(slot >= 0, _BESIDE)
    offered[::4, ::4] = True
    seeking = np.zeros_like(offered)
    seeking[::_APART, ::_APART] = slot[::_APART, ::_APART] >= 0
    offers, seekers = positions(offered), positions(seeking)

    # Half the time of the tidy one; and of pixels nearly alike, any will do.
    tree = KDTree(_points(rgb, offers), leafsize=32, balanced_tree=False, compact_nodes=False)
    # The nearest is the pixel itself, or one that is the same to it.
    count = min(_NEAREST + 1, len(offers))
    _, nearest = tree.query(_points(rgb, seekers), count, eps=_NEARLY)
    near = offers.astype(np.int32)[np.reshape(nearest, (len(seekers), count))]
    numbers, total = slot.ravel(), np.count_nonzero(slot >= 0)
    first, other, degree, pull = _linked(near, numbers[seekers], total, numbers, alpha.ravel())
    return Links(first, other, degree, pull, _WEIGHT)


@numba.njit(nogil=True, cache=True)
def _points(rgb, pixels):
    """Colour and place of pixels by their flat indices, float32 [N, 5]."""
    height, width = rgb.shape[:2]
    down, across = np.float32(_PLACE / height), np.float32(_PLACE / width)
    out = np.empty((pixels.size, 5), np.float32)
    for n in range(pixels.size):
        y, x = pixels[n] // width, pixels[n] % width
        for k in range(3):
            out[n, k] = rgb[y, x, k]
        out[n, 3], out[n, 4] = across * x, down * y
    return out


@numba.njit(nogil=True, cache=True)
def _linked(near, rows, count, slot, alpha):
    """From the pixels nearest to the unknown ones that seek, int32 [M, K], and the numbers of these, what
    ``Links`` holds of all ``count`` up to ``pull``.
    """
    degree, pull = np.zeros(count, np.float32), np.zeros(count, np.float32)
    first = np.zeros(count + 1, np.int32)
    for seeker in range(len(rows)):
        row = rows[seeker]
        for pixel in near[seeker]:
            other = slot[pixel]
            if other == row:
                continue
            degree[row] += 1
            if other < 0:
                pull[row] += alpha[pixel]
            else:
                degree[other] += 1
                first[row + 1] += 1
                first[other + 1] += 1
    for row in range(count):
        first[row + 1] += first[row]
    filled = first[:-1].copy()
    others = np.empty(first[count], np.int32)
    for seeker in range(len(rows)):
        row = rows[seeker]
        for pixel in near[seeker]:
            other = slot[pixel]
            if other >= 0 and other != row:
                others[filled[row]], others[filled[other]] = other, row
                filled[row] += 1
                filled[other] += 1
    return first, others, degree, pull
