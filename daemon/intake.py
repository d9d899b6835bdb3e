"""What lies in the watched folders, as jobs in the ledger and as tasks that a worker can take up.

The scan is the truth: what is still is offered, what changed replaces its older self, what was taken away is
forgotten. A folder that cannot be believed (unreadable, not mounted) changes nothing.
"""

from __future__ import annotations

from pathlib import Path

from daemon.clip import Clip, job_key
from daemon.config import Config, ConfigError, FolderPair, clip_settings
from daemon.faults import Faults
from daemon.inbox import scan
from daemon.job import Job, State
from daemon.ledger import Ledger
from daemon.media import MediaError
from daemon.publish import Workplace
from daemon.report import Reporter
from daemon.room import shortage
from daemon.settle import Settle
from daemon.worker import Task

_UNDONE: tuple[State, ...] = ("waiting", "failed", "set_aside")
"""States of jobs that go when their clip goes. A cancelled one stays: its clip may come back unwanted."""


class Intake:
    """settle_seconds: see ``Settle``. ``look`` is for one thread; ``with_room`` for any."""

    def __init__(self, ledger: Ledger, reporter: Reporter, faults: Faults, settle_seconds: float) -> None:
        self._ledger, self._reporter, self._faults = ledger, reporter, faults
        self._settle = Settle(settle_seconds)
        self._devices: dict[Path, int] = {}
        self._tasks: dict[str, Task] = {}

    def wait_anew(self, settle_seconds: float) -> None:
        """Every clip is to be still for so long from now on."""
        self._settle = Settle(settle_seconds)

    @property
    def next_due(self) -> float | None:
        """Seconds until the next clip can become ready; None: none is on its way."""
        return self._settle.next_due

    def look(self, config: Config) -> None:
        """Bring ledger and tasks up to what lies there. Raises LedgerError."""
        clips, whole = self._scan(config)
        self._settle.update(clips)
        self._offer(config, self._settle.settled)
        self._forget(clips, whole)

    def jobs(self) -> list[Job]:
        """Of the clips that lie there and are still."""
        return [job for key in self._tasks if (job := self._ledger.find(key))]

    def with_room(self, config: Config) -> dict[str, Task]:
        """What can be begun, by key: a full disk holds up the clips that go there, and no others."""
        tasks, need = self._tasks, config.limits.min_free_gib
        short = {folder: shortage(folder, need) for folder in {task.out for task in tasks.values()}}
        self._faults.now("disk", filter(None, short.values()))
        return {key: task for key, task in tasks.items() if short[task.out] is None}

    def _scan(self, config: Config) -> tuple[list[Clip], list[FolderPair]]:
        """The clips, and the folders that are to be believed where they show none: a share that is not
        mounted looks like an empty folder, but is on another device.
        """
        found: list[Clip] = []
        whole: list[FolderPair] = []
        remarks: list[str] = []
        for pair in config.folders:
            try:
                clips, device = scan(pair.in_, remarks.append), _device(pair.in_)
            except MediaError as error:
                remarks.append(str(error))
                continue
            except OSError as error:
                remarks.append(f"{pair.in_}: cannot be looked at ({error.strerror}); bring it back.")
                continue
            if clips:
                self._devices[pair.in_] = device
            if self._devices.get(pair.in_) == device:
                whole.append(pair)
            found += clips
        self._faults.now("scan", remarks)
        return found, whole

    def _offer(self, config: Config, clips: list[Clip]) -> None:
        """Put what is ready into the ledger. A clip whose own settings are wrong is set aside at once."""
        out = {pair.in_: pair.out for pair in config.folders}
        tasks = {}
        for clip in clips:
            fault = None
            try:
                settings = clip_settings(config.clip, clip.settings)
            except ConfigError as error:
                settings, fault = config.clip, str(error)
            key = job_key(clip, settings, config.colour)
            tasks[key] = Task(clip, settings, out[clip.folder], fault)
            if key not in self._tasks:
                self._offer_one(key, tasks[key])
        self._tasks = tasks

    def _offer_one(self, key: str, task: Task) -> None:
        older = [job for job in self._ledger.of_source(task.clip.source) if job.state in _UNDONE]
        job = self._ledger.offer(task.clip, key)
        if job is None:
            return
        for other in older:
            Workplace(task.out, other.name, other.key).discard()
        if task.fault:
            self._ledger.set_aside(job.id, task.fault)
            self._reporter.ended(job, "set_aside", task.fault)

    def _forget(self, clips: list[Clip], whole: list[FolderPair]) -> None:
        """Nobody waits for a clip that was taken out of its folder: its job goes, and what was made of it."""
        there = {clip.source for clip in clips}
        out = {str(pair.in_): pair.out for pair in whole}
        for job in self._ledger.jobs(_UNDONE):
            if job.folder in out and job.source not in there:
                self._ledger.forget(job.id)
                Workplace(out[job.folder], job.name, job.key).discard()


def _device(folder: Path) -> int:
    """The number of the device that the folder lies on."""
    return folder.stat().st_dev
