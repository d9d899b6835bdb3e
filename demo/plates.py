"""The photographs behind the creature, two that scikit-image ships, and the camera that looks at them."""

from __future__ import annotations

import cv2
import numpy as np
import skimage.data

from dim_model.arrays import Bytes, Floats


def to_linear(display: Floats) -> Floats:
    """sRGB 0..1 to linear light (IEC 61966-2-1)."""
    return np.where(display <= 0.04045, display / 12.92, ((display + 0.055) / 1.055) ** 2.4).astype(
        np.float32
    )


def to_display(light: Floats) -> Floats:
    """Linear light to sRGB 0..1."""
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055).astype(np.float32)


def _disc(radius: float) -> Floats:
    """A lens's circle of confusion as a kernel, sum 1."""
    side = int(radius) + 1
    y, x = np.mgrid[-side : side + 1, -side : side + 1].astype(np.float32)
    disc = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1)
    out: Floats = disc / disc.sum()
    return out


class Plate:
    """A photograph as a slowly moving, slightly defocused camera sees it."""

    def __init__(self, photo: Bytes, size: tuple[int, int], defocus: float) -> None:
        """photo: uint8 [H, W, 3], sRGB. size: (width, height) of a frame. defocus: radius, frame pixels."""
        self._size = size
        width, height = size
        # A tenth more than a frame, which is what the camera moves in.
        self._scale = 1.1 * max(width / photo.shape[1], height / photo.shape[0])
        large = cv2.resize(photo, None, fx=self._scale, fy=self._scale, interpolation=cv2.INTER_CUBIC)
        light = to_linear(large.astype(np.float32) / np.float32(255))
        self._light = cv2.filter2D(light, -1, _disc(defocus), borderType=cv2.BORDER_REFLECT)

    def frame(self, share: float) -> Floats:
        """Linear float32 [H, W, 3] at `share` (0..1) of the move: a drift to the right, 4 % closer."""
        width, height = self._size
        zoom = 1.0 + 0.04 * share
        spare = self._light.shape[1] - width / zoom, self._light.shape[0] - height / zoom
        left, top = spare[0] * (0.3 + 0.4 * share), spare[1] * (0.2 - 0.1 * share)
        move = np.array([[zoom, 0, -left * zoom], [0, zoom, -top * zoom]], np.float32)
        out = cv2.warpAffine(
            self._light, move, self._size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
        )
        return np.maximum(out, 0).astype(np.float32)


def coffee() -> Bytes:
    """A cup on a table (Rachel Michetti for Pikolo Espresso Bar, CC0)."""
    photo: Bytes = skimage.data.coffee()
    return photo


def deep_field() -> Bytes:
    """The Hubble eXtreme Deep Field (NASA, public domain)."""
    photo: Bytes = skimage.data.hubble_deep_field()
    return photo
