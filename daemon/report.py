"""Who is told what happens to a job: the log, always, and a progress display where somebody watches."""

from __future__ import annotations

import logging
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Protocol, TextIO, cast

import structlog
from structlog.typing import EventDict

from daemon.config import LogSettings
from daemon.job import Job
from daemon.one_line import on_one_line

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
    """Log lines on standard error, for people or as JSON for machines: ours, those of libraries, Python's
    warnings, and what ends a thread. May be called again.

    A line that is written while a worker has a clip carries the clip's ``job``, whoever writes it.
    """
    as_json = settings.format == "json"
    shape: structlog.typing.Processor
    if as_json:
        shape = structlog.processors.JSONRenderer(ensure_ascii=False)
    else:
        shape = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    common: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=as_json),
        *([] if as_json else [_on_one_line]),
    ]
    structlog.configure(
        processors=[*common, structlog.processors.format_exc_info, shape],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _Spared(sys.stderr))),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*common, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                shape,
            ],
        )
    )
    # What libraries say below a warning is of use to their makers alone.
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)
    logging.captureWarnings(True)
    threading.excepthook = _thread_ended
    log: Log = structlog.get_logger()
    return log


class _Spared:
    """A stream whose lines are lost where it takes none, on a full disk or once its terminal is gone: that is
    no reason to end the work that they tell of.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


def _on_one_line(logger: object, method: str, event: EventDict) -> EventDict:
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = on_one_line(value)
    return event


def _thread_ended(args: threading.ExceptHookArgs) -> None:
    name = args.thread.name if args.thread else "?"
    structlog.get_logger().error(f"thread {name} ended by an error", exc_info=args.exc_value)


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
