"""Folders with very many files and clips: how long a look through them takes, and a claim."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from daemon.config import Config
from daemon.faults import Faults
from daemon.inbox import scan
from daemon.intake import Intake
from daemon.ledger import Ledger, owner_name

FRAMES = 10
"""Files of a clip."""


def fill(folder: Path, clips: int, frames: int = FRAMES) -> None:
    """Sequences of empty files: a scan reads names and times alone."""
    folder.mkdir(parents=True, exist_ok=True)
    for clip in range(clips):
        for number in range(frames):
            (folder / f"shot{clip:05d}.{1001 + number}.exr").touch()


def config(home: Path) -> Config:
    return Config.model_validate(
        {
            "folders": [{"in": str(home / "in"), "out": str(home / "out")}],
            "state": str(home / "state"),
            "watch": {"settle_seconds": 0.0},
            "limits": {"min_free_gib": 0.0},
        }
    )


def measure(clips: int, frames: int = FRAMES, claims: int = 20) -> dict[str, Any]:
    """Seconds, and CPU seconds, for others use the machine: a scan; the first look at the folder, which
    offers every clip; a look at what is as it was; the same with no event; the median of some claims.
    """
    with tempfile.TemporaryDirectory(prefix="dimd-bench-") as scratch:
        home = Path(scratch)
        fill(home / "in", clips, frames)
        (home / "out").mkdir()
        settings = config(home)
        figures: dict[str, Any] = {"clips": clips, "files": clips * frames}
        figures |= _both("scan", lambda: scan(home / "in"))
        with Ledger(home / "state") as ledger:
            intake = Intake(ledger, lambda job: None, Faults(lambda sentence: None), 0.0)
            figures |= _both("first look", lambda: intake.look(settings))
            figures |= _both("look again", lambda: intake.look(settings))
            figures |= _both("look, no event", lambda: intake.look(settings, asked=False))
            owner, walls, works = owner_name(), [], []
            for _ in range(min(claims, clips)):
                wall, work = time.perf_counter(), time.process_time()
                ledger.claim(owner, 60, time.time(), among=intake.with_room(settings))
                walls.append(time.perf_counter() - wall)
                works.append(time.process_time() - work)
        return figures | {"claim": float(np.median(walls)), "claim, CPU": float(np.median(works))}


def _both(name: str, work: Any) -> dict[str, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return {name: time.perf_counter() - wall, f"{name}, CPU": time.process_time() - cpu}
