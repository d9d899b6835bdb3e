"""What stands behind: photographs, screens, walls, lamps out of focus; and what it does to the subject."""

from __future__ import annotations

import cv2
import numpy as np

from dim_model.arrays import Floats
from trainer.synth.foreground import Rng
from trainer.synth.lens import spread
from trainer.synth.noise import fractal
from trainer.synth.photos import Photos


def _wall(rng: Rng, size: int) -> Floats:
    """Two colours that pass into each other."""
    near, far = rng.random((2, 3), np.float32)
    mix = fractal(rng, size, 2, 4)[..., None]
    return np.asarray(near * (1 - mix) + far * mix, np.float32)


def _screen(rng: Rng, size: int) -> Floats:
    """A green or blue screen, unevenly lit, now and then in folds or with tracking marks."""
    colour = np.array([rng.uniform(0.05, 0.35), rng.uniform(0.5, 0.9), rng.uniform(0.05, 0.4)], np.float32)
    if rng.random() < 0.3:
        colour = colour[[0, 2, 1]]
    light = 1 - np.float32(rng.uniform(0.05, 0.6)) * fractal(rng, size, 1, 4)
    if rng.random() < 0.3:
        light *= 0.9 + 0.2 * fractal(rng, size, 3, 12, ridged=True)
    plate = colour * light[..., None]
    if rng.random() < 0.2:
        mark = np.float32(rng.choice([0.6, 1.5]))
        for x, y in rng.integers(0, size, (int(rng.integers(2, 9)), 2)):
            arm = max(1, size // 60)
            plate[max(0, y - arm) : y + arm, max(0, x - arm // 4) : x + arm // 4 + 1] *= mark
            plate[max(0, y - arm // 4) : y + arm // 4 + 1, max(0, x - arm) : x + arm] *= mark
    return np.asarray(plate, np.float32)


def _lamps(rng: Rng, plate: Floats) -> Floats:
    """``plate`` with points of light, far out of focus: the discs behind a portrait."""
    size = len(plate)
    lit = plate * np.float32(rng.uniform(0.3, 0.9))
    for x, y in rng.integers(0, size, (int(rng.integers(5, 60)), 2)):
        lit[y : y + 2, x : x + 2] += np.float32(rng.uniform(5, 60)) * rng.random(3, np.float32)
    return spread(lit, float(rng.uniform(0.012, 0.05) * size))


def random_background(rng: Rng, photos: Photos, size: int) -> Floats:
    """float32 [size, size, 3], display-referred, 0..1; half of them out of focus."""
    choice = rng.random()
    if choice < 0.72:
        plate = photos.crop(rng, size)
        if choice < 0.06:
            plate = _lamps(rng, plate)
    elif choice < 0.82:
        plate = _wall(rng, size)
    else:
        plate = _screen(rng, size)
    if rng.random() < 0.5:
        strength = float(np.exp(rng.uniform(np.log(0.8), np.log(size / 40 + 1))))
        plate = spread(plate, strength)
    return np.asarray(np.clip(plate, 0, 1), np.float32)


def _graded(plate: Floats, gain: Floats, power: float) -> Floats:
    return np.asarray(cv2.pow(np.clip(plate * gain, 0, 1), power), np.float32)


def met(rng: Rng, alpha: Floats, foreground: Floats, background: Floats) -> tuple[Floats, Floats]:
    """Foreground and background as they stand in one place: like colours on both sides, the hard case; the
    background's light on the subject's edges, which on a green screen is spill; a rim of another colour; one
    grade for both.
    """
    choice = rng.random()
    if choice < 0.12:
        background = np.float32(0.5) * (background + foreground)
    elif choice < 0.2:  # the background takes the subject's mean colour
        pull = np.float32(rng.uniform(0.5, 1))
        background = np.clip(background + pull * (_mean(alpha, foreground) - background.mean((0, 1))), 0, 1)
    if rng.random() < 0.25:
        reach = len(alpha) // 20 + 2
        near = cv2.blur(1 - alpha, (reach, reach))[..., None]
        light = background.mean((0, 1)) * np.float32(rng.uniform(0.05, 0.5))
        foreground = np.clip(foreground + light * near * (1 - foreground), 0, 1)
    if rng.random() < 0.3:
        foreground = rimmed(rng, alpha, foreground)
    if rng.random() < 0.25:
        gain, power = rng.uniform(0.75, 1.2, 3).astype(np.float32), rng.uniform(0.7, 1.4)
        foreground, background = (_graded(plate, gain, power) for plate in (foreground, background))
    return np.asarray(foreground, np.float32), np.asarray(background, np.float32)


def rimmed(rng: Rng, alpha: Floats, foreground: Floats) -> Floats:
    """The foreground's colours, with another towards its edge, where nothing that is known tells it: petals
    and leaves are paler there, cloth and cheeks that turn away lighter or darker.
    """
    mean, pale = _mean(alpha, foreground), np.float32(rng.uniform(0, 0.7))
    tint = (mean + pale * (mean.mean() - mean)) * np.float32(np.exp(rng.uniform(-0.7, 0.7)))
    reach = 2 * int(np.exp(rng.uniform(0, np.log(len(alpha) / 24)))) + 1
    near = np.clip(2 * cv2.blur(1 - alpha, (reach, reach)), 0, 1)[..., None]
    strength = np.float32(rng.uniform(0.2, 0.9))
    return np.asarray(np.clip(foreground + strength * near * (tint - foreground), 0, 1), np.float32)


def _mean(alpha: Floats, foreground: Floats) -> Floats:
    """The foreground's mean colour, float32 [3]."""
    weight = alpha[..., None] + np.float32(1e-3)
    return np.asarray((foreground * weight).sum((0, 1)) / weight.sum((0, 1)), np.float32)
