"""A trimap from a clean plate: the same view without the subject, a little shifted, brighter or darker.

The clean plate is laid over the frame (corners tracked by Lucas & Kanade's flow, a homography by RANSAC), its
exposure matched channel by channel to the most frequent ratio of light, which a subject over half of the
frame does not move, and the noise measured where they agree. What then still differs is the subject, unless
it is a shadow: the same colour, darker, with the same texture in it (Horprasert, Harwood & Davis, "A
Statistical Approach for Real-time Robust Background Subtraction and Shadow Detection", 1999, for brightness
and chromaticity apart).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from dim_model import flow, pieces, trimap
from dim_model.arrays import Floats, Mask
from dim_model.by_pixel import by_pixel
from dim_model.colours import ColourModel, log_odds
from dim_model.register import burnt, exposed, gain, matched, moved, shift
from dim_model.through import apart, gaps, mixed

_CORE = 0.04
"""Of the frame's shorter side: how deep in the subject nothing shines through, but for fur."""
_LINES = 540
"""The shorter side at which plates are compared: enough for a band that is 10 pixels wide at 1080."""

_SIGMAS = 4.0
"""Noise beyond which a pixel differs; one in 16,000 does by chance."""

_NOISE = (0.0075, 0.025)
"""Standard deviation, display-referred, that is believed: encoders add to the least, and what seems to be
more is another picture.
"""

_SHADOW = (0.35, 1.0)
"""How bright a shadow is, relative to the plate: darker is a subject, brighter is light."""

_TEXTURE = 0.5
"""Correlation of textures from which what is darker is the same wall and not a dark subject."""

_TRACE = 0.06
"""Alpha below which a pixel beside the subject is the plate."""

_RIM = 0.2
"""Share of a patch's outline that lies in the open, from which it may be a shadow."""

_SPECK = 1e-3
"""Share of the frame below which a lone patch that differs is noise, a leaf or a bird."""

_DECIDED = 1.0
"""Log odds from which colour settles what may be a shadow, for dark jeans are like other jeans, and what deep
in the subject may be hair before a wall, for a neck is like a face.
"""

_GAP = 5e-4
"""Share of the frame below which a hole in the subject is a like colour rather than a view through it."""

_DETAIL, _FINE = 0.008, 21
"""Standard deviation from which a plate has detail, and pixels that it has it within: what is coarser may be
light.
"""
_ENOUGH = 0.004
"""Share of the frame from which detail tells whether both show one view; a bare wall has less."""
_OTHER, _SAME = 0.4, 0.6
"""Share of the plate's detail that is in the frame, too: of another view's at most, and of the same one's at
least. Photographs of other places have 0.3, the plates of a shot 0.9 even where they are noisy.
"""


@dataclass(frozen=True)
class Difference:
    """trimap: float32 [1, H, W] of 0, 0.5, 1. share: of the frame that differs. confidence: 0..1, how much of
    it is told apart surely. clean: makes float32 [3, H, W], the clean plate laid over the frame, as bright as
    it, not a number where it does not reach: when asked, for samples that are only weighed need none. same:
    0..1, whether what does not differ is of one view in both.
    """

    trimap: Tensor
    share: float
    confidence: float
    clean: Callable[[], Tensor]
    same: float = 1.0


def difference(view: Tensor, clean: Tensor, erode: int, dilate: int) -> Difference:
    """What differs from the clean plate, with a band of unknown around its edge and where it is unsure.

    view, clean: float32 [3, H, W], display-referred, 0..1. erode, dilate: pixels of the band inside and
    outside.
    """
    frame, plate = reduced(view), reduced(clean)
    by = shift(plate, frame)
    plate, seen = moved(plate, by)
    gains = gain(frame, plate, seen)
    plate = matched(plate, frame, gains)
    noise = noise_of(frame, plate, seen)
    differs, unsure = compared(frame, plate, noise)
    subject = tidied(differs & seen)
    core = _core(subject)
    odds = _odds(frame, plate, core & ~unsure, seen)
    unsure = ashore(subject, unsure) & (odds < _DECIDED)
    # Where the clean plate does not reach, there is doubt beside the subject and none elsewhere.
    near = cv2.dilate(subject.astype(np.uint8), np.ones((15, 15), np.uint8)) > 0
    doubt = (unsure | ~seen) & near
    doubt |= mixed(frame, plate, subject & ~doubt) & ~(core & (odds > _DECIDED))
    doubt |= gaps(frame, plate, subject & seen, _SIGMAS * noise)
    share, same = float(subject.mean()), _same(frame, plate, seen & ~subject)
    confidence = float(np.clip(1 - 2 * max(0.0, share - 0.5), 0, 1) * (1 - unsure.mean()) * same)
    height, width = view.shape[-2:]
    bare = clear(frame, plate, seen, subject & ~doubt, noise)
    values = banded(subject, doubt, bare, (height, width), erode, dilate)

    def full() -> Tensor:
        picture = by_pixel(clean)
        placed, reach = moved(picture, by, height / len(frame))
        over = burnt(placed, gains)
        return laid(exposed(placed, gains), reach & ~over.any(-1) if over.any() else reach)

    return Difference(values, share, confidence, full, same)


def laid(plate: Floats, seen: Mask) -> Tensor:
    """float32 [3, H, W] of float32 [H, W, 3], not a number where it was not ``seen``, bool [H, W]."""
    known = np.where(seen[..., None], plate, np.float32(np.nan)).astype(np.float32)
    return torch.from_numpy(known).permute(2, 0, 1)


def reduced(view: Tensor) -> Floats:
    """float32 [3, H, W] as float32 [h, w, 3], of the size at which plates are compared."""
    return flow.reduced(view, _LINES)


def banded(subject: Mask, doubt: Mask, bare: Mask, size: tuple[int, int], erode: int, dilate: int) -> Tensor:
    """The trimap, float32 [1, H, W] of ``size``, of a subject found at reduced size, bool [h, w]: unknown are
    ``doubt`` and a band around both, but for what is ``bare`` background in it.
    """
    sure, maybe = (
        torch.from_numpy(cv2.resize(m.astype(np.uint8), size[::-1], interpolation=cv2.INTER_LINEAR) > 0)
        for m in (subject & ~doubt, subject | doubt)
    )
    inside, outside = trimap.shrink(sure[None, None], erode), ~trimap.grow(maybe[None, None], dilate)
    plain = cv2.resize(
        (bare & ~subject & ~doubt).astype(np.uint8), size[::-1], interpolation=cv2.INTER_NEAREST
    )
    outside |= torch.from_numpy(plain > 0)[None, None]
    return trimap.compose(inside & ~outside, outside)[0]


def _core(subject: Mask) -> Mask:
    """Where the subject's colours are its own; all of one that is nowhere so deep."""
    depth = cv2.distanceTransform(subject.astype(np.uint8), cv2.DIST_L2, 3)
    core = depth > _CORE * min(subject.shape)
    return np.asarray(core if core.any() else subject)


def _odds(frame: Floats, plate: Floats, sure: Mask, seen: Mask) -> Floats:
    """Log odds that a pixel has the subject's colour rather than one of the plate around, float32 [H, W]."""
    around = cv2.dilate(sure.astype(np.uint8), np.ones((61, 61), np.uint8)) > 0
    if not sure.any() or not (around & seen).any():
        return np.zeros(sure.shape, np.float32)
    odds = log_odds(frame, ColourModel(frame, sure), ColourModel(plate, around & seen))
    return np.asarray(cv2.blur(odds, (5, 5)), np.float32)


def compared(frame: Floats, plate: Floats, noise: float) -> tuple[Mask, Mask]:
    """What differs, and what may be either: darker, of the same colour, and without texture to tell by."""
    beyond = _SIGMAS * noise
    differs = cv2.blur(np.maximum(apart(frame, plate), 0), (3, 3)) > beyond
    shadow, textured = _shadowed(frame, plate, beyond)
    return differs & ~(shadow & textured), differs & shadow & ~textured


def noise_of(frame: Floats, plate: Floats, seen: Mask) -> float:
    """Standard deviation of what agrees, display-referred."""
    square = np.ones((3, 3), np.uint8)
    residual = frame - plate
    even = (cv2.dilate(plate, square) - cv2.erode(plate, square)).max(-1) < 0.06
    calm = seen & even & (np.abs(residual).max(-1) < 0.1)
    noise = 1.4826 * float(np.median(np.abs(residual[calm]))) if calm.sum() > 100 else 0.0
    return min(max(noise, _NOISE[0]), _NOISE[1])


def clear(frame: Floats, plate: Floats, seen: Mask, subject: Mask, noise: float) -> Mask:
    """Where so little of the subject's colour nearby is in a pixel that it is the plate: in each pixel's mix
    of both, alpha by least squares, averaged over 3 x 3 pixels, is less than ``_TRACE`` for sure.
    """
    area = (41, 41)
    weight = cv2.blur(subject.astype(np.float32), area)
    colour = cv2.blur(frame * subject[..., None], area) / np.maximum(weight, 1e-6)[..., None]
    line = colour - plate
    contrast = cv2.blur(np.square(line).sum(-1), (3, 3))
    alpha = cv2.blur(((frame - plate) * line).sum(-1), (3, 3)) / np.maximum(contrast, 1e-6)
    spread = noise / 3 / np.sqrt(np.maximum(contrast, 1e-6))
    found = seen & (weight > 0) & (alpha + 2 * spread < _TRACE) & (spread < _TRACE / 4)
    return np.asarray(cv2.morphologyEx(found.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0)


def _same(frame: Floats, plate: Floats, where: Mask) -> float:
    """1 where the detail of the plate is in the frame, 0 where only colours are alike, as of two skies."""
    a, b = frame.mean(-1), plate.mean(-1)
    grain = 1.5 * max(float(np.median(np.abs(each - cv2.blur(each, (3, 3))))) for each in (a, b))
    fine = [calm - cv2.blur(calm, (_FINE, _FINE)) for calm in (cv2.blur(each, (5, 5)) for each in (a, b))]
    alike, spread = _correlated(fine[0], fine[1], (_FINE, _FINE))
    # The mean of 5 x 5 pixels has a fifth of their grain.
    detailed = spread > 4 * (grain / 5) ** 2 + _DETAIL**2
    detailed &= cv2.erode(where.astype(np.uint8), np.ones((11, 11), np.uint8)) > 0
    if detailed.mean() < _ENOUGH:
        return 1.0
    found = float((alike[detailed] > _TEXTURE).mean())
    return float(np.clip((found - _OTHER) / (_SAME - _OTHER), 0, 1))


def _correlated(a: Floats, b: Floats, area: tuple[int, int]) -> tuple[Floats, Floats]:
    """The correlation of two pictures, float32 [H, W], around each pixel, and the variance of ``b``."""

    def mean(picture: Floats) -> Floats:
        return np.asarray(cv2.blur(picture, area), np.float32)

    var_a, var_b = mean(a * a) - mean(a) ** 2, mean(b * b) - mean(b) ** 2
    alike = (mean(a * b) - mean(a) * mean(b)) / np.sqrt(np.maximum(var_a * var_b, 1e-9))
    return np.asarray(alike, np.float32), np.asarray(var_b, np.float32)


def _shadowed(frame: Floats, plate: Floats, beyond: float) -> tuple[Mask, Mask]:
    """Where the frame is the plate, darkened; and where its texture proves it."""
    area = (9, 9)

    def mean(picture: Floats) -> Floats:
        return np.asarray(cv2.blur(picture, area), np.float32)

    light = mean((frame * plate).sum(-1)) / (mean(np.square(plate).sum(-1)) + 1e-4)
    off = np.abs(frame - light[..., None] * plate).max(-1)
    same = cv2.blur(off, (5, 5)) < np.maximum(beyond, 0.08 * plate.max(-1))
    alike, var_b = _correlated(frame.mean(-1), plate.mean(-1), area)
    shadow = same & (light > _SHADOW[0]) & (light < _SHADOW[1])
    rough = var_b > 2 * (beyond / _SIGMAS) ** 2
    # Noise spoils the comparison here and there; what is around it tells.
    vote = cv2.blur(np.where(rough & shadow, alike - _TEXTURE, 0), (21, 21))
    return shadow, rough & (vote > 0)


def ashore(subject: Mask, unsure: Mask) -> Mask:
    """What is unsure and lies at the subject's rim: a shadow is cast beside it, a cheek lies within."""
    count, label = cv2.connectedComponents((unsure & subject).astype(np.uint8), connectivity=4)
    ring = cv2.dilate(label.astype(np.uint16), np.ones((3, 3), np.uint8))
    ring[label > 0] = 0
    beside = np.bincount(ring.ravel(), minlength=count)
    open_side = np.bincount(ring[~subject], minlength=count)
    at_rim = open_side > _RIM * np.maximum(beside, 1)
    at_rim[0] = False
    return np.asarray(at_rim[label] | (unsure & ~subject))


def tidied(differs: Mask) -> Mask:
    """Without specks, and without holes too small to look through."""
    closed = cv2.morphologyEx(differs.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    opened = cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    return pieces.tidied(opened > 0, _SPECK * differs.size, _GAP * differs.size)
