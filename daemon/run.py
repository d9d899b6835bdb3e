"""One clip from its plan to its published folder: read, matte, compose and write, all at once.

The same code serves the daemon and ``dimd matte``; what differs, where progress is kept, is handed in.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain, count, starmap
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor

from daemon import manifest
from daemon.engine import Lease
from daemon.hashing import Hashing
from daemon.layers import CHANNELS
from daemon.made import Figures, Made, Work
from daemon.media import ClipInfo, Frame
from daemon.plan import Plan
from daemon.publish import Workplace
from daemon.section import GIB
from daemon.stages import Ahead, Observe, timed
from daemon.trimaps.base import Trimap
from dim_model.temporal import Steadier, Steady, handles

_IN_FLIGHT = 4
"""Frames of one clip at the engine: enough to fill its batches, few enough that memory stays small."""

_ROOM = GIB
"""Bytes of frames that a stage may hold: up to HD `jobs: queue_frames` says how many wait, above it this."""

_FLOATS = sum(CHANNELS.values())
"""Numbers to a pixel of a frame that waits, at most: all outputs."""

_KEEP = ".trimaps"
"""Folder, beside what is made, for what a trimap source took long to find; gone before it is published."""


class StoppedError(Exception):
    """The run was told to stop; what was committed is kept."""


class ClipChangedError(Exception):
    """The files of the clip changed while they were read; one sentence."""


class Progress(Protocol):
    """Where a run keeps how far it is."""

    def planned(self, state: dict[str, Any], total: int) -> None: ...

    def committed(self, stop: int, figures: Sequence[Figures], fps: float) -> None:
        """Frames before ``stop`` are durable. figures: of those since the last commit."""
        ...

    def figures(self) -> list[Figures]:
        """Of all frames so far, in order."""
        ...


@dataclass(frozen=True)
class Settings:
    """How a run works, not what it makes. queue: frames between two stages. chunk: frames to a commit of a
    video. patience: seconds for which a file of the clip may give nothing; None: any time. moved: is called
    whenever it came forward by anything but a stage, which `observe` is told of.
    """

    queue: int = 4
    chunk: int = 24
    patience: float | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    observe: Observe = lambda stage, seconds: None
    moved: Callable[[], None] = lambda: None

    def go_on(self) -> None:
        """It came forward, and may be stopped here. Raises StoppedError."""
        self.moved()
        if self.stop.is_set():
            raise StoppedError


def _depth(info: ClipInfo, wanted: int) -> int:
    """Frames that may wait between two stages of such a clip. 0, from 4K on: all up to the steady matte is
    one stage, all after it another, and only these two overlap.
    """
    return max(0, min(wanted, _ROOM // (info.width * info.height * _FLOATS * 4) - 1))


def _prepare(plan: Plan, keep: Path, how: Settings) -> None:
    """The trimap pass, for a source that has to see the shot before its first trimap."""
    begun = time.perf_counter()
    for _ in plan.trimap.prepare(plan.shot, keep):
        how.observe("prepare", time.perf_counter() - begun)
        how.go_on()
        begun = time.perf_counter()


def _read(plan: Plan, start: int, stop: int, observe: Observe) -> Iterator[tuple[Work, Tensor, Trimap]]:
    """The frames, each with what the network sees of it and its trimap."""

    def seen(index: int, frame: Frame) -> tuple[Work, Tensor, Trimap]:
        begun = time.perf_counter()
        plate = plan.plate(frame)
        view = plan.colours.plate.space.view(plate)
        trimap = plan.trimap.trimap(frame, index, view)
        work = Work.of(index, frame, plate, trimap)
        # As the encoder and the steady matte lay it, so that both use this one and no copy of it.
        view = view.permute(1, 2, 0).contiguous().permute(2, 0, 1)
        observe("trimap", time.perf_counter() - begun)
        return work, view, trimap

    # A generator would hold its variables while what it gave is worked on; a map has none.
    return map(seen, count(start), timed("read", plan.frames(start, stop), observe))


_Matted = tuple[Work, Tensor, Tensor, Tensor | None]
"""With what the network saw of it, its alpha, and what is known of its background."""


def _matte(
    works: Iterable[tuple[Work, Tensor, Trimap]], lease: Lease, at_once: int, observe: Observe
) -> Iterator[_Matted]:
    """With the alphas, in order. A frame's seconds here are those until it came back, its wait for the engine
    among them.
    """
    flying: deque[tuple[Work, Tensor, Future[Tensor], Tensor | None]] = deque()

    def submit(work: Work, view: Tensor, trimap: Trimap) -> None:
        begun = time.perf_counter()
        future = lease.matte(view, trimap.values, trimap.clean)
        future.add_done_callback(lambda _: observe("matte", time.perf_counter() - begun))
        flying.append((work, view, future, trimap.clean))

    def landed() -> _Matted:
        work, view, future, clean = flying.popleft()
        return work, view, future.result(), clean

    for each in works:
        submit(*each)
        del each
        if len(flying) >= at_once:
            yield landed()
    while flying:
        yield landed()


def _steady(
    mattes: Iterable[_Matted], radius: int, start: int, stop: int, observe: Observe
) -> Iterator[tuple[Work, Steady]]:
    """Steady mattes of positions ``start`` to ``stop``; those around are heard as neighbours alone."""
    steadier = Steadier[Work](radius)
    for made in chain(starmap(steadier.take, mattes), [steadier.rest()]):
        for work, steady in timed("steady", made, observe):
            if work.index >= start:
                yield work, steady
            if work.index + 1 == stop:
                return
            del work, steady


def _finish(mattes: Iterable[tuple[Work, Steady]], plan: Plan, observe: Observe) -> Iterator[Made]:
    def timed_one(each: tuple[Work, Steady]) -> Made:
        begun = time.perf_counter()
        made = Made.of(*each, plan)
        observe("compose", time.perf_counter() - begun)
        return made

    return map(timed_one, mattes)


def _write(
    made: Ahead[Made],
    plan: Plan,
    work: Path,
    start: int,
    stamp: Mapping[str, str],
    progress: Progress,
    how: Settings,
) -> None:
    """start: frames of the part that are there already."""
    chunk = how.chunk if plan.info.kind == "video" else 1
    pending: list[Figures] = []
    begun, first = time.perf_counter(), start
    with ExitStack() as stack:
        clip, at = plan.gaps.written, plan.gaps.position(start)
        sinks = [stack.enter_context(output.open(work, clip, at, stamp)) for output in plan.outputs]
        # Encoders release the GIL, so the outputs of a frame are written side by side.
        writers = stack.enter_context(ThreadPoolExecutor(len(sinks), "write"))

        def write(item: Made) -> None:
            for frames in item.frames(plan):
                list(writers.map(lambda sink, frame: sink.write(frame), sinks, frames))

        def commit(stop: int) -> None:
            list(writers.map(lambda sink: sink.commit(), sinks))
            progress.committed(stop, pending, (stop - first) / max(1e-6, time.perf_counter() - begun))
            pending.clear()

        for item in made:
            if how.stop.is_set():
                raise StoppedError
            before = time.perf_counter()
            write(item)
            pending.append(item.figures)
            done = item.index + 1 - plan.part.start
            if done % chunk == 0:
                commit(done)
            how.observe("write", time.perf_counter() - before)
            del item
        if pending:
            commit(len(plan.part.info.numbers))
        for sink in sinks:
            how.go_on()
            sink.finish(how.go_on)


def run(
    plan: Plan, lease: Lease, place: Workplace, key: str, start: int, progress: Progress, how: Settings
) -> Path:
    """Make the part of the clip that is asked for, after its first ``start`` frames, publish it and return
    its folder.

    Raises StoppedError, ClipChangedError, and whatever reading, the trimap and writing raise. What was
    committed is kept.
    """
    start = place.prepare(start)
    progress.planned(plan.state() | {"weights": lease.version}, len(plan.part.info.numbers))
    observe, depth = how.observe, _depth(plan.info, how.queue)
    _prepare(plan, place.folder / _KEEP, how)
    with ExitStack() as stack:
        hashing = stack.enter_context(Hashing(plan.clip.files, plan.clip.folder))
        radius = plan.settings.temporal.radius
        # Positions in the whole plate: a matte's neighbours are the true ones, inside the part or not.
        begin, end = plan.part.start + start, plan.part.stop
        reach = plan.trimap.reach(plan.shot)
        first, last = max(reach.start, begin - handles(radius)), reach.stop
        read = stack.enter_context(Ahead(_read(plan, first, last, observe), depth, "read"))
        mattes = _matte(read, lease, max(1, min(_IN_FLIGHT, depth)), observe)
        matte = stack.enter_context(Ahead(mattes, depth, "matte"))
        calm = _steady(matte, radius, begin, end, observe)
        steady = stack.enter_context(Ahead(calm, max(1, depth), "steady"))
        made = stack.enter_context(Ahead(_finish(steady, plan, observe), depth, "compose"))
        stamp = manifest.stamp(plan, lease.version)
        _write(made, plan, place.folder, start, stamp, progress, how)
        hashes = hashing.result(how.stop, how.patience, how.moved)
        if hashes is None:
            raise StoppedError
    place.drop(_KEEP)
    manifest.write(
        place.folder,
        plan,
        key=key,
        weights={"version": lease.version, "sha256": lease.sha256},
        source=hashes,
        figures=progress.figures(),
    )
    if not plan.clip.unchanged():
        raise ClipChangedError(
            f"{plan.clip.name}: changed while it was read; it is done again once it is still."
        )
    return place.publish()
