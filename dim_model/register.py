"""One picture laid over another of the same view: where it lies, and how bright it is beside it.

Corners are tracked by Lucas & Kanade's flow there and back, and a homography is fitted by RANSAC, for what a
camera that was taken down and put up again, or that pans, does to a view. Pictures are float32 [H, W, 3],
display-referred, 0..1, of one size.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dim_model import srgb
from dim_model.arrays import Bytes, Floats, Mask

Shift = NDArray[np.float64]
"""A homography [3, 3]."""

_CORNERS = 1200
_ENOUGH = 40
"""Corners that must agree on a shift before it is believed; a studio wall may have none."""

_ROUGH = 0.02
"""Range of a pixel's neighbours, display-referred, from which a shift by a pixel shows in it."""

_KNEE = 1.055 * srgb.KNEE ** (1 / 2.4) - 0.055
"""As it is shown."""

_FULL, _DARKER = 0.8, 0.95
"""Share of the way from the knee to white from which nobody knows how much light there was, and the gain
below which that is to be seen.
"""

_STANDS = 0.7
"""Share of what the shifted picture explains that the unshifted one must, for the camera to stand still."""


def moved(picture: Floats, by: Shift | None, scale: float = 1.0) -> tuple[Floats, Mask]:
    """``picture`` moved by what was found at 1 / ``scale`` of its size, and where it reaches, bool [H, W]."""
    if by is None:
        return picture, np.ones(picture.shape[:2], bool)
    half = (scale - 1) / 2  # a pixel's centre lies half a pixel inside it, at either size
    larger = np.array([[scale, 0, half], [0, scale, half], [0, 0, 1]])
    return _warped(picture, larger @ by @ np.linalg.inv(larger))


def camera_shift(picture: Floats, other: Floats) -> float:
    """Pixels by which the camera moved between two frames, at most over the frame; 0 where it stands,
    infinite where nothing in the one is found in the other.

    A subject that moves does not count: what is asked is whether the unshifted picture explains as much of
    the other's detail as the shifted one.
    """
    rough = (_range(other) > _ROUGH) | (_range(picture) > _ROUGH)
    if rough.sum() < 100:
        return 0.0  # a plain wall: no shift shows in it
    picture = matched(picture, other, gain(other, picture, np.ones_like(rough)))
    stays = _explained(picture, other, rough)
    found = shift(picture, other)
    if found is None:
        return 0.0 if stays > 0.25 else float("inf")
    laid, reach = _warped(picture, found)
    if stays >= _STANDS * _explained(laid, other, rough & reach):
        return 0.0
    height, width = rough.shape
    corners = np.array([[[0, 0]], [[width, 0]], [[0, height]], [[width, height]]], np.float32)
    return float(np.linalg.norm(cv2.perspectiveTransform(corners, found) - corners, axis=-1).max())


def gain(frame: Floats, plate: Floats, seen: Mask) -> Floats:
    """The most frequent ratio of ``frame`` to ``plate`` in light where ``seen``, by channel, float32 [3]: a
    subject over half of the frame does not move it.
    """
    gains = np.ones(3, np.float32)
    lights = _curved(srgb.to_light, frame), _curved(srgb.to_light, plate)
    for channel in range(3):
        a, b = frame[..., channel], plate[..., channel]
        usable = seen & (b > 0.04) & (b < 0.96) & (a > 0.02) & (a < 0.98)
        if usable.sum() < 100:
            continue
        ratio = np.log(lights[0][..., channel][usable] / lights[1][..., channel][usable])
        counts, edges = np.histogram(ratio, bins=201, range=(-2.412, 2.412))
        smooth = np.convolve(counts, np.ones(5), "same")
        peak = float(edges[int(smooth.argmax())] + 0.012)
        gains[channel] = np.exp(np.median(ratio[np.abs(ratio - peak) < 0.096]))
    return gains


def exposed(picture: Floats, gains: Floats) -> Floats:
    """``picture`` as it were with ``gains`` times the light, by channel, in 0..1: exposure multiplies light,
    and the numbers that show it neither in the shadows nor where they are full by one and the same factor.
    """
    light = _curved(srgb.to_light, picture)
    light *= gains
    shown = _curved(srgb.from_light, light)
    return np.minimum(shown, 1, out=shown)


def burnt(picture: Floats, gains: Floats) -> Mask:
    """Which channels of ``exposed`` may have had more light than they say, bool [H, W, 3]: they were full, or
    rolled off, before they were darkened.
    """
    darker = gains < _DARKER
    return np.asarray((picture > _KNEE) & darker) if darker.any() else np.zeros(picture.shape, bool)


def matched(picture: Floats, other: Floats, gains: Floats) -> Floats:
    """``exposed``, to be compared with ``other``: as bright as that where what is burnt may have been so."""
    shown = exposed(picture, gains)
    if not (gains < _DARKER).any():
        return shown
    light, span = _curved(srgb.to_light, picture), np.float32(1 - srgb.KNEE)
    rolled = np.clip((light - srgb.KNEE) / span, 0, _FULL)
    most = np.where(rolled < _FULL, light + span * (-np.log1p(-rolled) - rolled), np.inf)
    could = _curved(srgb.from_light, most * gains)
    return np.where(gains < _DARKER, np.clip(other, shown, np.maximum(shown, could)), shown)


def _curved(curve: Callable[[Tensor], Tensor], picture: Floats) -> Floats:
    return np.asarray(curve(torch.from_numpy(np.ascontiguousarray(picture, np.float32))).numpy())


def _detail(picture: Floats) -> Bytes:
    """Grey relative to its surroundings: corners are followed by it whatever the exposure."""
    grey = picture.mean(-1)
    return np.asarray((grey / (cv2.blur(grey, (41, 41)) + 0.02) * 100).clip(0, 255), np.uint8)


def shift(picture: Floats, other: Floats) -> Shift | None:
    """From a place in ``picture`` to the same in ``other``; None where too few corners agree on one."""
    before, after = _detail(picture), _detail(other)
    corners: Any = cv2.goodFeaturesToTrack(before, _CORNERS, 0.005, 7)  # None where there is none
    if corners is None or len(corners) < _ENOUGH:
        return None
    there, found, _ = _tracked(before, after, corners)
    back, returned, _ = _tracked(after, before, there)
    held = (found & returned).ravel().astype(bool) & (np.abs(back - corners).max((1, 2)) < 0.7)
    if held.sum() < _ENOUGH:
        return None
    homography, agree = cv2.findHomography(corners[held], there[held], cv2.RANSAC, 1.0)
    if homography is None or agree.sum() < max(_ENOUGH, 0.2 * held.sum()):
        return None
    return np.asarray(homography, np.float64)


def _tracked(before: Any, after: Any, corners: Any) -> Any:
    return cv2.calcOpticalFlowPyrLK(before, after, corners, None, winSize=(25, 25), maxLevel=4)  # type: ignore[call-overload]


def _warped(picture: Floats, by: Shift) -> tuple[Floats, Mask]:
    size = (picture.shape[1], picture.shape[0])
    laid = cv2.warpPerspective(picture, by, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    reach = cv2.warpPerspective(np.ones(picture.shape[:2], np.float32), by, size)
    return np.asarray(np.clip(laid, 0, 1), np.float32), reach > 0.999


def _range(picture: Floats) -> Floats:
    calm = cv2.blur(picture, (3, 3))
    square = np.ones((3, 3), np.uint8)
    return np.asarray((cv2.dilate(calm, square) - cv2.erode(calm, square)).max(-1), np.float32)


def _explained(picture: Floats, other: Floats, where: Mask) -> float:
    """Share of ``where`` that is the same in both, within half of the detail there."""
    off = cv2.blur(np.abs(picture - other), (3, 3)).max(-1)
    return float((off < np.maximum(_ROUGH, 0.3 * _range(other)))[where].mean()) if where.any() else 0.0
