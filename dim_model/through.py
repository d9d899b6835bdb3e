"""Where a clean plate is seen through its subject: in fur at the rim, and between leaves and threads."""

from __future__ import annotations

import cv2
import numpy as np

from dim_model.arrays import Floats, Mask

_RIND = 0.1
"""Of the frame's shorter side: how deep the plate may shine through hair at the subject's rim."""

_OPAQUE, _ON_LINE, _APART = 0.85, 0.2, 0.3
"""Share of the subject's own colour from which a pixel counts as opaque; how far it may lie beside the line
to the plate's colour, in lengths of the line; and how long the line must be, display-referred.
"""


def apart(frame: Floats, plate: Floats) -> Floats:
    """How far each pixel lies beyond what the plate shows in or beside it, float32 [h, w]; below 0, within.

    A plate that was laid over a frame may be a pixel off.
    """
    square = np.ones((3, 3), np.uint8)
    lower, upper = cv2.erode(plate, square), cv2.dilate(plate, square)
    return np.asarray(np.maximum(frame - upper, lower - frame).max(-1), np.float32)


def mixed(frame: Floats, plate: Floats, subject: Mask) -> Mask:
    """Where the subject lets the plate through, bool [h, w]: hair and fur at its rim, all of which differ.

    The colours of what lies deep in the subject are spread outwards; a pixel at the rim that stands on the
    line between them and the plate, short of its end, is a mixture of both.
    """
    side = min(subject.shape)
    depth = cv2.distanceTransform(subject.astype(np.uint8), cv2.DIST_L2, 3)
    deep = (depth > _RIND * side).astype(np.float32)
    size = 2 * round(1.5 * _RIND * side) + 1
    weight = cv2.blur(deep, (size, size))
    inner = cv2.blur(frame * deep[..., None], (size, size)) / np.maximum(weight, 1e-4)[..., None]
    line, away = inner - plate, frame - plate
    length = np.maximum((line**2).sum(-1), 1e-6)
    share = (away * line).sum(-1) / length
    beside = np.linalg.norm(away - share[..., None] * line, axis=-1)
    between = subject & (depth <= _RIND * side) & (weight > 1e-3) & (share < _OPAQUE)
    between &= (beside < _ON_LINE * np.sqrt(length)) & (length > _APART**2)
    between = cv2.morphologyEx(between.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
    return np.asarray(between)


def gaps(frame: Floats, plate: Floats, subject: Mask, beyond: float) -> Mask:
    """Where the plate is seen between leaves and threads, bool [h, w]: pixels of the subject that show it, of
    whose colour the subject around has little.
    """
    plain, area = subject & (apart(frame, plate) < beyond), (41, 41)
    own = (subject & ~plain).astype(np.float32)
    weight = cv2.blur(own, area)
    colour = cv2.blur(frame * own[..., None], area) / np.maximum(weight, 1e-6)[..., None]
    shows = plain & (weight > 0) & (np.linalg.norm(colour - plate, axis=-1) > _APART)
    return np.asarray(cv2.dilate(shows.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
