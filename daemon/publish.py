"""How a result appears: whole, in one rename, and never over another.

Work is done in a hidden folder beside the destination, on the same file system. Its name holds the job's key,
so a restarted daemon finds its own work again and no other's. It holds a mark of who works there, too:
whoever goes on with the work of another renames the folder first, so that one who lost the job while it stood
still finds no folder any more, rather than writing into the one that is about to be published.
"""

from __future__ import annotations

import errno
import json
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from pathlib import Path

from daemon.media.durable import sync_folder

MANIFEST = "manifest.json"

_MENDS = {
    errno.ENOTDIR: "name a folder, for there is a file in the way",
    errno.EEXIST: "name a folder, for there is a file in the way",
    errno.EROFS: "have its disk mounted for writing, or name another folder",
    errno.ENOSPC: "make room on its disk",
    errno.EDQUOT: "make room on its disk",
}


class PublishError(OSError):
    """One sentence: which folder, what is wrong, how to mend it."""


class Workplace:
    """The hidden folder of one job, and the name it will be published under.

    allow: raises what is to keep it from being published, at the last moment.
    """

    def __init__(self, out: Path, name: str, key: str, *, allow: Callable[[], None] = lambda: None) -> None:
        self.out, self.name, self._key, self._allow = out, name, key, allow
        self._stem = f".{name}.dimd-{key[:8]}-"
        self.folder = out / f"{self._stem}{secrets.token_hex(6)}"
        """Whose name is this object's alone; no file in it has a longer one, so that a clip's name which is
        too long shows before a frame is made.
        """

    def begun(self) -> Path | None:
        """Where earlier work on the job lies, whoever did it."""
        if self.folder.is_dir():
            return self.folder
        return next(iter(self._begun()), None)

    def _begun(self) -> list[Path]:
        try:
            return self.among(self.out.iterdir())
        except OSError:
            return []

    def among(self, paths: Iterable[Path]) -> list[Path]:
        """Those of `paths` that are work on the job. Raises OSError."""
        found = (path for path in paths if path.name.startswith(self._stem))
        # A link is not ours: it would have us write wherever it leads.
        return sorted(path for path in found if path.is_dir() and not path.is_symlink())

    def prepare(self, start: int) -> int:
        """Make the folder, or make an earlier one ours; returns the frame to begin at: ``start``, or 0 where
        the earlier work is gone.

        Raises PublishError, and what ``allow`` does: who lost the job while it stood still would discard the
        work of whoever has it now.
        """
        self._allow()
        try:
            begun = self.begun()
            if start == 0 or begun is None:
                self.discard()
                self.folder.mkdir(parents=True)
                sync_folder(self.out)  # else a power cut would take all that is committed in it
                return 0
            if begun != self.folder:
                begun.rename(self.folder)
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                raise PublishError(f"{self.name}: is too long a name for {self.out}; shorten it.") from error
            mend = _MENDS.get(error.errno or 0, "give dimd's user access to it")
            raise PublishError(f"{self.out}: cannot be written to ({error.strerror}); {mend}.") from error
        return start

    def published(self) -> Path | None:
        """The result of this very job, where an earlier run came so far and no further."""
        for folder in self._names():
            if not folder.exists() and not folder.is_symlink():
                return None
            if _key_of(folder) == self._key:
                # That run may have been killed before the name was synced, and the ledger is told next.
                sync_folder(self.out)
                return folder
        return None

    def publish(self) -> Path:
        """Give the folder its final name: NAME, or NAME_v2 and on where that is taken. Returns it."""
        for child in sorted(self.folder.iterdir()):
            if child.is_dir():
                sync_folder(child)
        sync_folder(self.folder)
        self._allow()
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
        """Forget what was made so far, whoever made it."""
        for folder in self._begun():
            shutil.rmtree(folder, ignore_errors=True)

    def _names(self) -> Iterator[Path]:
        yield self.out / self.name
        for version in count(2):
            yield self.out / f"{self.name}_v{version}"


def _key_of(folder: Path) -> str | None:
    try:
        return str(json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["key"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
