"""The index of a training set: one JSON line to an entry, written whole or not at all.

The first line says what was indexed and how; every other is an ``Entry`` or a ``Skipped`` file. Paths are
relative to the root and the root to the index, so a set that holds its own index can be moved.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from trainer.prepare.entry import Entry, File, Kind, Role, Skipped, Split
from trainer.prepare.errors import BrokenIndexError, StaleIndexError

NAME = "index.jsonl"


@dataclass(frozen=True)
class Header:
    """root: the indexed folder, relative to the index's own. layout: how it was read."""

    root: str
    layout: str
    seed: int
    format: Literal["dimd-index-1"] = "dimd-index-1"


_HEADER = TypeAdapter(Header)
_LINE: TypeAdapter[Entry | Skipped] = TypeAdapter(Entry | Skipped)


def digest(path: Path) -> str:
    """sha256 of a file, as hexadecimal digits. Raises ``OSError``."""
    with path.open("rb") as file:
        hashed = sha256()
        while block := file.read(1 << 20):
            hashed.update(block)
    return hashed.hexdigest()


class Index:
    """An index as it was written. ``file`` checks a file each time it is asked for."""

    def __init__(
        self, path: Path, header: Header, entries: tuple[Entry, ...], skipped: tuple[Skipped, ...]
    ) -> None:
        self.path, self.header, self.entries, self.skipped = path, header, entries, skipped
        self.root = Path(os.path.normpath(path.resolve().parent / header.root))
        self._forgiven: set[tuple[File, int]] = set()

    @classmethod
    def read(cls, path: Path) -> Index:
        """Raises ``BrokenIndexError``."""
        mend = "run `dim-train prepare` on the set, to another --out or with this file deleted"
        number = 1
        try:
            with path.open(encoding="utf-8") as file:
                header = _HEADER.validate_json(next(file, ""))
                lines: list[Entry | Skipped] = []
                for number, line in enumerate(file, 2):  # noqa: B007
                    lines.append(_LINE.validate_json(line))
        except OSError as error:
            raise BrokenIndexError(f"{path}: cannot be read ({error.strerror}); {mend}.") from error
        except (ValidationError, UnicodeDecodeError) as error:
            raise BrokenIndexError(f"{path}: line {number} is not of a dimd-index-1; {mend}.") from error
        entries = tuple(line for line in lines if isinstance(line, Entry))
        return cls(path, header, entries, tuple(line for line in lines if isinstance(line, Skipped)))

    def select(self, split: Split | None = None, kinds: Iterable[Kind] | None = None) -> tuple[Entry, ...]:
        """The entries of one split, or of some kinds, or of both."""
        wanted = None if kinds is None else frozenset(kinds)
        return tuple(
            entry
            for entry in self.entries
            if (split is None or entry.split == split) and (wanted is None or entry.kind in wanted)
        )

    def counts(self) -> dict[tuple[Kind, Split], int]:
        """How many entries there are of each kind in each split."""
        return dict(Counter((entry.kind, entry.split) for entry in self.entries))

    def file(self, entry: Entry, role: Role) -> Path:
        """Where an entry's file is. Raises ``StaleIndexError`` if it vanished or is not what was indexed; one
        that was merely touched or copied is hashed once, and taken.
        """
        file = entry.files[role]
        path = Path(os.path.normpath(self.root / file.path))
        mend = "bring it back, or run `dim-train prepare` again"
        try:
            now = path.stat()
        except OSError as error:
            raise StaleIndexError(f"{path}: is in the index and not on disk; {mend}.") from error
        touched = now.st_mtime_ns != file.mtime_ns and (file, now.st_mtime_ns) not in self._forgiven
        if now.st_size != file.bytes or (touched and digest(path) != file.sha256):
            raise StaleIndexError(f"{path}: changed since it was indexed; {mend}.")
        if touched:
            self._forgiven.add((file, now.st_mtime_ns))
        return path


def write(path: Path, header: Header, lines: Iterable[Entry | Skipped]) -> None:
    """Write an index beside its place and move it there: a reader sees the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(_HEADER.dump_json(header) + b"\n")
            for line in lines:
                file.write(_LINE.dump_json(line, exclude_defaults=True) + b"\n")
            file.flush()
            os.fchmod(file.fileno(), 0o644)  # mkstemp's file is for its owner alone
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
