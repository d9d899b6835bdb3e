"""The media of a folder: which files are stills, which are one sequence, which are video.

Grouping is by name alone and costs no decoding. fileseq reads the patterns that people type (`shot.%04d.exr`,
`shot.####.exr`, `shot.1001-1100#.exr`); the names on disk are split here, because fileseq takes the dash of
`shot-001.png` for a minus sign, and versions (`logo_v1.png`, `logo_v2.png`) for frames.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import fileseq

from daemon.media.base import Kind, MediaError

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".exr", ".dpx"})
VIDEO_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm", ".mxf"})
UNFINISHED = (".part", ".tmp", ".partial", "~")
"""Endings, before the suffix or as it, that copying tools give to a file that they have not finished."""

_SUFFIXES = IMAGE_SUFFIXES | VIDEO_SUFFIXES

Entry = os.DirEntry[str]

MAX_SPAN = 100_000
"""Numbers with gaps that reach further (over an hour) are dates or catalogue numbers, not frames."""

_NUMBERED = re.compile(r"(?P<base>.*?)(?P<number>(?:(?<=[._])-|^-)?\d+)(?P<suffix>\.\w+)", re.DOTALL)
_VERSION = re.compile(r"(?:^|[._-])v$", re.IGNORECASE)


@dataclass(frozen=True)
class MediaRef:
    """One clip's picture on disk. `path` is the file, or `folder/base.####.exr` for a sequence's messages."""

    kind: Kind
    path: Path
    files: tuple[Path, ...]

    @property
    def numbers(self) -> tuple[int, ...]:
        """The frame numbers that a sequence's file names carry, in the order of `files`; (0,) for a still."""
        if self.kind != "sequence":
            return (0,) if self.kind == "still" else ()
        return tuple(_require_number(file) for file in self.files)

    @property
    def digits(self) -> int:
        """Of a frame number in a sequence's file names, at least; the minus sign is one."""
        return min((parts.digits for file in self.files if (parts := _split(file.name))), default=1)


class _Numbered(NamedTuple):
    base: str
    number: int
    digits: int
    suffix: str


class _Named(NamedTuple):
    name: str
    parts: _Numbered


def find_media(folder: Path, *, min_frames: int = 2) -> list[MediaRef]:
    """Group the files directly in `folder`, sorted by name; hidden, unfinished and foreign files are skipped.

    `min_frames` is how many numbered images make a sequence: 1 where the folder is known to hold one.
    """
    return grouped(folder, listed(folder), min_frames=min_frames)


def listed(folder: Path) -> list[Entry]:
    """What lies directly in `folder`, sorted by name, without what is hidden. Raises MediaError."""
    try:
        with os.scandir(folder) as entries:
            return sorted(
                (entry for entry in entries if not entry.name.startswith(".")), key=lambda entry: entry.name
            )
    except OSError as error:
        raise MediaError(f"{folder}: cannot be listed ({error.strerror}); give dimd access to it.") from None


def grouped(folder: Path, entries: Iterable[Entry], *, min_frames: int = 2) -> list[MediaRef]:
    """As `find_media`, of entries that are listed already."""
    groups: dict[tuple[str, str], list[_Named]] = {}
    found: list[MediaRef] = []
    for entry in entries:
        name = entry.name
        suffix = _media_suffix(name)
        if suffix is None or not _is_file(entry):
            continue
        parts = None if suffix in VIDEO_SUFFIXES else _split(name)
        if parts is not None and not _VERSION.search(parts.base):
            groups.setdefault((parts.base, parts.suffix), []).append(_Named(name, parts))
        else:
            file = folder / name
            found.append(MediaRef("video" if suffix in VIDEO_SUFFIXES else "still", file, (file,)))
    for group in groups.values():
        found.extend(_in_time(folder, group, min_frames))
    return sorted(found, key=lambda ref: ref.path.name)


def locate(where: str | Path) -> MediaRef:
    """The media that a person names: a file, a folder of one clip, or a pattern such as shot.%04d.exr.

    Raises MediaError when nothing is there, or when a folder holds more than one clip.
    """
    path = Path(where)
    if path.is_dir():
        inside = find_media(path, min_frames=1)
        if len(inside) != 1:
            names = ", ".join(ref.path.name for ref in inside[:4]) or "no images or video"
            raise MediaError(f"{path}: holds {names}; name the one that is meant.")
        return inside[0]
    if path.is_file():
        suffix = path.suffix.lower()
        if suffix in VIDEO_SUFFIXES:
            return MediaRef("video", path, (path,))
        if suffix in IMAGE_SUFFIXES:
            return MediaRef("still", path, (path,))
        known = " ".join(sorted(_SUFFIXES))
        raise MediaError(f"{path.name}: is not an image or a video by its name; supply one of {known}.")
    return _locate_pattern(path)


def _locate_pattern(path: Path) -> MediaRef:
    try:
        pattern = fileseq.FileSequence(path.name)
    except (fileseq.ParseException, ValueError):
        raise MediaError(f"{path}: is not there; check the name.") from None
    if not pattern.padding() or not path.parent.is_dir():
        raise MediaError(f"{path}: is not there; check the name.")
    wanted = pattern.frameSet()
    files = []
    for file in path.parent.iterdir():
        parts = _split(file.name)
        if parts is None or (parts.base, parts.suffix) != (pattern.basename(), pattern.extension()):
            continue
        if wanted is None or parts.number in wanted:
            files.append(_Named(file.name, parts))
    if not files:
        raise MediaError(f"{path}: matches no file; check the name and the padding.")
    return _sequence(path.parent, files)


def _media_suffix(name: str) -> str | None:
    """The suffix in small letters, where the name is a picture's or a video's that is not being copied."""
    stem, dot, letters = name.lower().rpartition(".")
    suffix = dot + letters
    return suffix if stem and suffix in _SUFFIXES and not stem.endswith(UNFINISHED) else None


def _is_file(entry: Entry) -> bool:
    try:
        return entry.is_file()
    except OSError:  # a link that leads round in a circle
        return False


def _split(name: str) -> _Numbered | None:
    match = _NUMBERED.fullmatch(name)
    if match is None:
        return None
    number = match["number"]
    return _Numbered(match["base"], int(number), len(number), match["suffix"])


def _require_number(file: Path) -> int:
    parts = _split(file.name)
    if parts is None:
        raise MediaError(f"{file.name}: has no frame number in its name; name frames like shot.1001.exr.")
    return parts.number


def _in_time(folder: Path, files: list[_Named], min_frames: int) -> Iterator[MediaRef]:
    if len(files) >= min_frames and _are_frames([file.parts for file in files]):
        yield _sequence(folder, files)
    else:
        for file in files:
            yield MediaRef("still", folder / file.name, (folder / file.name,))


def _are_frames(parts: list[_Numbered]) -> bool:
    """Whether numbered images of one base name are frames in time, not pictures with a catalogue number.

    `GT01.png GT04.png` (no separator, short numbers, gaps) are pictures; `shot.01.png shot.04.png` frames.
    """
    numbers = {part.number for part in parts}
    span = max(numbers) - min(numbers) + 1
    if len(numbers) < len(parts):
        return False
    if span == len(numbers):
        return True
    glued = parts[0].base[-1:].isalnum()
    return span <= MAX_SPAN and (not glued or max(part.digits for part in parts) >= 3)


def _sequence(folder: Path, files: list[_Named]) -> MediaRef:
    files = sorted(files, key=lambda file: file.parts.number)
    hashes = "#" * min(file.parts.digits for file in files)
    first = files[0].parts
    path = folder / f"{first.base}{hashes}{first.suffix}"
    return MediaRef("sequence", path, tuple(folder / file.name for file in files))
