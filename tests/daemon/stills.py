"""What whole runs of stills are tested with: pictures of given numbers, and a run of what is in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio

from daemon.clip import job_key
from daemon.config import ClipSettings
from daemon.engine import Engine
from daemon.inbox import scan
from daemon.plan import Plan
from daemon.publish import Workplace
from daemon.run import Settings, run
from tests.daemon.cases import SIZE

HEIGHT, WIDTH = SIZE


@dataclass
class Memory:
    """Progress that outlives a run, as the ledger does; it stops at a commit of `stop_at` frames."""

    stop_at: int = -1
    done: int = 0
    all: list[dict[str, Any]] = field(default_factory=list)
    settings: Settings = field(default_factory=Settings)

    def planned(self, state: dict[str, Any], total: int) -> None: ...

    def committed(self, stop: int, figures: Sequence[dict[str, Any]], fps: float) -> None:
        self.done = stop
        self.all += figures
        if stop >= self.stop_at > 0:
            self.settings.stop.set()

    def figures(self) -> list[dict[str, Any]]:
        return self.all


def make(folder: Path, engine: Engine, out: Path, memory: Memory | None = None, **clip: object) -> Path:
    memory = memory or Memory()
    settings = ClipSettings.model_validate(clip)
    (found,) = scan(folder)
    key = job_key(found, settings)
    memory.settings = Settings(queue=2, chunk=3)
    with engine.lease() as lease, Plan(found, settings, max_pixels=10**6, state={}) as plan:
        return run(plan, lease, Workplace(out, found.name, key), key, memory.done, memory, memory.settings)


def stored(path: Path) -> np.ndarray:
    """The numbers as they lie in a file, [H, W, C] in its own type."""
    wishes = oiio.ImageSpec()
    wishes.attribute("oiio:UnassociatedAlpha", 1)
    file = oiio.ImageInput.open(str(path), wishes)
    return np.asarray(file.read_image(file.spec().format)).reshape(HEIGHT, WIDTH, -1)


def picture(path: Path, pixels: np.ndarray, depth: str, **attributes: object) -> Path:
    spec = oiio.ImageSpec(WIDTH, HEIGHT, pixels.shape[2], depth)
    for name, value in attributes.items():
        spec.attribute(name, *value) if isinstance(value, tuple) else spec.attribute(name, value)
    file = oiio.ImageOutput.create(str(path))
    assert file.open(str(path), spec), file.geterror()
    assert file.write_image(np.ascontiguousarray(pixels))
    assert file.close()
    return path


def scene() -> np.ndarray:
    """Scene-linear colours with negative and very bright ones among them, float32 [H, W, 3]."""
    return (np.random.default_rng(1).random((HEIGHT, WIDTH, 3)) * 40 - 2).astype(np.float32)
