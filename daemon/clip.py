"""A clip as it lies in a watched folder: the plate, what stands beside it, and how all of it looked."""

from __future__ import annotations

import hashlib
import json
import os
import re
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
        """Where the plate lies: the same while the clip grows, changes, or gets a sidecar or another name.

        The number of digits is left out, because a sequence of unpadded frames changes it on the way.
        """
        return re.sub("#+", "#", str(self.plate.path))

    @property
    def files(self) -> Iterator[Path]:
        """Every file of the clip."""
        return files_of((self.plate, self.trimap, self.mask, self.clean, self.bg), self.settings)

    def unchanged(self) -> bool:
        """Whether every file is still as `stamp` says, and where it may be: ask before a result made of them
        is published.
        """
        try:
            if self.bound and escaped(self.folder, self.files) is not None:
                return False
            return stamp_of(self.folder, self.files) == self.stamp
        except OSError:
            return False


def files_of(media: Iterable[MediaRef | None], settings: Path | None) -> Iterator[Path]:
    """The files of what is there of a clip."""
    for ref in media:
        if ref is not None:
            yield from ref.files
    if settings is not None:
        yield settings


def escaped(folder: Path, files: Iterable[Path]) -> Path | None:
    """The first of `files` that a link leads out of `folder`; None: all lie in it. Raises OSError."""
    ground = folder.resolve()
    homes: dict[str, bool] = {}
    for file in files:
        # Not by `parent`: a scan asks a hundred thousand times.
        home = os.path.dirname(file)  # noqa: PTH120
        if home not in homes:
            homes[home] = file.parent.resolve().is_relative_to(ground)
        if not homes[home] or (file.is_symlink() and not file.resolve().is_relative_to(ground)):
            return file
    return None


def stamp_of(folder: Path, files: Iterable[Path]) -> Stamp:
    """How `files`, which lie in `folder` or below it, look now. Raises OSError for one that is gone or hidden
    from us.
    """
    # Not by `relative_to`: a scan asks a hundred thousand times.
    inside = len(os.fspath(folder / "x")) - 1
    found = ((os.fspath(file)[inside:], file.stat()) for file in files)
    return tuple(sorted((name, stat.st_size, stat.st_mtime_ns) for name, stat in found))


def job_key(clip: Clip, settings: ClipSettings, colour: ColourSettings | None = None) -> str:
    """What makes two jobs the same: every file by path, size and mtime, and the settings of the output.

    The name of the clip and the daemon's own settings (threads, device, chunks) are not in it: they do not
    change the result. Neither are the weights: better ones are no reason to do a year's clips again. A colour
    config is, where one is named: it says what the numbers mean.
    """
    told: dict[str, object] = {
        "folder": os.fspath(clip.folder),
        "stamp": clip.stamp,
        # the role of a file is in its path, which the stamp has
        "settings": settings.model_dump(mode="json"),
    }
    if colour is not None and (config := colour.told()) is not None:
        told["colour"] = config
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
