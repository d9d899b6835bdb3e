"""The clip that is measured: 1080p, H.264, with a painted trimap of which a tenth is unknown."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from daemon.clip import Clip
from daemon.inbox import scan
from demo.creature import Creature
from demo.make_shot import RATE, Writer, planes_420
from demo.plates import Plate, coffee, to_display
from demo.strands import Floats

SIZE = (1920, 1080)
UNKNOWN = 0.1
"""Share of each frame."""

_DRAWN = 6
"""Different frames; a longer clip runs through them to and fro."""


def _trimap(alpha: Floats) -> NDArray[np.uint8]:
    """uint8 [H, W]: unknown are the tenth of all pixels that lie nearest to the edge."""
    inside = (alpha > 0.5).astype(np.uint8)
    away = cv2.distanceTransform(inside, cv2.DIST_L2, 5) + cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)
    known = away > np.quantile(away, UNKNOWN)
    return np.where(known, inside * 255, 128).astype(np.uint8)


def make_clip(folder: Path, frames: int) -> Clip:
    """Write a clip of so many frames into `folder` and return it as the daemon's scan finds it."""
    creature, background = Creature(7), Plate(coffee(), SIZE, defocus=6.0)
    drawn = []
    for index in range(min(_DRAWN, frames)):
        layer = creature.picture(index / RATE, 0.5 / RATE, 1, SIZE, 320)
        light = layer[..., :3] + (1 - layer[..., 3:]) * background.frame(index / _DRAWN)
        noise = np.random.default_rng(index).standard_normal(light.shape, np.float32)
        rgb = np.clip(to_display(light) + 0.006 * noise, 0, 1)
        drawn.append((planes_420((rgb * 255).astype(np.uint8)), _trimap(layer[..., 3])))
    turn = [*range(len(drawn)), *range(len(drawn) - 2, 0, -1)]
    with (
        Writer(folder / "bench.mp4", "libx264", "yuv420p", {"crf": "16"}, SIZE) as plate,
        Writer(folder / "bench_trimap.mkv", "ffv1", "gray", {"level": "3"}, SIZE) as trimap,
    ):
        for index in range(frames):
            planes, matte = drawn[turn[index % len(turn)]]
            plate.write(planes)
            trimap.write([matte])
    (clip,) = scan(folder)
    return clip
