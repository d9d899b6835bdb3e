"""How wide a trimap's unknown band is to be, pixel by pixel: thin at hard edges, wide at hair and blur.

A band of one width is too wide along a sleeve and too narrow along hair. A quick matte of the frame at a
reduced size (colour pairs sampled outside a generous band, smoothed by the guide; see ``sampling``,
``guided``) shows where pixels are mixed. The band grows to those that it touches, and as far into fur as the
fur stands out; where nothing around is mixed, and the matte is sure, it shrinks. What a person painted is not
to go through here.
"""

from __future__ import annotations

from typing import NamedTuple, Self

import cv2
import numpy as np
import torch
from torch import Tensor

from dim_model.arrays import Floats, Mask
from dim_model.flow import reduced
from dim_model.morphology import disk, grown
from dim_model.pieces import touching
from dim_model.quick import quick_matte

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
_TRACE, _STRAND = 0.05, 9
"""Alpha from which a pixel outside the subject is fuzz, and pixels below which a part of it is a strand."""
_WINDOW, _HARD = 10.0, 2.5
"""Pixels (sigma) over which fuzz is measured along an edge; its mean width up to which the edge is hard."""
_DEPTH, _DEEPEST = 3.0, 40.0
"""Depth of the fur in mean widths of its fuzz, and in pixels at most."""


def adapted(view: Tensor, trimap: Tensor, soft: int, hard: int | None) -> Tensor:
    """The trimap with its band fitted to the frame, float32 [1, H, W] of 0, 0.5, 1.

    view: float32 [3, H, W], display-referred, 0..1. trimap: float32 [1, H, W] of 0, 0.5, 1. soft: pixels of
    the frame reduced to ``LINES`` by which the band may grow; 0: it does not. hard: such pixels that stay
    unknown around what is mixed when it shrinks; None: it does not.
    """
    if not soft and hard is None:
        return trimap
    quick = _Quick.of(view, trimap, soft)
    if quick is None:
        return trimap
    unknown, wide, matte, trust = quick.unknown, quick.wide, quick.matte, quick.trust
    out = trimap.clone()
    strange = wide & ~unknown & (np.abs(matte - quick.known) > _MIXED) & (trust > _EXPLAINED)
    out[_enlarged(strange & touching(strange | unknown, unknown), trimap)] = 0.5
    furry = _furry(matte, unknown) if soft else np.zeros_like(unknown)
    out[_enlarged(furry, trimap) & (trimap == 1)] = 0.5
    if hard is not None:
        mixed = wide & ((np.abs(matte - 0.5) < 0.5 - _DECIDED) | (trust < _SURE))
        edge = cv2.morphologyEx((matte > 0.5).astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
        sure = unknown & ~(grown(mixed | strange | (edge > 0), hard) | furry)
        for value in (0.0, 1.0):
            out[_enlarged(sure & (matte.round() == value), trimap) & (trimap == 0.5)] = value
    return out


def into_fur(view: Tensor, trimap: Tensor, soft: int) -> Tensor:
    """The trimap with its band grown into fur alone, for one whose maker has seen what is mixed; otherwise as
    ``adapted``.
    """
    quick = _Quick.of(view, trimap, soft) if soft else None
    if quick is None:
        return trimap
    furry = _enlarged(_furry(quick.matte, quick.unknown), trimap) & (trimap == 1)
    return trimap.masked_fill(furry, 0.5)


class _Quick(NamedTuple):
    """A frame at the reduced size, float32 or bool [h, w]. known: its trimap. unknown: what is in it. wide:
    the same, grown. matte, trust: of what is wide, and how far its colours explain it.
    """

    known: Floats
    unknown: Mask
    wide: Mask
    matte: Floats
    trust: Floats

    @classmethod
    def of(cls, view: Tensor, trimap: Tensor, soft: int) -> Self | None:
        """None where one side would be known nowhere, or nothing is unknown."""
        rgb, known = reduced(view, LINES), reduced(trimap, LINES)[..., 0]
        unknown = (known > 0) & (known < 1)
        wide = grown(unknown, soft)
        inside, outside = (known == 1) & ~wide, (known == 0) & ~wide
        if not (unknown.any() and inside.any() and outside.any()):
            return None
        return cls(known, unknown, wide, *quick_matte(rgb, inside, wide, _SMOOTH))


def _furry(matte: Floats, unknown: Mask) -> Mask:
    """What of the subject is as near to its edge as the fuzz there is long, bool [H, W]: fur is as deep as it
    stands out, though inside nearly all of it has the subject's colour.
    """
    body = cv2.morphologyEx((matte > 0.5).astype(np.uint8), cv2.MORPH_OPEN, disk(_STRAND // 2))
    edge = (body > 0) & (cv2.erode(body, np.ones((3, 3), np.uint8)) == 0)
    fuzz = (matte > _TRACE) & (body == 0) & unknown
    area, length = (cv2.GaussianBlur(m.astype(np.float32), (0, 0), _WINDOW) for m in (fuzz, edge))
    width = area / np.maximum(length, 1e-4)
    depth = cv2.distanceTransform(body, cv2.DIST_L2, 3)
    return np.asarray((body > 0) & (width > _HARD) & (depth < np.minimum(_DEPTH * width, _DEEPEST)))


def _enlarged(mask: Mask, trimap: Tensor) -> Tensor:
    """bool [1, H, W] of the trimap's size."""
    height, width = trimap.shape[-2:]
    full = cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    return torch.from_numpy(full > 0)[None].to(trimap.device)
