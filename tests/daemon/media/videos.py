"""What the tests of video formats share: clips of every kind of time and tags, written and read back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from daemon.media import CODECS, ClipInfo, Frame, VideoTags, locate, open_sink, open_source, ycbcr

MANY = 10_000_000
SIZE = (256, 128)
MILLISECONDS = ("ffv1", "gray16", "vp9")
"""Formats in Matroska or WebM, whose time stamps are milliseconds."""

TAGS = VideoTags(1, 1, 1, False)
NTSC = Fraction(30000, 1001)


def clip(
    count: int = 6,
    *,
    rate: Fraction = Fraction(24000, 1001),
    time_base: Fraction = Fraction(1, 24000),
    pts: tuple[int, ...] | None = None,
    size: tuple[int, int] = SIZE,
    tags: VideoTags = TAGS,
) -> ClipInfo:
    stamps = pts or tuple(round(n / rate / time_base) for n in range(count))
    numbers = tuple(range(len(stamps)))
    return ClipInfo("video", *size, 3, numbers, (), "display", 8, False, rate, time_base, stamps, tags)


CLIPS = {
    "23.976": clip(30),
    "29.97 drop-frame": clip(
        30, rate=NTSC, time_base=Fraction(1, 30000), tags=replace(TAGS, timecode="00:59:59;28")
    ),
    "starts at 01:00:00:00": clip(30, tags=replace(TAGS, timecode="01:00:00:00")),
    "starts an hour late": clip(pts=tuple(3600 * 24000 + n * 1001 for n in range(30))),
    "variable rate": clip(pts=(0, 1001, 2002, 5005, 5100, 9009, 90090)),
    "BT.2020 PQ": clip(tags=replace(TAGS, primaries=9, transfer=16, matrix=9)),
    "anamorphic": clip(tags=replace(TAGS, sample_aspect=Fraction(4, 3))),
    "on its side": clip(tags=replace(TAGS, rotation=90)),
}


def channels_of(format: str) -> int:
    return min(3, max(CODECS[format].pixel_formats))


def flat(channels: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    return np.full((size[1], size[0], channels), 0.5, np.float32)


def make(
    folder: Path,
    format: str,
    like: ClipInfo,
    pixels: np.ndarray | Callable[[int], np.ndarray],
    chunk: int = 4,
) -> Path:
    first = pixels(0) if callable(pixels) else pixels
    with open_sink(format, folder, "shot", like, channels=first.shape[2]) as sink:
        for number in like.numbers:
            sink.write(Frame(number, pixels(number) if callable(pixels) else pixels))
            if number % chunk == chunk - 1:
                sink.commit()
        sink.finish()
    (made,) = folder.iterdir()
    return made


def read(path: Path) -> tuple[ClipInfo, list[np.ndarray]]:
    with open_source(locate(path), max_pixels=MANY) as source:
        return source.info, [frame.pixels for frame in source.frames()]


def seconds(info: ClipInfo) -> list[Fraction]:
    assert info.time_base is not None
    return [stamp * info.time_base for stamp in info.pts]


def patches(matrix: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Thirty-two colours in squares of 32 pixels: float32 [128, 256, 3], and their codes of ten bits."""
    codes = (
        np.random.default_rng(seed).integers((64, 240, 240), (941, 785, 785), (4, 8, 3)).astype(np.float64)
    )
    codes = codes.repeat(32, 0).repeat(32, 1)
    to_rgb = ycbcr.to_rgb(matrix, False, 10)
    return (codes @ to_rgb[:, :3].T + to_rgb[:, 3]).astype(np.float32), codes


def inside(picture: np.ndarray) -> np.ndarray:
    """The patches without their rims, which 4:2:0 and 4:2:2 mix with their neighbours."""
    return picture.reshape(4, 32, 8, 32, -1)[:, 8:-8, :, 8:-8]
