"""A look into files that belong together: do they open, match, and hold an alpha worth training on?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dim_model.arrays import Floats
from trainer.prepare import planes
from trainer.prepare.entry import Role
from trainer.prepare.errors import UnfitError
from trainer.prepare.footage import SUFFIXES, Footage
from trainer.prepare.layouts.base import Found
from trainer.prepare.still import read_matte, read_picture

_LOOKS = 8
"""Frames of a video that are looked at, evenly spread, until one has an alpha worth it: the 240 000 frames of
VideoMatte240K would take a day.
"""

_NEARLY = 0.002
"""Half a code of eight bits: nearer than this to 0 or 1 is 0 or 1."""


@dataclass(frozen=True)
class Facts:
    """width, height: pixels. frames: 1 for a picture."""

    width: int
    height: int
    frames: int


def examine(found: Found) -> Facts:
    """Open every file. Raises ``UnfitError`` for the first that cannot be trained on."""
    if any(path.suffix.lower() in SUFFIXES for path in found.files.values()):
        return _footage(found.files)
    return _pictures(found.files)


def _pictures(files: dict[Role, Path]) -> Facts:
    height, width = -1, -1
    for role, path in files.items():
        if role in ("alpha", "trimap"):
            matte = read_matte(path)
            shape = matte.shape
        else:
            colour, alpha = read_picture(path)
            shape = colour.shape[:2]
            if role in ("matte", "rgba"):
                if alpha is None:
                    raise UnfitError(path, "no alpha", "has no fourth channel to take alpha from")
                matte = alpha
        if height < 0:
            height, width = shape
        _same_size(path, (shape[1], shape[0]), (width, height))
        if role in ("alpha", "matte", "rgba"):
            _worth(path, matte)
    return Facts(width, height, 1)


def _footage(files: dict[Role, Path]) -> Facts:
    videos = {role: Footage(path) for role, path in files.items()}
    first = next(iter(videos.values()))
    for video in videos.values():
        _same_size(video.path, (video.width, video.height), (first.width, first.height))
        if len(video) != len(first):
            reason = f"has {len(video)} frames, {first.path.name} {len(first)}"
            raise UnfitError(video.path, "other length", reason)
    matte = videos.get("alpha", first)
    if matte is first and not first.has_alpha:
        raise UnfitError(first.path, "no alpha", "is a video without alpha")
    trouble: UnfitError | None = None
    for number in np.linspace(0, len(first) - 1, min(_LOOKS, len(first))).round().astype(int).tolist():
        frame = matte.frame(number)
        alpha = planes.to_colour(frame)[1] if matte is first else planes.to_matte(frame)
        try:
            _worth(matte.path, np.ones((1, 1), np.float32) if alpha is None else alpha)
        except UnfitError as error:
            trouble = trouble or error
        else:
            return Facts(first.width, first.height, len(first))
    assert trouble is not None
    raise trouble


def _same_size(path: Path, size: tuple[int, int], wanted: tuple[int, int]) -> None:
    if size != wanted:
        ours, theirs = (f"{width}x{height}" for width, height in (size, wanted))
        raise UnfitError(path, "other size", f"is {ours} pixels, its picture {theirs}")


def _worth(path: Path, alpha: Floats) -> None:
    if alpha.min() > 1 - _NEARLY:
        raise UnfitError(path, "opaque alpha", "has an alpha that is opaque everywhere")
    if alpha.max() < _NEARLY:
        raise UnfitError(path, "empty alpha", "has an alpha that is empty everywhere")
