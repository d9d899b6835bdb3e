"""Progress bars, for `--once` and `dimd matte` on a terminal; plain lines where nobody watches."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from daemon.job import Job
from daemon.one_line import on_one_line


class ProgressReporter:
    """A ``Reporter`` that draws a bar for each running clip and says in a line how each ended."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("frames"),
            TextColumn("{task.fields[fps]:.1f} a second"),
            TimeRemainingColumn(compact=True),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._tasks: dict[int, TaskID] = {}
        self._told: set[int] = set()
        self._is_silent = True
        self._lock = threading.Lock()

    def started(self, job: Job, frames: int, begun_at: int) -> None:
        self._remove(job)  # one that begins anew
        with self._lock:
            self._tasks[job.id] = self._bars.add_task(
                _plain(job.name), total=frames, completed=begun_at, fps=0.0
            )

    def advanced(self, job: Job, done: int, fps: float) -> None:
        with self._lock:
            self._bars.update(self._tasks[job.id], completed=done, fps=fps)

    def warned(self, job: Job, sentence: str) -> None:
        self._say(f"[yellow]note[/]    {_plain(_of(job, sentence))}")

    def published(self, job: Job, folder: Path) -> None:
        self._remove(job)
        self._say(f"[green]done[/]    {_plain(job.name)}: {_plain(str(folder))}")

    def ended(self, job: Job, how: str, sentence: str) -> None:
        self._remove(job)
        self._told.add(job.id)
        colour = "red" if how in ("failed", "set_aside") else "yellow"
        self._say(f"[{colour}]{how.replace('_', ' ')}[/]  {_plain(_of(job, sentence))}")

    def left(self, jobs: Iterable[Job]) -> None:
        """Say what is not done of them for a reason of an earlier run, which nobody has told in this one; and
        where nothing was to be said of any, that all are done.
        """
        jobs = list(jobs)
        if self._is_silent and jobs and all(job.state == "done" for job in jobs):
            clips = f"{len(jobs)} clips are" if len(jobs) > 1 else f"{_plain(jobs[0].name)} is"
            self._say(f"Nothing to do: {clips} done already, and made again once touched.")
        for job in jobs:
            if job.state in ("done", "running") or job.id in self._told:
                continue
            if job.state == "waiting":
                if job.error:  # else it waits for room, which the log says
                    self.ended(job, job.state, f"{job.error} It waits for its next try.")
                continue
            mend = f"since before; 'dimd retry {job.id}' takes it up again"
            self.ended(job, job.state, f"{job.error} It is so {mend}." if job.error else f"is so {mend}.")

    def _say(self, line: str) -> None:
        self._is_silent = False
        # Paths and sentences stay in one piece: they are copied, and read by scripts.
        self._bars.console.print(line, soft_wrap=True, highlight=False)

    def _remove(self, job: Job) -> None:
        with self._lock:
            task = self._tasks.pop(job.id, None)
            if task is not None:
                self._bars.remove_task(task)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()


def _plain(text: str) -> str:
    return escape(on_one_line(text))


def _of(job: Job, sentence: str) -> str:
    """The clip first: most sentences begin with a file, and several clips may have one of that name."""
    return sentence if sentence.startswith(f"{job.name}: ") else f"{job.name}: {sentence}"
