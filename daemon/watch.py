"""Native file events, as a hint to scan now rather than at the next interval.

They carry no more than that: events are lost when a queue overflows, and none come from the other hosts of a
network mount. So a folder that cannot be watched is no error; the periodic scan finds its clips all the same.
"""

from __future__ import annotations

import errno
import threading
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

from daemon.patience import Patience

_WAKING: list[type[FileSystemEvent]] = [
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileMovedEvent,
]
"""Not *opened* and *closed unwritten*, which our own reading causes: it would wake the scan for ever. Not
*modified* either, hundreds to a copy: a file that is being written is not ready anyway."""

_LIMITS = {
    errno.ENOSPC: "fs.inotify.max_user_watches",
    errno.EMFILE: "fs.inotify.max_user_instances",
}
"""The kernel's limits, by how inotify says that one is reached."""

_JOIN_SECONDS = 5.0

_PATIENCE = 5.0
"""Seconds that a folder may take to answer, else it is not watched."""


class Watch:
    """While entered, sets `wake` whenever something arrives in, leaves or ends in one of `folders`.

    `faults` then has one sentence for each folder that cannot be watched. Events come in bursts: the one who
    waits for `wake` clears it before it scans.
    """

    def __init__(self, folders: Iterable[Path], wake: threading.Event) -> None:
        self._folders = list(folders)
        self._handler = _Wake(wake)
        self._observer = Observer()
        self._patience = Patience(_PATIENCE)
        self.faults: list[str] = []

    def __enter__(self) -> Self:
        self._observer.start()
        there = {folder: self._patience.put(folder, folder.stat) for folder in self._folders}
        for folder, answer in there.items():
            try:
                answer()  # without one, what follows would wait for ever, with a lock held
                # started first, so that one folder's failure leaves the others watched
                self._observer.schedule(self._handler, str(folder), recursive=True, event_filter=_WAKING)
            except OSError as error:
                reason = error.strerror or str(error)
                mend = f", or raise {_LIMITS[error.errno]}" if error.errno in _LIMITS else ""
                self.faults.append(
                    f"{folder}: sends no file events ({reason}); it is scanned at the interval{mend}."
                )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._observer.stop()
        self._observer.join(_JOIN_SECONDS)


class _Wake(FileSystemEventHandler):
    def __init__(self, wake: threading.Event) -> None:
        self._wake = wake

    def on_any_event(self, event: FileSystemEvent) -> None:
        self._wake.set()
