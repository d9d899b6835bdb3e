"""A trimap from a clean plate: the same view without the subject, a little shifted, brighter or darker.

The clean plate is laid over the frame (corners tracked by Lucas & Kanade's flow, a homography by RANSAC), its
exposure matched channel by channel to the most frequent ratio, which a subject over half of the frame does
not move, and the noise measured where they agree. What then still differs is the subject, unless it is a
shadow: the same colour, darker, with the same texture in it (Horprasert, Harwood & Davis, "A Statistical
Approach for Real-time Robust Background Subtraction and Shadow Detection", 1999, for brightness and
chromaticity apart).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dim_model import trimap

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

_LINES = 540
"""The shorter side at which plates are compared: enough for a band that is 10 pixels wide at 1080."""

_CORNERS = 1200
_ENOUGH = 40
"""Corners that must agree on a shift before it is believed; a studio wall may have none."""

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

_RIM = 0.2
"""Share of a patch's outline that lies in the open, from which it may be a shadow."""

_SPECK = 1e-3
"""Share of the frame below which a lone patch that differs is noise, a leaf or a bird."""

_GAP = 5e-4
"""Share of the frame below which a hole in the subject is a like colour rather than a view through it."""


@dataclass(frozen=True)
class Difference:
    """trimap: float32 [1, H, W] of 0, 0.5, 1. share: of the frame that differs. confidence: 0..1, how much of
    it is told apart surely.
    """

    trimap: Tensor
    share: float
    confidence: float


def difference(view: Tensor, clean: Tensor, erode: int, dilate: int) -> Difference:
    """What differs from the clean plate, with a band of unknown around its edge and where it is unsure.

    view, clean: float32 [3, H, W], display-referred, 0..1. erode, dilate: pixels of the band inside and
    outside.
    """
    height, width = view.shape[-2:]
    scale = min(1.0, _LINES / min(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    frame, plate = (
        np.asarray(
            cv2.resize(x.permute(1, 2, 0).numpy(force=True), size, interpolation=cv2.INTER_AREA), np.float32
        )
        for x in (view, clean)
    )
    plate, seen = _registered(plate, frame)
    plate = np.asarray(plate * _gain(frame, plate, seen), np.float32)
    differs, unsure = _compared(frame, plate, seen)
    subject = _tidied(differs & seen)
    unsure = _ashore(subject, unsure)
    # Where the clean plate does not reach, there is doubt beside the subject and none elsewhere.
    near = cv2.dilate(subject.astype(np.uint8), np.ones((15, 15), np.uint8)) > 0
    doubt = (unsure | ~seen) & near
    sure, maybe = (
        torch.from_numpy(cv2.resize(m.astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR) > 0)
        for m in (subject & ~doubt, subject | doubt)
    )
    inside, outside = trimap.shrink(sure[None, None], erode), ~trimap.grow(maybe[None, None], dilate)
    share = float(subject.mean())
    confidence = float(np.clip(1 - 2 * max(0.0, share - 0.5), 0, 1) * (1 - unsure.mean()))
    return Difference(trimap.compose(inside & ~outside, outside)[0], share, confidence)


def _detail(picture: Floats) -> NDArray[np.uint8]:
    """Grey relative to its surroundings: corners are followed by it whatever the exposure."""
    grey = picture.mean(-1)
    return np.asarray((grey / (cv2.blur(grey, (41, 41)) + 0.02) * 100).clip(0, 255), np.uint8)


def _registered(plate: Floats, frame: Floats) -> tuple[Floats, Mask]:
    """The plate as the frame's camera would have seen it, and where it reaches."""
    size = (frame.shape[1], frame.shape[0])
    everywhere = np.ones(frame.shape[:2], bool)
    before, after = _detail(plate), _detail(frame)
    corners: Any = cv2.goodFeaturesToTrack(before, _CORNERS, 0.005, 7)  # None where there is none
    if corners is None or len(corners) < _ENOUGH:
        return plate, everywhere
    there, found, _ = _tracked(before, after, corners)
    back, returned, _ = _tracked(after, before, there)
    held = (found & returned).ravel().astype(bool) & (np.abs(back - corners).max((1, 2)) < 0.7)
    if held.sum() < _ENOUGH:
        return plate, everywhere
    shift, agree = cv2.findHomography(corners[held], there[held], cv2.RANSAC, 1.0)
    if shift is None or agree.sum() < max(_ENOUGH, 0.2 * held.sum()):
        return plate, everywhere
    moved = cv2.warpPerspective(plate, shift, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    reach = cv2.warpPerspective(np.ones(plate.shape[:2], np.float32), shift, size)
    return np.asarray(np.clip(moved, 0, 1), np.float32), reach > 0.999


def _tracked(before: Any, after: Any, corners: Any) -> Any:
    return cv2.calcOpticalFlowPyrLK(before, after, corners, None, winSize=(25, 25), maxLevel=4)  # type: ignore[call-overload]


def _gain(frame: Floats, plate: Floats, seen: Mask) -> Floats:
    """The most frequent ratio of frame to plate in each channel, float32 [3]."""
    gains = np.ones(3, np.float32)
    for channel in range(3):
        a, b = frame[..., channel], plate[..., channel]
        usable = seen & (b > 0.04) & (b < 0.96) & (a > 0.02) & (a < 0.98)
        if usable.sum() < 100:
            continue
        ratio = np.log(a[usable] / b[usable])
        counts, edges = np.histogram(ratio, bins=201, range=(-1.005, 1.005))
        smooth = np.convolve(counts, np.ones(5), "same")
        peak = float(edges[int(smooth.argmax())] + 0.005)
        gains[channel] = np.exp(np.median(ratio[np.abs(ratio - peak) < 0.04]))
    return gains


def _compared(frame: Floats, plate: Floats, seen: Mask) -> tuple[Mask, Mask]:
    """What differs, and what may be either: darker, of the same colour, and without texture to tell by."""
    square = np.ones((3, 3), np.uint8)
    # A pixel may lie anywhere within one of where it should: its neighbours' range is what it may show.
    lower, upper = cv2.erode(plate, square), cv2.dilate(plate, square)
    residual = frame - plate
    calm = seen & (np.abs(residual).max(-1) < 0.1) & ((upper - lower).max(-1) < 0.06)
    noise = 1.4826 * float(np.median(np.abs(residual[calm]))) if calm.sum() > 100 else 0.0
    beyond = _SIGMAS * min(max(noise, _NOISE[0]), _NOISE[1])
    outside = np.maximum(frame - upper, lower - frame).max(-1)
    differs = cv2.blur(np.maximum(outside, 0), (3, 3)) > beyond
    shadow, textured = _shadowed(frame, plate, beyond)
    return differs & ~(shadow & textured), differs & shadow & ~textured


def _shadowed(frame: Floats, plate: Floats, beyond: float) -> tuple[Mask, Mask]:
    """Where the frame is the plate, darkened; and where its texture proves it."""
    area = (9, 9)

    def mean(picture: Floats) -> Floats:
        return np.asarray(cv2.blur(picture, area), np.float32)

    light = mean((frame * plate).sum(-1)) / (mean(np.square(plate).sum(-1)) + 1e-4)
    off = np.abs(frame - light[..., None] * plate).max(-1)
    same = cv2.blur(off, (5, 5)) < np.maximum(beyond, 0.08 * plate.max(-1))
    a, b = frame.mean(-1), plate.mean(-1)
    var_a, var_b = mean(a * a) - mean(a) ** 2, mean(b * b) - mean(b) ** 2
    alike = (mean(a * b) - mean(a) * mean(b)) / np.sqrt(np.maximum(var_a * var_b, 1e-9))
    shadow = same & (light > _SHADOW[0]) & (light < _SHADOW[1])
    rough = var_b > 2 * (beyond / _SIGMAS) ** 2
    # Noise spoils the comparison here and there; what is around it tells.
    vote = cv2.blur(np.where(rough & shadow, alike - _TEXTURE, 0), (21, 21))
    return shadow, rough & (vote > 0)


def _ashore(subject: Mask, unsure: Mask) -> Mask:
    """What is unsure and lies at the subject's rim: a shadow is cast beside it, a cheek lies within."""
    count, label = cv2.connectedComponents((unsure & subject).astype(np.uint8), connectivity=4)
    ring = cv2.dilate(label.astype(np.uint16), np.ones((3, 3), np.uint8))
    ring[label > 0] = 0
    beside = np.bincount(ring.ravel(), minlength=count)
    open_side = np.bincount(ring[~subject], minlength=count)
    at_rim = open_side > _RIM * np.maximum(beside, 1)
    at_rim[0] = False
    return np.asarray(at_rim[label] | (unsure & ~subject))


def _tidied(differs: Mask) -> Mask:
    """Without specks, and without holes too small to look through."""
    closed = cv2.morphologyEx(differs.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    opened = cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    for value, least in ((1, _SPECK), (0, _GAP)):
        count, label, stats, _ = cv2.connectedComponentsWithStats(
            (opened == value).astype(np.uint8), connectivity=4
        )
        small = stats[:, cv2.CC_STAT_AREA] < least * differs.size
        small[0] = False
        if count > 1:
            opened[small[label]] = 1 - value
    return np.asarray(opened > 0)
