"""One clip at a time, asked for by a person: the daemon's plan and run, without folder, ledger or service."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from rich.console import Console

from daemon.clip import Clip, files_of, job_key, stamp_of
from daemon.config import (
    ClipSettings,
    ConfigError,
    Format,
    OutputName,
    OutputSettings,
    TrimapSettings,
    clip_settings,
)
from daemon.engine import Engine
from daemon.inbox import scan
from daemon.job import Job
from daemon.media import MediaError, MediaRef, locate
from daemon.plan import Plan
from daemon.progress import ProgressReporter
from daemon.publish import PublishError, Workplace
from daemon.run import ClipChangedError, Settings, run
from daemon.trimaps import TrimapError
from dim_model import weights
from dim_model.matter import DeviceError, Matter
from dim_model.weights import WeightsError

_MAX_PIXELS = 134_217_728


class SingleError(Exception):
    """The command itself is at fault; one sentence."""


class _Kept:
    """Progress in memory: a single run has nothing to resume."""

    def __init__(self, reporter: ProgressReporter, job: Job) -> None:
        self._reporter, self._job = reporter, job
        self._figures: list[dict[str, Any]] = []

    def planned(self, state: dict[str, Any], total: int) -> None:
        self._reporter.started(self._job, total, 0)

    def committed(self, stop: int, figures: Sequence[dict[str, Any]], fps: float) -> None:
        self._figures += figures
        self._reporter.advanced(self._job, stop, fps)

    def figures(self) -> list[dict[str, Any]]:
        return self._figures


def matte_all(
    inputs: Sequence[str],
    out: Path,
    *,
    trimap: str | None,
    mask: str | None,
    clean: str | None,
    background: str | None,
    form: Format,
    device: str,
) -> int:
    """Matte each of ``inputs`` into ``out``; returns how many failed. Raises SingleError."""
    if len(inputs) > 1 and (trimap or mask or clean):
        raise SingleError(
            "--trimap, --mask and --clean belong to one clip; give one INPUT, or put NAME_trimap beside each."
        )
    named = background if background and _is_colour(background) else None
    names: tuple[OutputName, ...] = ("alpha", "foreground", "composite")
    try:
        settings = ClipSettings(
            trimap=TrimapSettings(),
            outputs={name: OutputSettings(format=form) for name in names},
            background=named or "checker",
        )
        sidecars = [
            locate(where) if where else None for where in (trimap, mask, clean, None if named else background)
        ]
    except (MediaError, ValidationError) as error:
        raise SingleError(str(error)) from error
    try:
        engine = Engine(lambda folder: Matter.open(folder, device=device), weights.SHIPPED)
    except (WeightsError, DeviceError) as error:
        raise SingleError(str(error)) from error
    failed = 0
    with engine, ProgressReporter(Console(file=sys.stderr)) as reporter:
        for number, where in enumerate(inputs, 1):
            failed += not _matte(where, sidecars, settings, out, engine, reporter, number)
    return failed


def _is_colour(text: str) -> bool:
    return text == "checker" or re.fullmatch(r"#[0-9A-Fa-f]{6}", text) is not None


def _matte(
    where: str,
    sidecars: Sequence[MediaRef | None],
    settings: ClipSettings,
    out: Path,
    engine: Engine,
    reporter: ProgressReporter,
    number: int,
) -> bool:
    job = _job(number, where)
    try:
        clip = _clip(where, sidecars)
        job = _job(number, clip.name)
        settings = clip_settings(settings, clip.settings)
        key = job_key(clip, settings)
        place = Workplace(out, clip.name, key)
        with ExitStack() as stack:
            stack.callback(place.discard)  # nobody goes on with what broke off here
            lease = stack.enter_context(engine.lease())
            plan = stack.enter_context(Plan(clip, settings, max_pixels=_MAX_PIXELS, state={}))
            for warning in plan.warnings:
                reporter.warned(job, warning)
            folder = run(plan, lease, place, key, 0, _Kept(reporter, job), Settings())
    except (MediaError, TrimapError, ConfigError, PublishError, ClipChangedError, OSError) as error:
        reporter.ended(job, "failed", str(error))
        return False
    reporter.published(job, folder)
    return True


def _clip(where: str, sidecars: Sequence[MediaRef | None]) -> Clip:
    """The clip that a person named, with what lies beside it under its name, unless that was named too.

    Raises MediaError.
    """
    plate = _absolute(locate(where))
    name = re.sub(r"[._]?#+$", "", plate.path.stem) or plate.path.parent.name
    found = next((clip for clip in scan(plate.path.parent) if clip.plate.files == plate.files), None)
    beside = (found.trimap, found.mask, found.clean, found.bg) if found else (None,) * 4
    trimap, mask, clean, bg = (
        _absolute(named) if named else other for named, other in zip(sidecars, beside, strict=True)
    )
    # What was asked for is not to lose to what lies about.
    if (sidecars[1] or sidecars[2]) and not sidecars[0]:
        trimap = None
    if sidecars[2] and not sidecars[1]:
        mask = None
    settings = found.settings if found else None
    folder = Path("/")
    stamp = stamp_of(folder, files_of((plate, trimap, mask, clean, bg), settings))
    return Clip(name, folder, plate, trimap, mask, clean, bg, settings, stamp)


def _absolute(ref: MediaRef) -> MediaRef:
    return MediaRef(ref.kind, ref.path.absolute(), tuple(file.absolute() for file in ref.files))


def _job(number: int, name: str) -> Job:
    """For the reporter, which tells people of jobs."""
    now = time.time()
    return Job(
        number, "", name, "", "", "running", 1, 0, None, None, None, None, None, None, now, now, None
    )  # fmt: skip
