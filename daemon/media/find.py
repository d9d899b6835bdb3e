"""The media of a folder: which files are stills, which are one sequence, which are video.

Grouping is by name alone and costs no decoding. fileseq reads the patterns that people type (`shot.%04d.exr`,
`shot.####.exr`, `shot.1001-1100#.exr`); the names on disk are read by ``numbered``.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

import fileseq

from daemon.media.base import Kind, MediaError
from daemon.media.numbered import Numbered, are_frames, numbered

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".exr", ".dpx"})
VIDEO_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm", ".mxf"})
UNFINISHED = (".part", ".tmp", ".partial", "~")
"""Endings, before the suffix or as it, that copying tools give to a file that they have not finished."""

_SUFFIXES = IMAGE_SUFFIXES | VIDEO_SUFFIXES

Entry = os.DirEntry[str]


@dataclass(frozen=True)
class MediaRef:
    """One clip's picture on disk. `path` is the file, or `folder/base.####.exr` for a sequence's messages.

    frames: the names of a sequence's files, which lie in the folder of `path`, in the order of their numbers.
    fault: where some of them have the same number, as shot.1.png and shot.0001.png: a sentence but for the
    name before it. is_matte: a sequence is to be read as mattes, one channel each.
    """

    kind: Kind
    path: Path
    frames: tuple[str, ...] = ()
    fault: str | None = None
    is_matte: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Of the files, all of which lie in the folder of `path`."""
        return self.frames or (self.path.name,)

    @property
    def files(self) -> tuple[Path, ...]:
        """Made anew each time: a scan of a hundred thousand files has no use for as many paths."""
        folder = self.path.parent
        return tuple(folder / name for name in self.names)

    @property
    def source(self) -> str:
        """What tells it from all else that lies about, also while frames still come to it.

        The number of digits is left out, because a sequence of unpadded frames changes it on the way. A still
        may itself be called shot.#.png: a slash behind it tells it from that sequence.
        """
        first = numbered(self.frames[0]) if self.frames else None
        if first is not None:
            return str(self.path.with_name(f"{first.base}#{first.suffix}"))
        return f"{self.path}/" if "#" in self.path.name else str(self.path)

    @property
    def numbers(self) -> tuple[int, ...]:
        """The frame numbers that a sequence's file names carry, in the order of `files`; (0,) for a still."""
        if self.kind != "sequence":
            return (0,) if self.kind == "still" else ()
        return tuple(_require_number(name) for name in self.frames)

    @property
    def digits(self) -> tuple[int, int]:
        """Of a frame number in a sequence's file names, at least, and of a negative one, whose minus sign is
        one: some programs put it before the digits of the others, some in the place of one.
        """
        found = [parts for name in self.names if (parts := numbered(name))]
        below = min((parts.digits for parts in found if parts.number < 0), default=1)
        return min((parts.digits for parts in found if parts.number >= 0), default=below), below


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
        mend = "give dimd access to it" if isinstance(error, PermissionError) else "bring it back"
        raise MediaError(f"{folder}: cannot be listed ({error.strerror}); {mend}.") from None


def grouped(folder: Path, entries: Iterable[Entry], *, min_frames: int = 2) -> list[MediaRef]:
    """As `find_media`, of entries that are listed already."""
    groups: dict[tuple[str, str], list[Numbered]] = {}
    found: list[MediaRef] = []
    for entry in entries:
        name = entry.name
        suffix = _media_suffix(name)
        if suffix is None or not is_file(entry):
            continue
        parts = None if suffix in VIDEO_SUFFIXES else numbered(name)
        if parts is not None:
            groups.setdefault((parts.base, suffix), []).append(parts)
        else:
            found.append(MediaRef("video" if suffix in VIDEO_SUFFIXES else "still", folder / name))
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
            return MediaRef("video", path)
        if suffix in IMAGE_SUFFIXES:
            return MediaRef("still", path)
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
    wanted, suffix = pattern.frameSet(), pattern.extension().lower()
    files = []
    for file in path.parent.iterdir():
        parts = numbered(file.name)
        if parts is None or (parts.base, parts.suffix.lower()) != (pattern.basename(), suffix):
            continue
        if wanted is None or parts.number in wanted:
            files.append(parts)
    if not files:
        raise MediaError(f"{path}: matches no file; check the name and the padding.")
    return _sequence(path.parent, files)


def _media_suffix(name: str) -> str | None:
    """The suffix in small letters, where the name is a picture's or a video's that is not being copied."""
    stem, dot, letters = name.lower().rpartition(".")
    suffix = dot + letters
    return suffix if stem and suffix in _SUFFIXES and not stem.endswith(UNFINISHED) else None


def is_file(entry: Entry) -> bool:
    """A link that leads nowhere is one, too: it is to be missed, and not to pass for a gap or no sidecar."""
    try:
        return entry.is_file() or (entry.is_symlink() and not os.path.exists(entry))  # noqa: PTH110
    except OSError:  # a link that leads round in a circle
        return True


def _require_number(name: str) -> int:
    parts = numbered(name)
    if parts is None:
        raise MediaError(f"{name}: has no frame number in its name; name frames like shot.1001.exr.")
    return parts.number


def _in_time(folder: Path, group: list[Numbered], min_frames: int) -> Iterator[MediaRef]:
    if len(group) >= min_frames and not group[0].is_version and are_frames(group):
        yield _sequence(folder, group)
    else:
        for parts in group:
            yield MediaRef("still", folder / parts.name)


def _sequence(folder: Path, group: list[Numbered]) -> MediaRef:
    frames = sorted(group)
    hashes = "#" * min(parts.digits for parts in frames)
    path = folder / f"{frames[0].base}{hashes}{frames[0].suffix}"
    return MediaRef("sequence", path, tuple(parts.name for parts in frames), _fault(frames))


def _fault(frames: Sequence[Numbered]) -> str | None:
    files = Counter(map(itemgetter(0), frames))  # the numbers, of a hundred thousand at each scan
    if len(files) == len(frames):
        return None
    shared = [parts.name for parts in frames if files[parts.number] > 1]
    some = ", ".join(shared[:4]) + (", ..." if len(shared) > 4 else "")
    return f"{len(shared)} of its files share a frame number ({some}); keep one file of each number."
