"""Short moving clips: one foreground and one background, each on its way, under one camera's damage."""

from __future__ import annotations

import math

import numpy as np

from trainer.synth.background import met, random_background
from trainer.synth.damage import damaged
from trainer.synth.foreground import Maker, Rng
from trainer.synth.lens import premultiplied, straight
from trainer.synth.motion import MARGIN, random_motion
from trainer.synth.photos import Photos
from trainer.synth.scene import Scene, by_numbers, composite, is_fair
from trainer.synth.trimaps import random_trimap

_LOCKED = 0.4
"""Share of clips whose background stands still."""
_UNSTEADY = 0.3
"""Share of clips whose trimaps differ from frame to frame, as roughly keyed ones do."""


def make_clip(rng: Rng, maker: Maker, photos: Photos, size: int, frames: int) -> list[Scene]:
    """``frames`` consecutive scenes of ``size`` pixels square. An ideal matte changes between them as the
    subject moves, and not with the grain, the background or the trimap, which change too.
    """
    side = math.ceil(size * MARGIN)
    damage, outline = rng.integers(2**32, size=2).tolist()
    inside = slice((side - size) // 2, (side + size) // 2)
    for _ in range(8):
        made = maker.make(rng, side)
        if is_fair(random_trimap(np.random.default_rng(outline), made.alpha[inside, inside])):
            break
    foreground, plate = met(rng, made.alpha, made.colour, random_background(rng, photos, side))
    paint = premultiplied(made.alpha, foreground)
    subject, camera = (random_motion(rng, size, side, frames) for _ in range(2))
    is_locked, is_unsteady, in_light = (rng.random(3) < [_LOCKED, _UNSTEADY, 0.5]).tolist()
    steps = int(rng.choice([1, 5]))
    scenes = []
    for frame in range(frames):
        time = frame - (frames - 1) / 2
        alpha, colour = straight(subject.exposed(paint, time, size, steps))
        background = camera.exposed(plate, 0.0 if is_locked else time, size, 1)
        image = composite(alpha, colour, background, in_light=in_light)
        own = np.random.default_rng(rng.integers(2**32))
        trimap = random_trimap(own if is_unsteady else np.random.default_rng(outline), alpha)
        shot = damaged(np.random.default_rng(damage), image, own)
        seen = by_numbers(alpha, image, colour, background)
        scenes.append(Scene(shot, trimap, seen, colour, background, made.kind))
    return scenes
