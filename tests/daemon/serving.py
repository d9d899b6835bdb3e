"""A service in a thread, or one that does what there is: for tests of what it does with clips."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from typing import Any

import structlog
from structlog.testing import capture_logs

from daemon.config import Config
from daemon.engine import Engine
from daemon.job import Job
from daemon.service import Service
from tests.daemon.cases import Told, jobs_in


class Running:
    """A service in a thread, its ledger, and what it told."""

    def __init__(self, settings: Config, engine: Engine, reload: Callable[[], Config]) -> None:
        self.told = Told()
        log = structlog.get_logger()
        self.service = Service(settings, engine, self.told, log, reload=reload)
        self.thread = threading.Thread(target=self._run)
        self.state = settings.state
        self.logged: Sequence[MutableMapping[str, Any]] = []
        self.broken: Exception | None = None

    def _run(self) -> None:
        try:
            self.service.run()
        except Exception as error:  # noqa: BLE001  (for the test to look at)
            self.broken = error

    def said(self, words: str) -> int:
        """How often it was logged."""
        return sum(words in line["event"] for line in self.logged)

    def jobs(self) -> list[Job]:
        return jobs_in(self.state)


@contextmanager
def running(
    settings: Config, engine: Engine, reload: Callable[[], Config] | None = None
) -> Iterator[Running]:
    made = Running(settings, engine, reload or (lambda: settings))
    with capture_logs() as made.logged:
        made.thread.start()
        try:
            yield made
        finally:
            made.service.stop()
            made.thread.join(20)
            assert not made.thread.is_alive()


def once(settings: Config, engine: Engine) -> tuple[list[Job], Told]:
    told = Told()
    with capture_logs():
        made = Service(settings, engine, told, structlog.get_logger(), reload=lambda: settings, once=True)
        return made.run(), told
