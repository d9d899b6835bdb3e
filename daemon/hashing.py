"""The sha256 of a clip's files, taken beside all else in a thread of its own.

It is no pool's, which would be waited for: a file on a mount that hangs holds up this thread until the mount
is back, and must not hold up whoever would do the next clip meanwhile.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from daemon.media import MediaError

_PIECE = 1 << 20
_LOOK = 0.1


class Hashing:
    """Begun when it is entered, given up when it is left. folder: below which the files lie."""

    def __init__(self, files: Iterable[Path], folder: Path) -> None:
        self._files, self._folder = sorted(files), folder
        self._found: list[dict[str, Any]] = []
        self._error: Exception | None = None
        self._moved = time.monotonic()
        self._at: Path | None = None
        self._given_up = threading.Event()
        self._thread = threading.Thread(target=self._work, name="hash", daemon=True)

    def _work(self) -> None:
        try:
            for path in self._files:
                self._at = path
                self._found.append(self._hashed(path))
        except Exception as error:  # noqa: BLE001  (it is raised again where the result is taken)
            self._error = error

    def _hashed(self, path: Path) -> dict[str, Any]:
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while not self._given_up.is_set() and (piece := file.read(_PIECE)):
                digest.update(piece)
                self._moved = time.monotonic()
            size = file.seek(0, 2)
        name = str(path.relative_to(self._folder))
        return {"file": name, "bytes": size, "sha256": digest.hexdigest()}

    def result(
        self, stop: threading.Event, patience: float | None, moved: Callable[[], None] = lambda: None
    ) -> list[dict[str, Any]] | None:
        """Name below the folder, size and sha256 of each file; None where `stop` came first. moved: is called
        whenever something more was read.

        Raises MediaError where a file gives nothing for so many seconds, and OSError.
        """
        seen = self._moved
        while self._thread.is_alive():
            if stop.is_set():
                return None
            if seen != self._moved:
                seen = self._moved
                moved()
            if patience is not None and time.monotonic() - self._moved > patience:
                name = self._at.name if self._at else ""
                raise MediaError(f"{name}: does not answer; see to the disk or mount that it is on.")
            self._thread.join(_LOOK)
        if self._error is not None:
            raise self._error
        return self._found

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._given_up.set()
