"""What a layout is: how to know a folder's kind, and how its files belong together.

Pairing goes by name, never by the order in which a folder lists its files, and what has no partner is told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from trainer.prepare import footage, still
from trainer.prepare.entry import Fault, Kind, Role

PICTURES, VIDEOS = still.SUFFIXES, footage.SUFFIXES

_STILLS = (
    ".gif .tga .dpx .cin .psd .psb .heic .heif .avif .jp2 .j2k .jxl .hdr .pfm .ppm .pgm .pnm .sgi .iff .svg"
)
_RAW = ".dng .cr2 .cr3 .nef .arw .raf .orf .rw2 .r3d .braw"
_MOVING = ".mpg .mpeg .wmv .flv .ts .mts .m2ts .ogv .3gp"
FOREIGN = frozenset(f"{_STILLS} {_RAW} {_MOVING}".split())
"""Pictures and videos of kinds that are not read: they are told, since they look like footage."""

_NUMBERED = re.compile(r"(.*)\.\d+")
"""shot.1001: frame 1001 of the clip shot. IMG_1001 is a photograph of its own."""


@dataclass(frozen=True)
class Found:
    """Files that belong together, not yet opened. group: the clip or foreground, relative to the folder."""

    kind: Kind
    group: str
    files: dict[Role, Path]
    mask_above: int | None = None


@dataclass(frozen=True)
class Lost:
    """A file that belongs to nothing."""

    path: Path
    fault: Fault
    reason: str


@dataclass(frozen=True)
class Layout:
    """name: for ``--layout``. needs: what a folder of this layout holds, to finish "holds no ...". fits: is a
    folder one? find: what lies in one.
    """

    name: str
    needs: str
    fits: Callable[[Path], bool]
    find: Callable[[Path], Iterator[Found | Lost]]


def media(folder: Path, suffixes: frozenset[str]) -> list[Path]:
    """The files of some kinds under ``folder``, sorted. Hidden ones, macOS's ``._x.jpg`` among them, and
    other kinds (notes, licences) are no media.
    """
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in suffixes
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and not path.is_dir()
    )


def key_in(folder: Path, path: Path) -> str:
    """What partners share: the path below their folder, without the suffix."""
    return path.relative_to(folder).with_suffix("").as_posix()


def clip_of(key: str) -> str:
    """The clip of a still: its name without a frame number, or itself; of a file named by number alone
    (clip/0001.png) its folder.
    """
    folder, _, stem = key.rpartition("/")
    if folder and stem.isdecimal():
        return folder
    numbered = _NUMBERED.fullmatch(key)
    return numbered[1] if numbered else key


def matched(
    files: Mapping[Role, list[tuple[str, Path]]], optional: frozenset[Role] = frozenset()
) -> Iterator[tuple[str, dict[Role, Path]] | Lost]:
    """Files of the same key, for each key in order; what shares a key in one role or lacks a partner is
    ``Lost``.
    """
    by_key: dict[str, dict[Role, Path]] = {}
    for role, paths in files.items():
        for key, path in paths:
            first = by_key.setdefault(key, {}).setdefault(role, path)
            if first != path:
                yield Lost(path, "same name", f"shares its name with {first.name}")
    for key, there in sorted(by_key.items()):
        lacking = [role for role in files if role not in there and role not in optional]
        if lacking:
            for path in there.values():
                yield Lost(path, "unpaired", f"has no {' and no '.join(lacking)} of its name")
        else:
            yield key, there
