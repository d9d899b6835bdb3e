"""The clips that the quality bench judges by: a subject with exact alpha over a background, as a sensor
records it.

All colours are display-referred sRGB; light is mixed as a lens and a renderer mix it, then come noise and 8
bits. The same seed gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from bench.quality_subjects import Subject, creature, dancer, rendered, renders
from demo.plates import coffee, to_display, to_linear
from dim_model.arrays import Bytes, Floats

FIRST = 1001
"""Number of a clip's first frame."""

NOISE = 0.006
"""Sigma of the sensor's noise, display-referred."""

_PAN, _ZOOM = 0.7, 0.0004
"""Of a moving camera, each frame: pixels to the right, and closer by this share."""

_MARGIN = 1.06
"""What a photograph has more than the frames need, for a clean plate that is taken from a little beside."""

_DANCER_FRAMES, _HAIR_FRAMES = 150, 48
_FUR_BAND = (56, 72)
"""erode and dilate that a person sets for a mask that cuts long fur off, as in demo/make_shot.py."""

_PHOTOGRAPHS = Path("photos/free")
_PIER = _PHOTOGRAPHS / "cc0/Jonas_Nilsson_Lee.jpg"
_FERNS = _PHOTOGRAPHS / "claimed_public_domain/Disco_Sea_Eye_Ferns.jpg"
_STONES = _PHOTOGRAPHS / "claimed_public_domain/victor_svistunov_233897_KB.jpg"


class Background(Protocol):
    """frame: float32 [H, W, 3] at position ``index``, seen from ``shift`` (x, y) pixels beside."""

    moving: bool

    def frame(self, index: int, shift: tuple[float, float] = (0.0, 0.0)) -> Floats: ...


class Photograph:
    """A photograph before a still or a slowly panning camera."""

    def __init__(self, photo: Bytes, size: tuple[int, int], frames: int, *, moving: bool) -> None:
        """photo: uint8 [H, W, 3], RGB. size: width and height of a frame, pixels."""
        self._size, self.moving = size, moving
        width, height = size
        needed = width + (_PAN * frames if moving else 0)
        scale = _MARGIN * max(needed / photo.shape[1], height / photo.shape[0])
        filtered = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        self._photo = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=filtered)

    def frame(self, index: int, shift: tuple[float, float] = (0.0, 0.0)) -> Floats:
        width, height = self._size
        zoom = 1 + _ZOOM * index if self.moving else 1.0
        left = (_MARGIN - 1) / 2 * width + shift[0] + (_PAN * index if self.moving else 0)
        top = (self._photo.shape[0] - height) / 2 + shift[1]
        move = np.array([[zoom, 0, -left * zoom], [0, zoom, -top * zoom]], np.float64)
        seen = cv2.warpAffine(
            self._photo, move, self._size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
        )
        return np.asarray(seen, np.float32) / np.float32(255)


class Screen:
    """A green screen as one finds it: unevenly lit, wrinkled, and darker towards the corners."""

    moving = False

    def __init__(self, size: tuple[int, int], seed: int) -> None:
        width, height = size
        rng = np.random.default_rng(seed)
        blotches = sum(smooth_noise(rng, size, cell) * share for cell, share in ((160, 0.09), (40, 0.03)))
        folds = np.abs(smooth_noise(rng, (width * 4, height), 60)[:, ::4])  # creases run downwards
        y, x = np.mgrid[:height, :width].astype(np.float32)
        away = np.hypot((x - 0.45 * width) / width, (y - 0.4 * height) / height)
        light = 1.08 - 0.6 * away**2 + blotches - 0.07 * np.exp(-((folds / 0.12) ** 2))
        green = np.array([0.17, 0.62, 0.26], np.float32)
        self._seen: Floats = (green * light[..., None]).astype(np.float32)

    def frame(self, index: int, shift: tuple[float, float] = (0.0, 0.0)) -> Floats:
        return self._seen


@dataclass(frozen=True)
class Clip:
    """plate: uint8 [T, H, W, 3], RGB. truth: float32 [T, H, W]. clean: uint8 [H, W, 3], the still background
    as another take shows it; None where the camera moves. band: erode and dilate for a rough mask of it.
    """

    name: str
    plate: Bytes
    truth: Floats
    clean: Bytes | None = None
    band: tuple[int, int] | None = None


@dataclass(frozen=True)
class Recipe:
    """A clip that is made when its turn comes, and the sources that it suits."""

    name: str
    make: Callable[[], Clip]
    sources: tuple[str, ...]


def smooth_noise(rng: np.random.Generator, size: tuple[int, int], cell: int) -> Floats:
    """Values of sigma about 1 on a grid of ``cell`` pixels, and smooth between: float32 [H, W]."""
    width, height = size
    grid = rng.standard_normal((height // cell + 2, width // cell + 2)).astype(np.float32)
    return np.asarray(cv2.resize(grid, size, interpolation=cv2.INTER_CUBIC), np.float32)


def recorded(seen: Floats, rng: np.random.Generator) -> Bytes:
    """What a sensor makes of float32 [H, W, 3], 0..1, display-referred: noise, 8 bits."""
    noisy = seen + np.float32(NOISE) * rng.standard_normal(seen.shape, np.float32)
    return (np.clip(noisy, 0, 1) * 255).round().astype(np.uint8)


def composite(
    name: str, subject: Subject, background: Background, seed: int = 1, band: tuple[int, int] | None = None
) -> Clip:
    """The subject over the background, frame by frame (Porter & Duff 1984, "over")."""
    plate = np.empty_like(subject.colour)
    for index, (colour, alpha) in enumerate(zip(subject.colour, subject.alpha, strict=True)):
        a = alpha[..., None]
        front = to_linear(colour.astype(np.float32) / np.float32(255))
        light = a * front + (1 - a) * to_linear(np.clip(background.frame(index), 0, 1))
        plate[index] = recorded(to_display(light), np.random.default_rng([seed, index]))
    clean = None
    if not background.moving:
        # Another take: the exposure is not quite the same, and the tripod was touched.
        other = np.float32(0.95) * background.frame(0, shift=(2.4, -1.7))
        clean = recorded(other, np.random.default_rng([seed, 1_000_000]))
    return Clip(name, plate, subject.alpha, clean, band)


def read_photo(path: Path) -> Bytes:
    """uint8 [H, W, 3], RGB. Raises FileNotFoundError."""
    photo = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    if photo is None:
        raise FileNotFoundError(f"{path}: is no photograph; supply it, or another folder as --data.")
    return np.asarray(photo, np.uint8)


def recipes(data: Path | None, rendered_in: Path | None, limit: int | None = None) -> Iterator[Recipe]:
    """The bench's clips. data: the folder of footage and photographs, None without. limit: frames at most."""
    if data:
        yield from _dancers(data, limit)
    hair = partial(creature, min(_HAIR_FRAMES, limit or _HAIR_FRAMES))
    yield from _still_and_moving("hair", hair, coffee)
    behind = partial(read_photo, data / _STONES) if data else coffee
    for folder in renders(rendered_in):
        subject = partial(rendered, folder, limit or _DANCER_FRAMES)
        yield from _still_and_moving(f"render-{folder.name}", subject, behind)


def _dancers(data: Path, limit: int | None) -> Iterator[Recipe]:
    frames = min(_DANCER_FRAMES, limit or _DANCER_FRAMES)
    long = partial(dancer, data / "dancer/visible_0031_0366.webm", frames)
    pier, ferns = partial(read_photo, data / _PIER), partial(read_photo, data / _FERNS)
    yield from _still_and_moving("dancer", long, pier, "locked", band=None)
    yield Recipe("dancer-ferns", partial(_over, "dancer-ferns", long, ferns, moving=False), ("locked",))
    yield Recipe("dancer-green", partial(_before_screen, "dancer-green", long), ("chroma",))
    short = partial(dancer, data / "dancer/visible_0000_0031.webm", frames)
    yield from _still_and_moving("turn", short, ferns, band=None)
    yield Recipe("turn-green", partial(_before_screen, "turn-green", short), ("chroma",))


def _still_and_moving(
    name: str,
    subject: Callable[[], Subject],
    photo: Callable[[], Bytes],
    *more: str,
    band: tuple[int, int] | None = _FUR_BAND,
) -> Iterator[Recipe]:
    for moving in (False, True):
        full = f"{name}-{'moving' if moving else 'still'}"
        sources = ("keyframe", "smoothing") if moving else ("keyframe", "clean", *more, "smoothing")
        yield Recipe(full, partial(_over, full, subject, photo, moving=moving, band=band), sources)


def _over(
    name: str,
    subject: Callable[[], Subject],
    photo: Callable[[], Bytes],
    *,
    moving: bool,
    band: tuple[int, int] | None = None,
) -> Clip:
    seen = subject()
    frames, height, width = seen.alpha.shape
    return composite(name, seen, Photograph(photo(), (width, height), frames, moving=moving), band=band)


def _before_screen(name: str, subject: Callable[[], Subject]) -> Clip:
    seen = subject()
    return composite(name, seen, Screen((seen.alpha.shape[2], seen.alpha.shape[1]), seed=5))
