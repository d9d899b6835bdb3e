"""Who is told what happens to a job: the log, always, and a progress display where somebody watches."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Protocol

import structlog

from daemon.config import LogSettings
from daemon.job import Job

Log = structlog.stdlib.BoundLogger


class Reporter(Protocol):
    """Told of a job's steps, from several threads."""

    def started(self, job: Job, frames: int, begun_at: int) -> None: ...

    def advanced(self, job: Job, done: int, fps: float) -> None: ...

    def warned(self, job: Job, sentence: str) -> None: ...

    def published(self, job: Job, folder: Path) -> None: ...

    def ended(self, job: Job, how: str, sentence: str) -> None:
        """``how``: failed, set_aside, retry, stopped or superseded."""
        ...


def configure_log(settings: LogSettings) -> Log:
    """Log lines on standard error, for people or as JSON for machines."""
    shape: structlog.typing.Processor
    if settings.format == "json":
        shape = structlog.processors.JSONRenderer(ensure_ascii=False)
    else:
        shape = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=settings.format == "json"),
            structlog.processors.format_exc_info,
            shape,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[settings.level.upper()]
        ),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    log: Log = structlog.get_logger()
    return log


class LogReporter:
    """Every step as a log line with the job's id."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def started(self, job: Job, frames: int, begun_at: int) -> None:
        self._log.info(
            "started",
            job=job.id,
            clip=job.name,
            frames=frames,
            **({"from_frame": begun_at} if begun_at else {}),
        )

    def advanced(self, job: Job, done: int, fps: float) -> None:
        self._log.debug("frames are safe", job=job.id, clip=job.name, done=done, fps=round(fps, 2))

    def warned(self, job: Job, sentence: str) -> None:
        self._log.warning(sentence, job=job.id, clip=job.name)

    def published(self, job: Job, folder: Path) -> None:
        self._log.info("done", job=job.id, clip=job.name, result=str(folder))

    def ended(self, job: Job, how: str, sentence: str) -> None:
        say = self._log.error if how == "failed" else self._log.warning
        say(how.replace("_", " "), job=job.id, clip=job.name, why=sentence)
