"""The trimaps of a clip and nothing else: to look at, or to paint over and drop beside the clip."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console

from daemon.asked import Asked
from daemon.job import Job
from daemon.media.durable import sync_folder
from daemon.named import named_sidecars
from daemon.one_by_one import one_by_one
from daemon.plan import Plan
from daemon.progress import ProgressReporter
from daemon.publish import Workplace
from daemon.trimaps import Trimap

_KEEP = ".trimaps"


def trimap_all(asked: Asked, out: Path) -> int:
    """Write the trimaps of each clip into ``out``; returns how many failed. Raises AskedError."""
    settings, sidecars = asked.settings(), named_sidecars(asked, None)
    with ProgressReporter(Console(file=sys.stderr)) as reporter:

        def make(plan: Plan, place: Workplace, key: str, job: Job) -> Path:
            folder, sentence = _written(plan, place, reporter, job)
            reporter.warned(job, sentence)
            return folder

        return one_by_one(asked.inputs, sidecars, settings, out, "_trimap", reporter, make)


def _written(plan: Plan, place: Workplace, reporter: ProgressReporter, job: Job) -> tuple[Path, str]:
    """The published folder, and a sentence on where the trimaps come from and how sure they are."""
    place.prepare(0)
    reporter.started(job, len(plan.part.info.numbers), 0)
    for _ in plan.trimap.prepare(plan.shot, place.folder / _KEEP):
        pass
    digits = max(4, len(str(plan.info.numbers[-1])))
    found: list[tuple[float, int]] = []
    for done, look in enumerate(plan.shot.read(plan.part.start, plan.part.stop), 1):
        trimap = plan.trimap.trimap(look.frame, look.index, look.view)
        number = "" if plan.info.kind == "still" else f".{look.frame.number:0{digits}d}"
        _write(place.folder / f"{place.name}{number}.png", trimap)
        found.append((trimap.confidence, look.frame.number))
        reporter.advanced(job, done, 0.0)
    place.drop(_KEEP)
    sync_folder(place.folder)
    least, where = min(found)
    mean = sum(confidence for confidence, _ in found) / len(found)
    sentence = f"{plan.clip.name}: {plan.trimap.why}"
    if len(found) > 1:
        sentence += f"; over all frames {mean:.2f}, least {least:.2f} in frame {where}"
    return place.publish(), f"{sentence}."


def _write(path: Path, trimap: Trimap) -> None:
    codes = np.rint(trimap.values[0].numpy() * 255).astype(np.uint8)
    ok, encoded = cv2.imencode(".png", codes)
    assert ok
    path.write_bytes(encoded.tobytes())
