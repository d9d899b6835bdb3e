"""The progress watchdog: systemd is told that dimd lives only while what it works on comes forward.

A timer's thread would go on beating beside a decoder that hangs. Here a beat is sent by the loop that looks
at the folders, at each of its turns, and only where every running job had a sign of life (a frame through a
stage, a packet into a video that is joined) within `jobs: stall_seconds`. So a hung loop and a hung stage
both fall silent, and systemd, by the unit's `WatchdogSec`, restarts dimd. Shortly before that, where every
thread stands is written to a file.
"""

from __future__ import annotations

import faulthandler
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Self

_TRACES_AT = 0.9
"""Share of the watchdog's time after which the threads are written down, if no beat came."""

_TURN = 1 / 3
"""Share of the watchdog's time that may pass between two beats at rest."""


def watchdog_seconds(environment: Mapping[str, str] = os.environ) -> float | None:
    """How often systemd wants to hear of this process; None: it does not. See sd_watchdog_enabled(3)."""
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    try:
        microseconds = int(environment.get("WATCHDOG_USEC", "0"))
    except ValueError:
        return None
    return microseconds / 1e6 if microseconds > 0 else None


class Pulse:
    """notify: of systemd. stall_seconds: asked anew at each beat. watchdog: of `watchdog_seconds`. traces:
    the file that says where a hung process stood. clock: monotonic seconds. Safe to share between threads;
    entered while the service runs.
    """

    def __init__(
        self,
        notify: Callable[..., None],
        stall_seconds: Callable[[], float],
        *,
        watchdog: float | None = None,
        traces: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._notify, self._stall_seconds = notify, stall_seconds
        self._watchdog, self._traces, self._clock = watchdog, traces, clock
        self._moved: dict[int, float] = {}
        self._lock = threading.Lock()
        self._open = ExitStack()
        self._file: IO[str] | None = None

    @property
    def longest_rest(self) -> float:
        """Seconds that may pass between two beats."""
        return float("inf") if self._watchdog is None else self._watchdog * _TURN

    @contextmanager
    def watching(self, job_id: int) -> Iterator[None]:
        """While entered, the job must move."""
        self.moved(job_id, begin=True)
        try:
            yield
        finally:
            with self._lock:
                self._moved.pop(job_id, None)

    def moved(self, job_id: int, *, begin: bool = False) -> None:
        """The job came forward."""
        with self._lock:
            if begin or job_id in self._moved:
                self._moved[job_id] = self._clock()

    def stalled(self) -> list[int]:
        """Ids of the jobs that have not moved for too long."""
        limit = self._clock() - self._stall_seconds()
        with self._lock:
            return sorted(job_id for job_id, moved in self._moved.items() if moved < limit)

    def beat(self) -> list[int]:
        """Tell systemd that all is well, unless a job has stalled: those are returned."""
        stalled = self.stalled()
        if not stalled and self._watchdog is not None:
            self._notify("WATCHDOG=1")
            if self._file is not None:
                self._arm(self._file, self._watchdog * _TRACES_AT)
        return stalled

    def _arm(self, file: IO[str], seconds: float) -> None:
        """Write the threads down after so long; what an earlier stall left goes, for it has passed: a crash
        after it would be taken for the watchdog's.
        """
        faulthandler.cancel_dump_traceback_later()
        if os.fstat(file.fileno()).st_size:
            file.seek(0)
            file.truncate()
        faulthandler.dump_traceback_later(seconds, file=file)

    def __enter__(self) -> Self:
        if self._watchdog is not None and self._traces is not None:
            self._file = self._open.enter_context(self._traces.open("w"))
        return self

    def __exit__(self, *exc: object) -> None:
        if self._file is not None:
            faulthandler.cancel_dump_traceback_later()
            self._file = None
        self._open.close()
