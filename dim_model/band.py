"""How wide a trimap's unknown band is to be, pixel by pixel: thin at hard edges, wide at hair and blur.

A band of one width is too wide along a sleeve and too narrow along hair. A quick matte of the frame at a
reduced size (colour pairs sampled outside a generous band, smoothed by the guide; see ``sampling``,
``guided``) shows where pixels are mixed. The band grows to those that it touches; where nothing around is
mixed, and the matte is sure, it shrinks. What a person painted is not to go through here.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dim_model import guided, sampling
from dim_model.flow import Floats, reduced

Mask = NDArray[np.bool_]

LINES = 360
"""The shorter side at which the matte is made, and which ``soft`` and ``hard`` count in."""

_MIXED = 0.1
"""Alpha that differs by so much from what the trimap says is another: noise and texture stay below."""
_EXPLAINED = 0.8
"""Confidence of the sampling above which its matte grows the band: where subject and background are alike, a
wider band only has the network guess in more places.
"""
_DECIDED = 0.04
"""Alpha nearer than this to 0 or 1 is not mixed."""
_SURE = 0.5
"""Confidence of the sampling below which its matte shrinks nothing."""
_SMOOTH = 3


def adapted(view: Tensor, trimap: Tensor, soft: int, hard: int | None) -> Tensor:
    """The trimap with its band fitted to the frame, float32 [1, H, W] of 0, 0.5, 1.

    view: float32 [3, H, W], display-referred, 0..1. trimap: float32 [1, H, W] of 0, 0.5, 1. soft: pixels of
    the frame reduced to ``LINES`` by which the band may grow; 0: it does not. hard: such pixels that stay
    unknown around what is mixed when it shrinks; None: it does not.
    """
    if not soft and hard is None:
        return trimap
    rgb, known = reduced(view, LINES), reduced(trimap, LINES)[..., 0]
    unknown = (known > 0) & (known < 1)
    wide = _grown(unknown, soft)
    inside, outside = (known == 1) & ~wide, (known == 0) & ~wide
    if not (unknown.any() and inside.any() and outside.any()):
        return trimap
    matte, trust = _matte(rgb, inside, wide)
    out = trimap.clone()
    strange = wide & ~unknown & (np.abs(matte - known) > _MIXED) & (trust > _EXPLAINED)
    out[_enlarged(_touching(strange, unknown), trimap)] = 0.5
    if hard is not None:
        mixed = wide & ((np.abs(matte - 0.5) < 0.5 - _DECIDED) | (trust < _SURE))
        edge = cv2.morphologyEx((matte > 0.5).astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
        sure = unknown & ~_grown(mixed | strange | (edge > 0), hard)
        for value in (0.0, 1.0):
            out[_enlarged(sure & (matte.round() == value), trimap) & (trimap == 0.5)] = value
    return out


def _matte(rgb: Floats, inside: Mask, wide: Mask) -> tuple[Floats, Floats]:
    """A quick matte, and how far its colours explain each pixel; both float32 [H, W], 0..1."""
    matte, trust = inside.astype(np.float32), np.ones(inside.shape, np.float32)
    found = sampling.sample(rgb, np.where(wide, np.float32(0.5), matte))
    matte.ravel()[found.pixels] = found.alpha
    trust.ravel()[found.pixels] = found.confidence
    matte[wide] = guided.smooth(rgb, matte, trust + np.float32(1e-3), wide, _SMOOTH)
    return matte, trust


def _touching(mask: Mask, other: Mask) -> Mask:
    """The parts of ``mask`` that hang together with ``other``."""
    count, label = cv2.connectedComponents((mask | other).astype(np.uint8))
    held = np.zeros(count, bool)
    held[np.unique(label[other])] = True
    return np.asarray(held[label] & mask)


def _grown(mask: Mask, by: int) -> Mask:
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * by + 1, 2 * by + 1))
    return cv2.dilate(mask.astype(np.uint8), disc) > 0


def _enlarged(mask: Mask, trimap: Tensor) -> Tensor:
    """bool [1, H, W] of the trimap's size."""
    height, width = trimap.shape[-2:]
    full = cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    return torch.from_numpy(full > 0)[None].to(trimap.device)
