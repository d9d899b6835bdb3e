"""A foreground put before a background, photographed, and sent through a camera's damage."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from dim_model.arrays import Floats
from dim_model.mixing import share
from trainer.synth.background import met, random_background
from trainer.synth.damage import damaged
from trainer.synth.foreground import Maker, Rng
from trainer.synth.photos import Photos
from trainer.synth.trimaps import random_trimap

_UNKNOWN = (0.04, 0.8)
"""Share of the picture that may be unknown: less teaches little, more leaves nothing to go by."""


@dataclass(frozen=True)
class Scene:
    """All float32, display-referred, 0..1: image, foreground, background [N, N, 3]; alpha, trimap [N, N].

    ``image`` is the composite with its damage; foreground and background are clean, as a compositor wants
    them. ``alpha`` is by numbers, however they were mixed: see ``dim_model.mixing``.
    """

    image: Floats
    trimap: Floats
    alpha: Floats
    foreground: Floats
    background: Floats
    kind: str


def make_scene(rng: Rng, maker: Maker, photos: Photos, size: int) -> Scene:
    """A scene of ``size`` pixels square, with known foreground, known background and a fair unknown share."""
    for _ in range(8):
        made = maker.make(rng, size)
        trimap = random_trimap(rng, made.alpha)
        if is_fair(trimap):
            break
    foreground, background = met(rng, made.alpha, made.colour, random_background(rng, photos, size))
    image = composite(made.alpha, foreground, background, in_light=rng.random() < 0.5)
    alpha = by_numbers(made.alpha, image, foreground, background)
    return Scene(damaged(rng, image), trimap, alpha, foreground, background, made.kind)


def is_fair(trimap: Floats) -> bool:
    """Whether something is known of either side, and neither little nor nearly all is unknown."""
    share = float((trimap == 0.5).mean())
    return _UNKNOWN[0] < share < _UNKNOWN[1] and bool((trimap == 0).any() and (trimap == 1).any())


def composite(alpha: Floats, foreground: Floats, background: Floats, *, in_light: bool) -> Floats:
    """aF + (1 - a)B, float32 [N, N, 3], display-referred, of colours that are so too. A lens adds light; a
    painter, and most of the field's data, adds numbers.
    """
    a = alpha[..., None]
    if not in_light:
        return a * foreground + (1 - a) * background
    light = a * cv2.pow(foreground, 2.2) + (1 - a) * cv2.pow(background, 2.2)
    return np.asarray(cv2.pow(light, 1 / 2.2), np.float32)


def by_numbers(alpha: Floats, image: Floats, foreground: Floats, background: Floats) -> Floats:
    """Alpha that mixes the numbers of foreground and background to the image's, float32 [N, N]. alpha: that
    which made it, of which nothing is mixed that was not.
    """
    seen, front, behind = (np.ascontiguousarray(c.reshape(-1, 3)) for c in (image, foreground, background))
    told = share(seen, front, behind, alpha.ravel()).reshape(alpha.shape)
    return np.asarray(np.where((alpha > 0) & (alpha < 1), told, alpha), np.float32)
