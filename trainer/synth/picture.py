"""Whole pictures: a subject to be seen as one, somewhere before a background; now and then none at all."""

from __future__ import annotations

import cv2
import numpy as np

from dim_model.arrays import Floats
from trainer.synth.background import met, random_background
from trainer.synth.damage import damaged
from trainer.synth.foreground import Maker, Rng
from trainer.synth.photos import Photos
from trainer.synth.scene import composite

_EMPTY = 0.04
"""Share of pictures without a subject: the network is to say so, not to make one out."""

_SEEN = 0.02
"""Alpha from which a pixel is of the subject."""

_BODY = 0.02
"""Share of the drawn picture that is opaque, at least: smoke and nets alone leave nothing to call a subject.
"""

_EXTENT = (0.25, 1.05)
"""Of the picture's side: the longer side of a subject. A little over 1 is cut off by the frame."""

_STRETCH = 1.25
"""Frames are wide or tall, pictures square: a subject may be wider or narrower by this."""


def make_subject(rng: Rng, maker: Maker, size: int) -> Floats:
    """A foreground with a body, float32 [N, N, 4], straight RGB and alpha, display-referred."""
    for _ in range(8):
        made = maker.make(rng, size)
        if float((made.alpha > 0.98).mean()) > _BODY:
            break
    return np.dstack([made.colour, made.alpha])


def make_picture(rng: Rng, subject: Floats, photos: Photos, size: int) -> tuple[Floats, Floats]:
    """The picture, float32 [S, S, 3], display-referred, with a camera's damage, and its alpha, float32 [S,
    S].
    """
    background = random_background(rng, photos, size)
    if rng.random() < _EMPTY:
        return damaged(rng, background), np.zeros((size, size), np.float32)
    placed = _placed(rng, subject, size)
    alpha = placed[..., 3]
    colour = np.where(
        alpha[..., None] > 1e-3, placed[..., :3] / np.maximum(alpha, 1e-3)[..., None], background
    )
    foreground, background = met(rng, alpha, np.asarray(np.clip(colour, 0, 1), np.float32), background)
    image = composite(alpha, foreground, background, in_light=rng.random() < 0.5)
    return damaged(rng, image), np.ascontiguousarray(alpha)


def _placed(rng: Rng, subject: Floats, size: int) -> Floats:
    """The subject, scaled and moved, premultiplied, float32 [S, S, 4].

    A side on which its picture cut it off lies on the frame's own edge, or beyond: a body that ends in
    mid-air by a straight cut is in no frame.
    """
    seen = subject[..., 3] > _SEEN
    if not seen.any():
        return np.zeros((size, size, 4), np.float32)
    extents = [np.flatnonzero(seen.any(1 - axis))[[0, -1]] for axis in (0, 1)]
    last = len(subject) - 1
    cut_off = [(bool(low <= 1), bool(high >= last - 1)) for low, high in extents]
    spans = [int(high - low) + 1 for low, high in extents]
    scale = size * float(rng.uniform(*_EXTENT)) / max(spans)
    stretch = _STRETCH ** float(rng.uniform(-0.5, 0.5))
    scales = [scale * stretch, scale / stretch]
    for axis, ends in enumerate(cut_off):
        if all(ends):
            need = size * float(rng.uniform(1, 1.15)) / spans[axis]
            scales = [factor * max(1, need / scales[axis]) for factor in scales]
    starts = [
        _start(rng, size, span * factor, ends)
        for span, factor, ends in zip(spans, scales, cut_off, strict=True)
    ]
    y, x = (start - low * factor for start, (low, _), factor in zip(starts, extents, scales, strict=True))
    paint = subject.copy()
    paint[..., :3] *= paint[..., 3:]
    if min(scales) < 0.7:  # the warp takes four neighbours: more that fall on one pixel are averaged before
        soft = 0.4 / min(scales)
        blurred = cv2.GaussianBlur(paint, (0, 0), soft, borderType=cv2.BORDER_REPLICATE)
        paint = np.asarray(blurred, np.float32)
    matrix = np.array([[scales[1], 0, x], [0, scales[0], y]], np.float64)
    placed = cv2.warpAffine(paint, matrix, (size, size), borderMode=cv2.BORDER_CONSTANT)
    # The warp's weights sum to 1 but for the last bit, and of a negative light there is no root.
    return np.asarray(np.clip(placed, 0, 1), np.float32)


def _start(rng: Rng, size: int, length: float, ends: tuple[bool, bool]) -> float:
    """Where on an axis the subject begins, pixels, so that no cut end is seen."""
    low, high = ends
    if low and high:
        return float(rng.uniform(size - length, 0))
    if low:
        return -float(rng.uniform(0, 0.1)) * length
    if high:
        return size - length * float(rng.uniform(0.9, 1))
    free = size - length
    return float(rng.uniform(min(0, free), max(0, free)))
