"""A whole job, and the same without matting: what is decoded, and what is written, alone."""

from __future__ import annotations

import itertools
import shutil
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from daemon.clip import job_key
from daemon.config import ClipSettings, OutputSettings
from daemon.engine import Engine, Matting
from daemon.inbox import scan
from daemon.media import Frame, Pixels, locate, open_source
from daemon.plan import Plan
from daemon.publish import Workplace
from daemon.run import Settings, run
from daemon.stages import Ahead
from dim_model import weights

OUTPUTS = ClipSettings(
    outputs={"alpha": OutputSettings(format="exr"), "foreground": OutputSettings(format="prores4444")}
)
"""What an editor and a compositor are given: the foreground with its alpha, and the matte by itself."""

_ROOM = 8
"""Finished frames that the floor writes again and again: enough that no cache holds them."""


class Stub:
    """In the network's place: what is unknown stays half."""

    version, sha256, description = "stub", "", "stub"

    halved = 0

    def matte(
        self, rgb: Sequence[Tensor], trimap: Sequence[Tensor], clean: Sequence[Tensor | None]
    ) -> list[Tensor]:
        return list(trimap)

    def warm_up(self) -> None: ...

    def close(self) -> None: ...


class _NoProgress:
    """A run that nobody will resume."""

    def __init__(self) -> None:
        self._figures: list[dict[str, Any]] = []

    def planned(self, state: dict[str, Any], total: int) -> None: ...

    def committed(self, stop: int, figures: Sequence[dict[str, Any]], fps: float) -> None:
        self._figures += figures

    def figures(self) -> list[dict[str, Any]]:
        return self._figures


@dataclass
class Timed:
    """seconds: to a frame. cpu: CPU seconds of all threads, which others on the machine change less. stages:
    seconds that a frame spends in each, which overlap.
    """

    seconds: float
    cpu: float
    stages: dict[str, float] = field(default_factory=dict)
    folder: Path | None = None


class Bench:
    """Jobs by one engine. open_matter: of what mattes."""

    def __init__(self, open_matter: Callable[[Path], Matting], scratch: Path) -> None:
        self._engine = Engine(open_matter, weights.SHIPPED)
        self._scratch, self._count = scratch, itertools.count()

    def run(self, clips: Path, settings: ClipSettings = OUTPUTS) -> Timed:
        """Every clip in ``clips``, one after another."""
        stages: dict[str, float] = defaultdict(float)
        lock = threading.Lock()

        def observe(stage: str, seconds: float) -> None:
            with lock:
                stages[stage] += seconds

        frames, taken, cpu, folder = 0, 0.0, 0.0, None
        out = self._scratch / f"out-{next(self._count)}"
        for clip in scan(clips):
            with self._engine.lease() as lease, Plan(clip, settings, max_pixels=2**27, state={}) as plan:
                key = job_key(clip, settings)
                place, how = Workplace(out, clip.name, key), Settings(observe=observe)
                begun, used = time.perf_counter(), time.process_time()
                folder = run(plan, lease, place, key, 0, _NoProgress(), how)
                taken += time.perf_counter() - begun
                cpu += time.process_time() - used
                frames += len(plan.info.numbers)
        return Timed(
            taken / frames, cpu / frames, {name: total / frames for name, total in stages.items()}, folder
        )

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *exc: object) -> None:
        self._engine.close()


class Floor:
    """The clip is decoded, and frames that ``made`` holds, of a job that was done, are written by the job's
    own sinks, all at once as in a job. Nothing is matted, and no pixel is touched between.
    """

    def __init__(self, clips: Path, made: Path, scratch: Path) -> None:
        (self._clip,) = scan(clips)
        self._scratch = scratch
        self._pictures = {
            "alpha": _pictures(made / "alpha"),
            "foreground": _pictures(made / f"{self._clip.name}_foreground.mov"),
        }

    def run(self) -> Timed:
        work = self._scratch / "floor"
        work.mkdir()
        with ExitStack() as stack:
            plan = stack.enter_context(Plan(self._clip, OUTPUTS, max_pixels=2**27, state={}))
            begun, used = time.perf_counter(), time.process_time()
            read = stack.enter_context(Ahead(plan.frames(0), 4, "read"))
            sinks = [stack.enter_context(output.open(work, plan.info, 0, {})) for output in plan.outputs]
            writers = stack.enter_context(ThreadPoolExecutor(len(sinks), "write"))
            for n, plate in enumerate(read):
                frames = [
                    Frame(plate.number, self._pictures[output.name][n % _ROOM], plate.pts)
                    for output in plan.outputs
                ]
                list(writers.map(lambda sink, frame: sink.write(frame), sinks, frames))
                if (n + 1) % Settings().chunk == 0:
                    list(writers.map(lambda sink: sink.commit(), sinks))
            for sink in sinks:
                sink.commit()
                sink.finish()
            taken, cpu = time.perf_counter() - begun, time.process_time() - used
            count = len(plan.info.numbers)
        shutil.rmtree(work)
        return Timed(taken / count, cpu / count)


def _pictures(where: Path) -> list[Pixels]:
    """The first frames, over again where there are fewer."""
    with open_source(locate(where), max_pixels=2**27) as source:
        kept = [frame.pixels for frame in itertools.islice(source.frames(0), _ROOM)]
    return list(itertools.islice(itertools.cycle(kept), _ROOM))
