"""What the quality bench lays over its backgrounds: a filmed dancer, a drawn creature, rendered hair.

Each comes with its exact alpha; what is filmed takes its decoded alpha for exact, because the clips are
composited with that very alpha.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import OpenImageIO as oiio

from demo.creature import Creature
from demo.plates import to_display
from dim_model.arrays import Bytes, Floats
from trainer.prepare import planes
from trainer.prepare.footage import Footage

SIZE = (640, 360)
"""Width and height of what is drawn, pixels: the dancer's raster."""

_RATE = 24
_SUPERSAMPLING = 2
_RADIUS = 0.3
"""Of the creature's body, in heights of the frame."""


@dataclass(frozen=True)
class Subject:
    """colour: uint8 [T, H, W, 3], RGB, display-referred, straight. alpha: float32 [T, H, W], exact, 0..1."""

    colour: Bytes
    alpha: Floats


@lru_cache(maxsize=1)
def dancer(path: Path, frames: int) -> Subject:
    """The first frames of a video with alpha. Raises UnfitError."""
    footage = Footage(path)
    found: dict[int, tuple[Bytes, Floats]] = {}
    last = min(frames, len(footage)) - 1
    while last >= 0:  # each pass begins at a key frame
        first = last
        for number, frame in footage.until(last):
            colour, alpha = planes.to_colour(frame)
            if alpha is None:
                raise ValueError(f"{path.name}: has no alpha; supply footage with alpha.")
            found[number] = _bytes(colour), alpha
            first = min(first, number)
        last = first - 1
    ordered = [found[number] for number in sorted(found)]
    return Subject(np.stack([colour for colour, _ in ordered]), np.stack([alpha for _, alpha in ordered]))


@lru_cache(maxsize=1)
def creature(frames: int, size: tuple[int, int] = SIZE, strands: int = 15000, tuft: int = 6000) -> Subject:
    """The demo's ball of fur in the wind; size: width and height of a frame, pixels."""
    drawn = Creature(11, strands, tuft)
    canvas = (size[0] * _SUPERSAMPLING, size[1] * _SUPERSAMPLING)
    radius = _RADIUS * canvas[1]
    seen = [
        cv2.resize(
            drawn.picture(number / _RATE, 0.5 / _RATE, 2, canvas, radius), size, interpolation=cv2.INTER_AREA
        ).astype(np.float32)
        for number in range(frames)
    ]
    return _subject(seen)


@lru_cache(maxsize=1)
def rendered(folder: Path, frames: int) -> Subject:
    """A folder of EXR as ``dim-train render --clips`` writes them. Raises OSError."""
    return _subject([_exr(path) for path in sorted(folder.glob("*.exr"))[:frames]])


def renders(folder: Path | None) -> list[Path]:
    """The folders of EXR sequences in ``folder``, those of two frames and more."""
    inside = sorted(path for path in folder.iterdir() if path.is_dir()) if folder else []
    return [path for path in inside if len(list(path.glob("*.exr"))) > 1]


def _exr(path: Path) -> Floats:
    """float32 [H, W, 4], premultiplied, linear."""
    image = oiio.ImageInput.open(str(path))
    pixels = image.read_image(oiio.FLOAT) if image else None
    if pixels is None or pixels.shape[2] != 4:
        raise OSError(f"{path}: cannot be read as RGBA; render it again.")
    return np.asarray(pixels, np.float32)


def _subject(seen: Sequence[Floats]) -> Subject:
    """Frames, float32 [H, W, 4], premultiplied, linear."""
    alpha = np.stack([np.clip(frame[..., 3], 0, 1) for frame in seen])
    straight = (frame[..., :3] / np.maximum(frame[..., 3:], np.float32(1e-4)) for frame in seen)
    colour = [_bytes(to_display(light.astype(np.float32))) for light in straight]
    return Subject(np.stack(colour), alpha)


def _bytes(colour: Floats) -> Bytes:
    return (np.clip(colour, 0, 1) * 255).round().astype(np.uint8)
