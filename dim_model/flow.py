"""Optical flow between two frames, and how far each pixel of it is to be trusted.

Dense inverse search (Kroeger et al., "Fast Optical Flow using Dense Inverse Search", 2016) both ways: where
the way back does not lead to where one came from, something was covered or uncovered there, or the flow
failed. Frames are numpy float32 [H, W, 3], display-referred, 0..1, of one reduced size: flow at full size
costs sixteen times as much and follows no better.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor

from dim_model.arrays import Bytes, Floats
from dim_model.by_pixel import by_pixel
from dim_model.each import ONE_BY_ONE, Each

_SLACK = (0.3, 0.05)
"""Pixels, and share of the way, by which there-and-back may miss without doubt."""
_MISSED = 1.0
"""Pixels beyond that over which trust falls to 1/e."""
_GRAIN = 0.04
"""Difference of colour along the flow that is noise or light."""
_STRANGE = 0.06
"""Difference beyond that over which trust falls to 1/e."""


_LED = 0.12
"""Mean trust of a flow below which it leads nowhere: 0.03 over cuts, 0.35 under a flash, 0.6 and more within
shots.
"""


_LEAST = 16
"""Pixels of a side: in less OpenCV's search leaves its pyramid, and ends the process."""


class Search(NamedTuple):
    """How thoroughly flow is sought. stride: pixels from one patch of 8 x 8 to the next. descents: steps of
    gradient descent for each. refinements: of the whole field (Brox, Bruhn, Papenberg & Weickert, "High
    Accuracy Optical Flow Estimation Based on a Theory for Warping", 2004).
    """

    stride: int
    descents: int
    refinements: int


THOROUGH = Search(3, 25, 5)
"""OpenCV's medium preset."""

QUICK = Search(4, 12, 3)
"""Three fifths of that's time, for a matte that is as near to the truth (docs/performance.md)."""


class Flow(NamedTuple):
    """back: float32 [H, W, 2], (x, y) from each pixel to where it was in the other frame. trust: float32 [H,
    W], 0..1.
    """

    back: Floats
    trust: Floats


def reduced(view: Tensor, lines: int, *, roughly: bool = False) -> Floats:
    """A frame, float32 [C, H, W], as ``smaller`` makes of it."""
    return smaller(by_pixel(view), lines, roughly=roughly)


def smaller(picture: Floats, lines: int, *, roughly: bool = False) -> Floats:
    """float32 [H, W, C] as float32 [h, w, C] with a shorter side of ``lines``; itself where it is shorter.
    roughly: two rows are looked at for each that is made, which is enough for flow; what a large picture
    costs is reading it.
    """
    height, width = picture.shape[:2]
    scale = min(1.0, lines / min(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if size == (width, height):
        return picture
    some = picture[:: max(1, int(0.5 / scale))] if roughly else picture
    small = np.asarray(cv2.resize(some, size, interpolation=cv2.INTER_AREA), np.float32)
    return small.reshape(size[1], size[0], -1)


def grey(rgb: Floats) -> Bytes:
    """Luma in 8 bits, uint8 [H, W]."""
    codes = (np.clip(rgb, 0, 1) * 255 + 0.5).astype(np.uint8)
    return np.asarray(cv2.cvtColor(codes, cv2.COLOR_RGB2GRAY), np.uint8)


def moved(picture: Floats, back: Floats, corner: tuple[int, int] = (0, 0)) -> Floats:
    """``picture`` of the other frame, [H, W] or [H, W, C], as it lies now: sampled at ``back``, which may be
    of a part of the frame, whose upper left pixel (y, x) is ``corner``.
    """
    height, width = back.shape[:2]
    top, left = corner
    x = back[..., 0] + np.arange(left, left + width, dtype=np.float32)
    y = back[..., 1] + np.arange(top, top + height, dtype=np.float32)[:, None]
    there = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(there, np.float32)


def flows(
    first: Floats, second: Floats, search: Search = THOROUGH, each: Each = ONE_BY_ONE
) -> tuple[Flow, Flow]:
    """From ``first`` to where its pixels are in ``second``, and from ``second`` to where they are in
    ``first``; both float32 [H, W, 3] of one size. each: by what both are sought.
    """
    there, back = sought(grey(first), grey(second), search, each)
    sure, also = each(trust, (first, second), (second, first), (there, back), (back, there))
    return Flow(there, sure), Flow(back, also)


def sought(first: Bytes, second: Bytes, search: Search, each: Each = ONE_BY_ONE) -> tuple[Floats, Floats]:
    """The ``back`` of both flows, from what ``grey`` makes of the frames."""
    there, back = each(partial(one_way, search=search), (first, second), (second, first))
    return there, back


def one_way(first: Bytes, second: Bytes, search: Search) -> Floats:
    """The first of what is ``sought``."""
    by = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    by.setPatchStride(search.stride)
    by.setGradientDescentIterations(search.descents)
    by.setVariationalRefinementIterations(search.refinements)
    height, width = first.shape
    more = (0, max(0, _LEAST - height), 0, max(0, _LEAST - width))
    one, other = (cv2.copyMakeBorder(grey, *more, cv2.BORDER_REPLICATE) for grey in (first, second))
    found = by.calc(one, other, None)  # type: ignore[call-overload]
    return np.asarray(found, np.float32)[:height, :width]


def is_cut(flow: Flow) -> bool:
    """Whether two neighbouring frames belong to different shots: no motion leads from one to the other."""
    return float(flow.trust.mean()) < _LED


def trust(
    here: Floats, other: Floats, there: Floats, back: Floats, corner: tuple[int, int] = (0, 0)
) -> Floats:
    """How far a flow is to be relied on, 0..1. here, there: a frame and its flow, or one part of both whose
    upper left pixel is ``corner``. other, back: the other frame, whole, and its flow back to this.
    """
    missed, length = _lengths(there + moved(back, there, corner)), _lengths(there)
    away = np.abs(moved(other, there, corner) - here)
    strange = cv2.blur(_greatest(away), (3, 3))
    doubt = np.maximum(missed - _SLACK[0] - _SLACK[1] * length, 0) / _MISSED
    doubt += np.maximum(strange - _GRAIN, 0) / _STRANGE
    return np.asarray(np.exp(-doubt), np.float32)


# numpy's own reductions over a last axis of two or three take several times as long, for the same bits.


def _lengths(ways: Floats) -> Floats:
    """Of vectors [H, W, 2], float32 [H, W]."""
    x, y = ways[..., 0], ways[..., 1]
    return np.sqrt(x * x + y * y)


def _greatest(picture: Floats) -> Floats:
    """Of the channels of [H, W, C], float32 [H, W]."""
    most = picture[..., 0]
    for channel in range(1, picture.shape[-1]):
        most = np.maximum(most, picture[..., channel])
    return np.ascontiguousarray(most)


def enlarged(picture: Floats, height: int, width: int) -> Tensor:
    """A reduced picture, [h, w], as float32 [1, H, W] of the frame's size."""
    if picture.shape[:2] != (height, width):
        picture = np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    return torch.from_numpy(np.ascontiguousarray(picture))[None]
