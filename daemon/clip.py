"""A clip as it lies in a watched folder: the plate, what stands beside it, and how all of it looked."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from daemon.config import ClipSettings, ColourSettings
    from daemon.media import MediaRef

Role = Literal["trimap", "mask", "clean", "bg"]
Stamp = tuple[tuple[str, int, int], ...]
"""Every file of a clip, sorted: path relative to the watched folder, size in bytes, mtime in nanoseconds."""


@dataclass(frozen=True)
class Clip:
    """One job's worth of files. name: of the result, distinct in `folder`, which is the watched folder.

    mask: rough. clean: the plate without its foreground. bg: the new background. settings: the clip's own
    NAME.yaml or dimd.yaml. bound: no file may lie outside of `folder`, by way of a link.
    """

    name: str
    folder: Path
    plate: MediaRef
    trimap: MediaRef | None
    mask: MediaRef | None
    clean: MediaRef | None
    bg: MediaRef | None
    settings: Path | None
    stamp: Stamp
    bound: bool = False

    @property
    def source(self) -> str:
        """Where the plate lies: the same while the clip grows, changes, or gets a sidecar or another name."""
        return self.plate.source

    @property
    def files(self) -> Iterator[Path]:
        """Every file of the clip."""
        for folder, names in _shelves(self._media, self.settings):
            yield from (folder / name for name in names)

    def unchanged(self) -> bool:
        """Whether every file is still as `stamp` says, and where it may be: ask before a result made of them
        is published.
        """
        try:
            return stamp_of(self.folder, self._media, self.settings, bound=self.bound) == self.stamp
        except (OSError, OutsideError):
            return False

    @property
    def _media(self) -> tuple[MediaRef | None, ...]:
        return self.plate, self.trimap, self.mask, self.clean, self.bg


class OutsideError(Exception):
    """A link leads `file` out of the watched folder."""

    def __init__(self, file: Path) -> None:
        super().__init__(file)
        self.file = file


def stamp_of(folder: Path, media: Iterable[MediaRef | None], settings: Path | None, *, bound: bool) -> Stamp:
    """How the files of a clip, which lie in `folder` or below it, look now.

    bound: none may lie elsewhere by way of a link. Raises OutsideError; OSError for one that is gone or
    hidden from us. By plain strings, with one look at each file: a scan asks a hundred thousand times.
    """
    inside = len(os.fspath(folder / "x")) - 1
    found = []
    for home, names in _shelves(media, settings):
        if bound and home != folder and leads_out(home, folder):
            raise OutsideError(home / names[0])
        begin = os.fspath(home / "x")[:-1]
        for name in names:
            place = begin + name
            look = os.lstat(place)
            if stat.S_ISLNK(look.st_mode):
                look = os.stat(place)  # noqa: PTH116
                if bound and leads_out(Path(place), folder):
                    raise OutsideError(Path(place))
            found.append((place[inside:], look.st_size, look.st_mtime_ns))
    return tuple(sorted(found))


def leads_out(path: Path, folder: Path) -> bool:
    return not path.resolve().is_relative_to(folder.resolve())


def _shelves(
    media: Iterable[MediaRef | None], settings: Path | None
) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """The folders that a clip's files lie in, each with the names of those."""
    for ref in media:
        if ref is not None:
            yield ref.path.parent, ref.names
    if settings is not None:
        yield settings.parent, (settings.name,)


def job_key(clip: Clip, settings: ClipSettings, colour: ColourSettings | None = None) -> str:
    """What makes two jobs the same: every file by path, size and mtime, and the settings of the output.

    The name of the clip and the daemon's own settings (threads, device, chunks) are not in it: they do not
    change the result. Neither are the weights: better ones are no reason to do a year's clips again. A colour
    config is, where one is named: it says what the numbers mean. Of the settings those are in it that differ
    from their defaults: sources stay where they are, and a setting that is new in the next version would
    otherwise have all of them done again.
    """
    told: dict[str, object] = {
        "folder": os.fspath(clip.folder),
        "stamp": clip.stamp,
        # the role of a file is in its path, which the stamp has
        "settings": settings.model_dump(mode="json", exclude_defaults=True),
    }
    if colour is not None and (config := colour.told()) is not None:
        told["colour"] = config
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
