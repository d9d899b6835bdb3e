"""A render farm of one machine: goes on with what is missing, and skips what will not render."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from tempfile import TemporaryDirectory
from threading import Event, Lock
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from trainer.render.blender import Blender, BlenderError
from trainer.render.picture import PictureError, check
from trainer.render.scene import write_scene

_BATCH = 40
"""Renders of one Blender: its start is long paid for, and what it leaks goes with it."""


@dataclass(frozen=True)
class Job:
    """One picture: the still n of a seed, or `frame` of its clip n."""

    seed: int
    n: int
    frame: int | None = None

    @property
    def file(self) -> Path:
        """Where it lies in the farm's folder."""
        if self.frame is None:
            return Path("stills", f"{self.seed}-{self.n:05d}.exr")
        return Path("clips", f"{self.seed}-{self.n:05d}", f"{self.frame:04d}.exr")


def jobs(seed: int, count: int, clips: int, frames: int) -> list[Job]:
    """All that is asked for: stills first. A longer list begins with the shorter one's pictures."""
    stills = [Job(seed, n) for n in range(count)]
    return stills + [Job(seed, n, frame) for n in range(clips) for frame in range(frames)]


SceneWriter = Callable[[Path, Path, int, int, int | None, int, int], tuple[Path, str]]


class _Hands:
    """The Blender of a worker: opened when it is needed, and anew after a batch or a failure."""

    def __init__(self, opened: Callable[[], AbstractContextManager[Blender]]) -> None:
        self._opened, self._stack, self._asked = opened, ExitStack(), 0
        self._child: Blender | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.drop()

    def blender(self) -> Blender:
        if self._asked == _BATCH:
            self.drop()
        if self._child is None:
            self._child = self._stack.enter_context(self._opened())
        self._asked += 1
        return self._child

    def drop(self) -> None:
        self._stack.close()
        self._child, self._asked = None, 0


@dataclass
class Farm:
    """out: the folder; limit: seconds until a render counts as hung; tries: until it is skipped.

    Beside the pictures lie renders.jsonl, a line for each, and failures.jsonl, a line for each try that came
    to nothing. A farm that is started again tries those anew.
    """

    out: Path
    blender: Path
    size: int = 512
    samples: int = 64
    workers: int = 1
    limit: float = 600.0
    tries: int = 2
    write: SceneWriter = write_scene
    _stopped: Event = field(default_factory=Event, init=False)
    _children: set[Blender] = field(default_factory=set, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)

    def run(self, wanted: Sequence[Job], progress: Progress | None = None) -> tuple[int, int]:
        """Render what is missing; returns how many were rendered and how many skipped. Raises OSError."""
        missing = [job for job in wanted if not (self.out / job.file).exists()]
        self.out.mkdir(parents=True, exist_ok=True)
        queue: SimpleQueue[Job] = SimpleQueue()
        for job in missing:
            queue.put(job)
        columns = (
            TextColumn("rendering"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(elapsed_when_finished=True),
        )
        with (
            progress or Progress(*columns, speed_estimate_period=1800) as bar,
            ThreadPoolExecutor(self.workers) as pool,
        ):
            task = bar.add_task("rendering", total=len(wanted), completed=len(wanted) - len(missing))
            tallies = [pool.submit(self._work, queue, bar, task) for _ in range(self.workers)]
            try:
                done = [tally.result() for tally in tallies]
            finally:
                self.stop()  # what one worker cannot write, the others cannot either
        return sum(d for d, _ in done), sum(s for _, s in done)

    def stop(self) -> None:
        """Leave what is under way and end; a signal handler may call it."""
        self._stopped.set()
        for child in tuple(self._children):
            child.kill()

    def _work(self, queue: SimpleQueue[Job], bar: Progress, task: TaskID) -> tuple[int, int]:
        """Take jobs until there are none; returns how many were rendered and skipped."""
        done = skipped = 0
        with TemporaryDirectory(prefix="dimd-render-") as folder, _Hands(self._opened) as hands:
            while not self._stopped.is_set():
                try:
                    job = queue.get_nowait()
                except Empty:
                    break
                made = self._tried(hands, job, Path(folder))
                if made or not self._stopped.is_set():
                    done, skipped = done + made, skipped + (not made)
                    bar.advance(task)
        return done, skipped

    def _tried(self, hands: _Hands, job: Job, folder: Path) -> bool:
        for n in range(self.tries):
            if self._stopped.is_set():
                break
            if self._attempt(hands.blender(), job, folder, n + 1):
                return True
            hands.drop()
        return False

    @contextmanager
    def _opened(self) -> Iterator[Blender]:
        with Blender(self.blender) as child:
            self._children.add(child)
            if self._stopped.is_set():  # told so while it started
                child.kill()
            try:
                yield child
            finally:
                self._children.discard(child)

    def _attempt(self, child: Blender, job: Job, folder: Path, n: int) -> bool:
        final = self.out / job.file
        final.parent.mkdir(parents=True, exist_ok=True)
        hidden = final.with_name(f".{final.name}")
        about = {"file": str(job.file), "seed": job.seed, "n": job.n, "frame": job.frame}
        try:
            scene, kind = self.write(folder, hidden, job.seed, job.n, job.frame, self.size, self.samples)
            seconds = child.render(scene, self.limit)
            check(hidden, self.size)
        except (BlenderError, PictureError) as error:
            hidden.unlink(missing_ok=True)
            if not self._stopped.is_set():
                self._note("failures.jsonl", about | {"try": n, "reason": str(error)})
            return False
        hidden.replace(final)
        facts = {"kind": kind, "size": self.size, "samples": self.samples, "seconds": round(seconds, 2)}
        self._note("renders.jsonl", about | facts | {"blender": child.version})
        return True

    def _note(self, name: str, line: dict[str, object]) -> None:
        with self._lock, (self.out / name).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
