"""One clip at a time, asked for by a person: the daemon's plan and run, without folder, ledger or service."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from daemon import manifest
from daemon.asked import Asked, AskedError
from daemon.clip_config import Mixing
from daemon.config import Format
from daemon.engine import Engine
from daemon.job import Job
from daemon.named import named_sidecars
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
    asked: Asked,
    out: Path,
    *,
    background: str | None = None,
    form: Format | None = None,
    mixing: Mixing | None = None,
    device: str = "auto",
) -> int:
    """Matte each clip into ``out``; returns how many failed. Raises AskedError.

    background: of the composite; media, a colour or checker. form: of the outputs. mixing: see
    `ClipSettings`. None: as the clip says.
    """
    named = background if background and _is_colour(background) else None
    settings = asked.settings(background=named, mixing=mixing)
    sidecars = named_sidecars(asked, None if named else background)
    try:
        engine = Engine(lambda folder: Matter.open(folder, device=device), weights.SHIPPED)
    except (WeightsError, DeviceError) as error:
        raise AskedError(str(error)) from error
    with engine, ProgressReporter(Console(file=sys.stderr)) as reporter:

        def make(plan: Plan, place: Workplace, key: str, job: Job) -> Path:
            progress = _Kept(reporter, job)
            with engine.lease() as lease:
                folder = run(plan, lease, place, key, 0, progress, Settings())
            for warning in manifest.mended(plan, progress.figures()):
                reporter.warned(job, warning)
            return folder

        return one_by_one(asked.inputs, sidecars, settings, out, "", reporter, make, form)


def _is_colour(text: str) -> bool:
    return text == "checker" or re.fullmatch(r"#[0-9A-Fa-f]{6}", text) is not None
