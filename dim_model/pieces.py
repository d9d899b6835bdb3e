"""The pieces of a mask: what of it hangs together, and which of them are worth keeping.

Sizes go by pixels that share a side, since a dotted line is no piece; what touches may do so by a corner.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from dim_model.arrays import Indices, Mask


class Pieces(NamedTuple):
    """labels: each pixel's piece, int32 [H, W], 0 outside the mask. areas: pixels of each piece; 0 of 0."""

    labels: Indices
    areas: NDArray[np.int64]

    @classmethod
    def of(cls, mask: Mask, *, by_corners: bool = False) -> Pieces:
        _, labels, stats, _ = cv2.connectedComponentsWithStats(
            mask.astype(np.uint8), connectivity=8 if by_corners else 4
        )
        areas = stats[:, cv2.CC_STAT_AREA].astype(np.int64)
        areas[0] = 0
        return cls(np.asarray(labels, np.int32), areas)

    def only(self, chosen: NDArray[Any]) -> Mask:
        """The pixels of those pieces that ``chosen``, bool by label, names; nothing outside the mask."""
        inside = chosen & (np.arange(len(self.areas)) > 0)
        return np.asarray(inside[self.labels])


def large(mask: Mask, least: float) -> Mask:
    """What of ``mask`` lies in pieces of ``least`` pixels or more."""
    pieces = Pieces.of(mask)
    return pieces.only(pieces.areas >= least)


def tidied(mask: Mask, speck: float, gap: float) -> Mask:
    """Without pieces of less than ``speck`` pixels, and then with those gaps filled that are less than
    ``gap``.
    """
    kept = large(mask, speck)
    return ~large(~kept, gap)


def touching(mask: Mask, other: Mask) -> Mask:
    """The pieces of ``mask`` that hold a pixel of ``other``."""
    pieces = Pieces.of(mask, by_corners=True)
    return pieces.only(np.bincount(pieces.labels[other], minlength=len(pieces.areas)) > 0)
