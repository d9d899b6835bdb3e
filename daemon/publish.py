"""How a result appears: whole, in one rename, and never over another.

Work is done in a hidden folder beside the destination, on the same file system. Its name holds the job's key,
so a restarted daemon finds its own work again and no other's.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from daemon.media.durable import sync_folder

MANIFEST = "manifest.json"


class PublishError(OSError):
    """One sentence: which folder, what is wrong, how to mend it."""


class Workplace:
    """The hidden folder of one job, and the name it will be published under."""

    def __init__(self, out: Path, name: str, key: str) -> None:
        self.out, self.name, self._key = out, name, key
        self.folder = out / f".{name}.dimd-{key[:8]}"

    def prepare(self, start: int) -> int:
        """Make the folder; returns the frame to begin at: ``start``, or 0 where the earlier work is gone.

        Raises PublishError.
        """
        try:
            if self.folder.is_symlink():
                self.folder.unlink()  # not ours: it would have us write wherever it leads
            if start == 0 or not self.folder.is_dir():
                shutil.rmtree(self.folder, ignore_errors=True)
                self.folder.mkdir(parents=True)
                return 0
        except OSError as error:
            raise PublishError(
                f"{self.out}: cannot be written to ({error.strerror}); give dimd's user access to it."
            ) from error
        return start

    def published(self) -> Path | None:
        """The result of this very job, where an earlier run came so far and no further."""
        for folder in self._names():
            if not folder.exists() and not folder.is_symlink():
                return None
            if _key_of(folder) == self._key:
                return folder
        return None

    def publish(self) -> Path:
        """Give the folder its final name: NAME, or NAME_v2 and on where that is taken. Returns it."""
        for child in sorted(self.folder.iterdir()):
            if child.is_dir():
                sync_folder(child)
        sync_folder(self.folder)
        for folder in self._names():
            if folder.exists() or folder.is_symlink():
                continue
            self.folder.rename(folder)
            sync_folder(self.out)
            return folder
        raise AssertionError("names do not end")

    def drop(self, child: str) -> None:
        """Forget a folder that is not to be published."""
        shutil.rmtree(self.folder / child, ignore_errors=True)

    def discard(self) -> None:
        """Forget what was made so far."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _names(self) -> Iterator[Path]:
        yield self.out / self.name
        for version in count(2):
            yield self.out / f"{self.name}_v{version}"


def _key_of(folder: Path) -> str | None:
    try:
        return str(json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["key"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
