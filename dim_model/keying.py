"""A trimap from a chroma screen, frame by frame, and how far the key tells screen from subject there.

The key is relative to the screen's own level nearby (``screen.relative_key``), so uneven light and wrinkles
are no foreground. What is not the screen is not all subject: stands and ceilings beyond the screen's outline
are not. Nor is all that has the screen's colour screen: what the subject encloses is a view through him only
where it is as bright as the screen around him.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from dim_model import trimap
from dim_model.arrays import Floats, Mask
from dim_model.pieces import Pieces
from dim_model.screen import Screen, relative_key

_SCREEN, _SUBJECT = 0.8, 0.45
"""Relative key above which a pixel is screen, and below which it is not: skin on yellow reaches 0.3."""

_ISLAND = 2e-3
"""Share of the frame below which a patch of screen that the edge of the frame does not touch is doubted."""

_OPEN = 0.05
"""Share of the frame from which a patch of screen is open, though the subject and the edge enclose it."""

_LEVEL = 0.08
"""By so much an enclosed patch may be brighter or darker than the screen around and still be a view of it."""

_SPECK = 2e-4
"""Share of the frame below which a lone patch of subject is noise."""

_WITHIN = 0.1
"""Share of a part that must lie within the screen's hull, for it to be more than what stands beside."""

_MOST = 0.9
"""Confidence at best: a screen knows less than a clean plate or a painter."""

_ENOUGH = 0.03
"""Share of the frame from which the screen is enough to know its level by."""

_LINES = 180
"""The shorter side of the reduced frame in which texture is sought: a sensor's grain is gone in it."""

_RUGGED = (0.003, 0.012)
"""Texture times what is neither, from which on what has a screen's colour is doubted, and is none: hard
wrinkles and grain stay below, waves, foliage and a forest before the sky do not.
"""

_WIDE = 7
"""Pixels around the border between screen and subject where keys are mixed, and say nothing of either."""


class Keyed(NamedTuple):
    """trimap: float32 [1, H, W] of 0, 0.5, 1. confidence: 0..1. screen: bool [1, H, W], where it is plain to
    see.
    """

    trimap: Tensor
    confidence: float
    screen: Tensor


def keyed(view: Tensor, screen: Screen, erode: int, dilate: int, *, drop_outside: bool = True) -> Keyed:
    """The trimap of one frame.

    view: float32 [3, H, W], display-referred, 0..1. ``erode`` pixels inside the subject's edge and ``dilate``
    outside are unknown. drop_outside: what lies beyond the screen's hull, touches the frame's edge and is not
    connected to anything before the screen is background. A patch of screen colour inside the subject, a tie
    or an eye, is unknown rather than a hole.
    """
    rgb = view[None]
    calm = F.avg_pool2d(F.pad(rgb, (1, 1, 1, 1), mode="replicate"), 3, 1)
    share = _flat(relative_key(calm, screen))
    backdrop = share > _SCREEN
    hole, patch = _enclosed(backdrop, share, calm, screen)
    subject = _without_specks(share < _SUBJECT)
    backdrop = (backdrop & ~patch) | hole
    outside = _outside(~backdrop, screen) if drop_outside else np.zeros_like(backdrop)
    backdrop = _without_lone_doubt((backdrop & ~subject) | outside, subject & ~outside)
    subject &= ~outside
    inside, behind = (torch.from_numpy(mask)[None, None].to(view.device) for mask in (subject, backdrop))
    made = trimap.compose(trimap.shrink(inside, erode), trimap.shrink(behind & ~inside, dilate))[0]
    plain = torch.from_numpy(share > _SCREEN)[None].to(view.device) & (made == 0)
    return Keyed(made, _confidence(share, subject, backdrop, patch, outside), plain)


def _flat(picture: Tensor) -> Floats:
    return np.ascontiguousarray(picture[0, 0].numpy(force=True), np.float32)


def _pieces(mask: Mask) -> Pieces:
    return Pieces.of(mask, by_corners=True)


def _at_edge(pieces: Pieces) -> Mask:
    """Which pieces touch the edge of the frame, by label."""
    labels, found = pieces.labels, np.zeros(len(pieces.areas), bool)
    found[np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])] = True
    return found


def _enclosed(backdrop: Mask, share: Floats, calm: Tensor, screen: Screen) -> tuple[Mask, Mask]:
    """Of the screen's patches that the subject encloses: the views through him, and the others."""
    pieces = _pieces(backdrop)
    labels, areas = pieces
    shut = ~_at_edge(pieces) & (areas > 0) & (areas < _OPEN * labels.size)
    none = np.zeros_like(backdrop)
    if not shut.any():
        return none, none
    open_ = backdrop & ~pieces.only(shut)
    if not open_.any():
        return none, pieces.only(shut)
    level = _flat(relative_key(calm, screen, torch.from_numpy(open_)[None, None].to(calm.device)))
    means = np.bincount(labels.ravel(), level.ravel(), len(areas)) / np.maximum(areas, 1)
    alike = (np.abs(means - 1) < _LEVEL) & (areas >= _ISLAND * labels.size)
    return pieces.only(shut & alike), pieces.only(shut & ~alike)


def _without_specks(mask: Mask) -> Mask:
    pieces = _pieces(mask)
    return pieces.only(pieces.areas >= _SPECK * mask.size)


def _without_lone_doubt(backdrop: Mask, subject: Mask) -> Mask:
    """With what is neither screen nor subject and touches no subject: a deep wrinkle, a marker."""
    pieces = _pieces(~backdrop)
    near = cv2.dilate(subject.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    lone = np.bincount(pieces.labels[near], minlength=len(pieces.areas)) == 0
    return backdrop | pieces.only(lone & (pieces.areas < _ISLAND * backdrop.size))


def _outside(rest: Mask, screen: Screen) -> Mask:
    """Parts of what is not screen that stand beside it: at the frame's edge, and not before the screen."""
    if len(screen.hull) < 3:
        return np.zeros_like(rest)
    height, width = rest.shape
    corners = np.array([[x * width - 0.5, y * height - 0.5] for x, y in screen.hull])
    hull = np.zeros(rest.shape, np.uint8)
    cv2.fillConvexPoly(hull, np.round(corners).astype(np.int32), 1)
    pieces = _pieces(rest)
    within = np.bincount(pieces.labels.ravel(), hull.ravel(), len(pieces.areas))
    return pieces.only(_at_edge(pieces) & (within < _WITHIN * pieces.areas))


def _confidence(share: Floats, subject: Mask, backdrop: Mask, patch: Mask, outside: Mask) -> float:
    """How far the keys of either side stand apart (Bhattacharyya's coefficient of two normal distributions),
    less what is neither away from the edge, less where hardly any screen is left to know its level by, less
    where what has its colour is rugged, and less where nothing stands before it but much beside: the subject
    may be among that.
    """
    square = np.ones((2 * _WIDE + 1, 2 * _WIDE + 1), np.uint8)
    screen = (cv2.blur(share, (_WIDE, _WIDE)) > (_SCREEN + _SUBJECT) / 2) & ~patch
    deep, wide = (
        cv2.erode(screen.astype(np.uint8), square) > 0,
        cv2.dilate(screen.astype(np.uint8), square) > 0,
    )
    enough = min(1.0, float((screen & ~outside).mean()) / _ENOUGH)
    body = float((~screen & ~outside).mean())
    neither = ~subject & ~backdrop & (deep | ~wide) & ~outside
    decided = max(0.0, 1 - 2 * float(neither.mean()) / body) if body else 1.0
    decided *= _evenness(share, outside)
    if not subject.any():
        decided *= max(0.0, 1 - 2 * float(outside.mean()))
    inner = ~wide & ~outside
    if not deep.any() or not inner.any():
        return float(_MOST * decided * enough)
    (less, spread), (more, width) = (
        (float(share[m].mean()), float(share[m].std()) + 1e-3) for m in (inner, deep)
    )
    total = spread**2 + width**2
    overlap = np.sqrt(2 * spread * width / total) * np.exp(-((more - less) ** 2) / (4 * total))
    return float(_MOST * (1 - overlap) * decided * enough)


def _evenness(share: Floats, outside: Mask) -> float:
    """1 for what is painted or woven, 0 for what only has a screen's colour: from pixel to pixel its key
    differs, and much of it is neither screen nor subject.
    """
    reduce = max(1, min(share.shape) // _LINES)
    size = (max(1, share.shape[1] // reduce), max(1, share.shape[0] // reduce))
    small = cv2.resize(share, size, interpolation=cv2.INTER_AREA)
    plain = cv2.erode((small > _SCREEN).astype(np.float32), np.ones((3, 3), np.uint8))
    if not plain.any():
        return 1.0
    around = cv2.blur(small * plain, (9, 9)) / np.maximum(cv2.blur(plain, (9, 9)), 1e-6)
    texture = float(np.abs(small / np.maximum(around, _SCREEN / 2) - 1)[plain > 0].mean())
    between = float(((share > _SUBJECT) & (share < _SCREEN) & ~outside).mean())
    least, most = _RUGGED
    rugged = texture * between / float((share > _SCREEN).mean())
    return float(np.clip((most - rugged) / (most - least), 0, 1))
