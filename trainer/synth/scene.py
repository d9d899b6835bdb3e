"""A foreground put before a background, photographed, and sent through a camera's damage."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from trainer.synth.foreground import Floats, Maker, Rng
from trainer.synth.noise import fractal
from trainer.synth.photos import Photos
from trainer.synth.trimaps import random_trimap

_UNKNOWN = (0.04, 0.8)
"""Share of the picture that may be unknown: less teaches little, more leaves nothing to go by."""


@dataclass(frozen=True)
class Scene:
    """All float32, display-referred, 0..1: image, foreground, background [N, N, 3]; alpha, trimap [N, N].

    ``image`` is the composite with its damage; foreground and background are clean, as a compositor wants
    them.
    """

    image: Floats
    trimap: Floats
    alpha: Floats
    foreground: Floats
    background: Floats
    kind: str


def _background(rng: Rng, photos: Photos, size: int) -> Floats:
    choice = rng.random()
    if choice < 0.7:
        plate = photos.crop(rng, size)
    elif choice < 0.84:
        near, far = rng.random((2, 3), np.float32)
        mix = fractal(rng, size, 2, 4)[..., None]
        plate = near * (1 - mix) + far * mix
    else:
        screen = np.array(
            [rng.uniform(0.05, 0.35), rng.uniform(0.5, 0.9), rng.uniform(0.05, 0.4)], np.float32
        )
        if rng.random() < 0.3:
            screen = screen[[0, 2, 1]]
        plate = screen * (0.8 + 0.3 * fractal(rng, size, 2, 4)[..., None])
    if rng.random() < 0.5:
        plate = np.asarray(cv2.GaussianBlur(plate, (0, 0), float(rng.choice([1, 2, 4, 8, 12]))), np.float32)
    return np.asarray(np.clip(plate, 0, 1), np.float32)


def _damaged(rng: Rng, image: Floats) -> Floats:
    if rng.random() < 0.5:
        image = image + rng.standard_normal(image.shape, np.float32) * np.float32(rng.uniform(0.002, 0.03))
    image = np.clip(image, 0, 1)
    if rng.random() < 0.3:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(60, 98))]
        _, packed = cv2.imencode(".jpg", (image[..., ::-1] * 255).round().astype(np.uint8), quality)
        image = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.float32)[..., ::-1] / np.float32(255)
    return np.ascontiguousarray(image, np.float32)


def make_scene(rng: Rng, maker: Maker, photos: Photos, size: int) -> Scene:
    """A scene of ``size`` pixels square, with known foreground, known background and a fair unknown share."""
    for _ in range(8):
        made = maker.make(rng, size)
        trimap = random_trimap(rng, made.alpha)
        share = float((trimap == 0.5).mean())
        if _UNKNOWN[0] < share < _UNKNOWN[1] and (trimap == 0).any() and (trimap == 1).any():
            break
    foreground, background = made.colour, _background(rng, photos, size)
    if rng.random() < 0.15:  # like colours on both sides: the hard case
        background = np.float32(0.5) * (background + foreground)
    a = made.alpha[..., None]
    if rng.random() < 0.5:  # a lens adds light; a painter, and most of the field's data, adds numbers
        light = a * foreground ** np.float32(2.2) + (1 - a) * background ** np.float32(2.2)
        image = light ** np.float32(1 / 2.2)
    else:
        image = a * foreground + (1 - a) * background
    return Scene(_damaged(rng, image), trimap, made.alpha, foreground, background, made.kind)
