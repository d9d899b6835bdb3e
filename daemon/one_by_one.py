"""Clips that a person names, one after another: each planned, made and told of; a failed one stops none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from daemon.clip import job_key
from daemon.config import ClipSettings, ConfigError, Format
from daemon.job import Job
from daemon.media import MediaError, MediaRef
from daemon.named import MAX_PIXELS, named_clip, settings_of, told_as
from daemon.outputs import FormatError
from daemon.plan import Plan
from daemon.progress import ProgressReporter
from daemon.publish import PublishError, Workplace
from daemon.run import ClipChangedError
from daemon.trimaps import TrimapError

Make = Callable[[Plan, Workplace, str, Job], Path]
"""Makes what is planned, under the job's key; returns the published folder."""


def one_by_one(
    inputs: Sequence[str],
    sidecars: Sequence[MediaRef | None],
    settings: ClipSettings,
    out: Path,
    suffix: str,
    reporter: ProgressReporter,
    make: Make,
    form: Format | None = None,
) -> int:
    """How many of ``inputs`` failed. sidecars: that were named. settings, form: that were asked for, see
    ``settings_of``. suffix: of the result's name.
    """
    failed = 0
    for number, where in enumerate(inputs, 1):
        job = told_as(number, where)
        try:
            clip = named_clip(where, sidecars, settings)
            job = told_as(number, clip.name)
            own = settings_of(clip, settings, form)
            key = job_key(clip, own)
            place = Workplace(out, clip.name + suffix, key)
            with ExitStack() as stack:
                stack.callback(place.discard)  # nobody goes on with what broke off here
                plan = stack.enter_context(Plan(clip, own, max_pixels=MAX_PIXELS, state={}))
                for warning in plan.warnings:
                    reporter.warned(job, warning)
                folder = make(plan, place, key, job)
        except (MediaError, TrimapError, ConfigError, PublishError, ClipChangedError, OSError) as error:
            if isinstance(error, FormatError) and form is not None:
                reporter.ended(job, "failed", f"{error.fault}; give --format {error.instead}.")
            else:
                reporter.ended(job, "failed", str(error))
            failed += 1
        else:
            reporter.published(job, folder)
    return failed
