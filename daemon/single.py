"""One clip at a time, asked for by a person: the daemon's plan and run, without folder, ledger or service."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from rich.console import Console

from daemon import manifest
from daemon.clip import job_key
from daemon.config import (
    ClipSettings,
    ConfigError,
    Format,
    OutputName,
    OutputSettings,
    TrimapSettings,
)
from daemon.engine import Engine
from daemon.job import Job
from daemon.media import MediaError, MediaRef
from daemon.named import MAX_PIXELS, SingleError, named_clip, named_sidecars, settings_of, told_as
from daemon.plan import Plan
from daemon.progress import ProgressReporter
from daemon.publish import PublishError, Workplace
from daemon.run import ClipChangedError, Settings, run
from daemon.trimaps import TrimapError
from dim_model import weights
from dim_model.matter import DeviceError, Matter
from dim_model.weights import WeightsError


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
    derived: TrimapSettings,
    trimap: str | None,
    mask: str | None,
    clean: str | None,
    background: str | None,
    form: Format,
    device: str,
    colorspace: str = "auto",
    frames: str | None = None,
    handles: int = 0,
    scale: float = 1.0,
) -> int:
    """Matte each of ``inputs`` into ``out``; returns how many failed. Raises SingleError.

    colorspace: of the plates. frames, handles, scale: see `ClipSettings`.
    """
    named = background if background and _is_colour(background) else None
    names: tuple[OutputName, ...] = ("alpha", "foreground", "composite")
    try:
        settings = ClipSettings(
            trimap=derived,
            outputs={name: OutputSettings(format=form) for name in names},
            background=named or "checker",
            colorspace=colorspace,
            frames=frames,
            handles=handles,
            scale=scale,
        )
    except ValidationError as error:
        raise SingleError(str(error)) from error
    sidecars = named_sidecars(inputs, trimap, mask, clean, None if named else background)
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
    job = told_as(number, where)
    try:
        clip = named_clip(where, sidecars)
        job = told_as(number, clip.name)
        settings = settings_of(clip, settings)
        key = job_key(clip, settings)
        place = Workplace(out, clip.name, key)
        with ExitStack() as stack:
            stack.callback(place.discard)  # nobody goes on with what broke off here
            lease = stack.enter_context(engine.lease())
            plan = stack.enter_context(Plan(clip, settings, max_pixels=MAX_PIXELS, state={}))
            for warning in plan.warnings:
                reporter.warned(job, warning)
            progress = _Kept(reporter, job)
            folder = run(plan, lease, place, key, 0, progress, Settings())
            for warning in manifest.mended(plan, progress.figures()):
                reporter.warned(job, warning)
    except (MediaError, TrimapError, ConfigError, PublishError, ClipChangedError, OSError) as error:
        reporter.ended(job, "failed", str(error))
        return False
    reporter.published(job, folder)
    return True
