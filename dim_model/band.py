"""How wide a trimap's unknown band is to be, pixel by pixel: thin at hard edges, wide at hair and blur.

A band of one width is too wide along a sleeve and too narrow along hair. A quick matte of the frame at a
reduced size (colour pairs sampled outside a generous band, smoothed by the guide; see ``sampling``,
``guided``) shows where pixels are mixed. The band grows to those that it touches; where an edge is furry, to
where the tips of the fur may be, and as far into the subject; and where nothing around is mixed, and the
matte is sure, it shrinks. What a person painted is not to go through here.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dim_model.arrays import Floats, Mask
from dim_model.flow import reduced
from dim_model.morphology import disk, grown
from dim_model.nearest import nearest_known
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
_FUZZ, _SOLID, _STRAND = 0.2, 0.8, 9
"""Alpha between which a pixel outside the body is fuzz, and pixels below which a part of the subject is a
strand and none of its body.
"""
_WINDOW, _COARSE = 40.0, 4
"""Pixels (sigma) over which fuzz is measured along an edge, and how many times smaller the picture is for it.
"""
_BLIND, _CHANCE = 0.4, 1.5
"""Share of what lies beyond the band that the matte claims by chance, from which on fuzz tells nothing; and
how many times it is taken off the fuzz where that is to tell of tips.
"""
_FURRY = 2.7, 3.0
"""Mean width of the fuzz, in pixels, above which an edge is furry: for the band to go in, and further out."""
_FURS, _FARTHEST = (6.0, 10.0), 60.0
"""How deep fur is, and how far its tips reach, in mean widths of its fuzz, and in pixels at most."""
_KEPT = 0.6
"""Share of the way to what is farthest from the edge, on either side, beyond which all stays as it was: of a
small subject something is to be known.
"""
_TRACE = 1e-4
"""A share below which there is none around."""


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
    furry = _fur(quick) if soft else np.zeros_like(unknown)
    out[_enlarged(furry, trimap)] = 0.5
    if hard is not None:
        mixed = wide & ((np.abs(matte - 0.5) < 0.5 - _DECIDED) | (trust < _SURE))
        edge = cv2.morphologyEx((matte > 0.5).astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
        sure = unknown & ~(grown(mixed | strange | (edge > 0), hard) | furry)
        for value in (0.0, 1.0):
            out[_enlarged(sure & (matte.round() == value), trimap) & (trimap == 0.5)] = value
    return out


def into_fur(view: Tensor, trimap: Tensor, soft: int) -> Tensor:
    """The trimap with its band grown in fur alone, for a carried mask, which has seen what is mixed;
    otherwise as ``adapted``.
    """
    quick = _Quick.of(view, trimap, soft) if soft else None
    if quick is None:
        return trimap
    return trimap.masked_fill(_enlarged(_fur(quick), trimap), 0.5)


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


def _fur(quick: _Quick) -> Mask:
    """Where fur may be, bool [h, w]: as deep in the body, and as far outside, as the fuzz along its edge
    says. Inside nearly all of it has the subject's colour, and its tips are too faint to be seen.
    """
    matte, outside = quick.matte, quick.wide & (quick.known == 0)
    body = cv2.morphologyEx((matte > 0.5).astype(np.uint8), cv2.MORPH_OPEN, disk(_STRAND // 2)) > 0
    edge = body & (cv2.erode(body.view(np.uint8), np.ones((3, 3), np.uint8)) == 0)
    if not edge.any():
        return np.zeros_like(quick.unknown)
    around, fuzz, solid = quick.unknown & ~body, (matte > _FUZZ) & (matte < _SOLID), matte >= _SOLID
    # Where colours are alike the matte claims what it likes, beyond the band as well as in it.
    chance = _nearby(outside & fuzz & (quick.trust < _EXPLAINED)) / np.maximum(_nearby(outside), _TRACE)
    # Leaves and arms are strands, too, but solid ones.
    area, length = _nearby(around & fuzz) - _nearby(around & solid), np.maximum(_nearby(edge), _TRACE)
    inner = _at_pixels(area / length, edge)
    outer = _at_pixels((area - _CHANCE * chance * _nearby(around)) / length, edge)
    # Where nothing is told, fur is as deep as elsewhere; outside, a wider band would have the network guess.
    told = _at_pixels(np.clip(1 - chance / _BLIND, 0, 1), edge)
    elsewhere = (told * inner)[edge].sum() / max(told[edge].sum(), _TRACE)
    inner = elsewhere + told * (inner - elsewhere)
    far, nearest = nearest_known(edge)
    furry = np.zeros_like(quick.unknown)
    for side, width, least, reach in zip((body, ~body), (inner, outer), _FURRY, _FURS, strict=True):
        farthest = min(_FARTHEST, _KEPT * float(far.max(where=side, initial=0)))
        here = width.ravel()[nearest]
        furry |= side & (here > least) & (far < np.minimum(reach * here, farthest))
    return furry


def _nearby(mask: Mask) -> Floats:
    """Share of the pixels around that are in the mask, float32 [h / 4, w / 4]."""
    size = tuple(max(1, length // _COARSE) for length in mask.shape[::-1])
    small = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(small, (0, 0), _WINDOW / _COARSE), np.float32)


def _at_pixels(some: NDArray[Any], like: Mask) -> Floats:
    """What ``_nearby`` told of a picture, float32, at each of the pixels of one as large as ``like``."""
    return np.asarray(cv2.resize(some, like.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def _enlarged(mask: Mask, trimap: Tensor) -> Tensor:
    """bool [1, H, W] of the trimap's size."""
    height, width = trimap.shape[-2:]
    full = cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    return torch.from_numpy(full > 0)[None].to(trimap.device)
