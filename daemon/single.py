"""One clip at a time, asked for by a person: the daemon's plan and run, without folder, ledger or service."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from rich.console import Console

from daemon import heap, manifest
from daemon.config import (
    ClipSettings,
    Format,
    OutputName,
    OutputSettings,
    TrimapSettings,
)
from daemon.engine import Engine
from daemon.job import Job
from daemon.named import SingleError, named_sidecars
from daemon.one_by_one import one_by_one
from daemon.plan import Plan
from daemon.progress import ProgressReporter
from daemon.publish import Workplace
from daemon.run import Settings, run
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
    heap.keep()
    try:
        engine = Engine(lambda folder: Matter.open(folder, device=device), weights.SHIPPED)
    except (WeightsError, DeviceError) as error:
        raise SingleError(str(error)) from error
    with engine, ProgressReporter(Console(file=sys.stderr)) as reporter:

        def make(plan: Plan, place: Workplace, key: str, job: Job) -> Path:
            progress = _Kept(reporter, job)
            with engine.lease() as lease:
                folder = run(plan, lease, place, key, 0, progress, Settings())
            for warning in manifest.mended(plan, progress.figures()):
                reporter.warned(job, warning)
            return folder

        return one_by_one(inputs, sidecars, settings, out, "", reporter, make)


def _is_colour(text: str) -> bool:
    return text == "checker" or re.fullmatch(r"#[0-9A-Fa-f]{6}", text) is not None
