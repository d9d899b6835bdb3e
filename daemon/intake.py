"""What lies in the watched folders, as jobs in the ledger and as tasks that a worker can take up.

The scan is the truth: what is still is offered, what changed replaces its older self, what was taken away is
forgotten. A folder that cannot be believed (unreadable, not mounted) changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from daemon.clip import Clip, job_key
from daemon.config import Config, ConfigError, FolderPair, clip_settings
from daemon.faults import Faults
from daemon.inbox import scan
from daemon.job import Job
from daemon.ledger import Ledger
from daemon.litter import Litter
from daemon.media import MediaError
from daemon.patience import Patience
from daemon.room import shortage
from daemon.settle import Settle
from daemon.standing import Standing
from daemon.worker import Task

_SHARE = 0.01
"""Of the time, at most, goes to scans that nothing asked for: of a hundred thousand files one takes a second.
"""

_PATIENCE = 60.0
"""Seconds that a look into a folder may take; if it takes longer, what it found serves the next one."""

_MISSED = (
    "is empty, though clips that lay in it still wait; bring its disk back, or, if they were taken out, "
    "give them up: dimd cancel."
)


class Intake:
    """tell_aside: is told of a job that is set aside at once. settle_seconds: see ``Settle``. ``look`` is for
    one thread; ``with_room`` for any. clock: monotonic seconds.
    """

    def __init__(
        self,
        ledger: Ledger,
        tell_aside: Callable[[Job], None],
        faults: Faults,
        settle_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger, self._tell_aside, self._faults, self._clock = ledger, tell_aside, faults, clock
        self._standing: list[Standing] = []
        self._seen: Config | None = None
        self._rests_until = 0.0
        self._patience = Patience(_PATIENCE)
        self._litter = Litter(ledger)
        self._is_answered = True
        self._settle = Settle(settle_seconds)
        self._devices: dict[Path, int] = {}
        self._tasks: Mapping[str, Task] = {}
        self._known: dict[str, tuple[str, Task]] = {}
        self._outs: set[Path] = set()

    def wait_anew(self, settle_seconds: float) -> None:
        """Every clip is to be still for so long from now on."""
        self._settle = Settle(settle_seconds)

    @property
    def next_due(self) -> float | None:
        """Seconds until the next clip can become ready; None: none is on its way."""
        return self._settle.next_due

    def look(self, config: Config, *, asked: bool = True) -> None:
        """Bring ledger and tasks up to what lies there. Raises LedgerError.

        asked: something has changed. Unless it has, large folders are scanned less often the longer that
        takes; between, it is enough that no name came into one of them or left it.
        """
        if not asked and self._is_quiet(config):
            return
        begun = self._clock()
        clips, whole, doubted = self._scan(config)
        self._settle.update(clips)
        self._offer(config, self._settle.settled)
        self._forget(clips, whole, doubted)
        self._litter.sweep(config.folders)
        self._seen = config
        now = self._clock()
        # Where one does not answer the time went with waiting.
        self._rests_until = now + (now - begun) / _SHARE if self._is_answered else now

    def _is_quiet(self, config: Config) -> bool:
        return (
            config is self._seen
            and self._clock() < self._rests_until
            and self._settle.next_due is None
            and all(self._is_same(standing) for standing in self._standing)
        )

    def _is_same(self, standing: Standing) -> bool:
        try:
            return self._patience.ask(standing, lambda: standing.is_same)
        except TimeoutError:
            return False

    def jobs(self) -> list[Job]:
        """Of the clips that lie there and are still."""
        return [job for key in self._tasks if (job := self._ledger.find(key))]

    def with_room(self, config: Config) -> Mapping[str, Task]:
        """What can be begun, by key: a full disk holds up the clips that go there, and no others."""
        tasks, need = self._tasks, config.limits.min_free_gib
        short = {folder: shortage(folder, need) for folder in self._outs}
        self._faults.now("disk", filter(None, short.values()))
        if not any(short.values()):
            return tasks
        return {key: task for key, task in tasks.items() if not short.get(task.out)}

    def _scan(self, config: Config) -> tuple[list[Clip], list[FolderPair], list[FolderPair]]:
        """The clips, and the folders that are to be believed where they show none, and those that are not: a
        share that is not mounted looks like an empty folder, but is on another device.
        """
        found: list[Clip] = []
        whole: list[FolderPair] = []
        doubted: list[FolderPair] = []
        remarks: list[str] = []
        self._standing = []
        self._is_answered = True
        follow_links = config.watch.follow_links
        looks = [
            self._patience.put(pair.in_, partial(_look_into, pair.in_, follow_links))
            for pair in config.folders
        ]
        for pair, look in zip(config.folders, looks, strict=True):
            try:
                seen = look()
            except MediaError as error:
                remarks.append(str(error))
                continue
            except OSError as error:
                self._is_answered &= not isinstance(error, TimeoutError)
                remarks.append(f"{pair.in_}: cannot be looked at ({error.strerror}); bring it back.")
                continue
            self._standing.append(seen.standing)
            if seen.clips:
                self._devices[pair.in_] = seen.device
            (whole if self._devices.get(pair.in_) == seen.device else doubted).append(pair)
            found += seen.clips
            remarks += seen.remarks
        self._faults.now("scan", remarks)
        return found, whole, doubted

    def _offer(self, config: Config, clips: list[Clip]) -> None:
        """Put what is ready into the ledger. A clip whose own settings are wrong is set aside at once."""
        out = {pair.in_: pair.out for pair in config.folders}
        before = self._known if config is self._seen else {}
        known = {
            clip.source: _again(before.get(clip.source), clip) or _task(clip, config, out) for clip in clips
        }
        tasks = dict(known.values())
        new = [key for key in tasks if key not in self._tasks]
        if new:
            with self._ledger.together():
                for key in new:
                    self._offer_one(key, tasks[key])
        self._known, self._tasks, self._outs = known, tasks, {task.out for task in tasks.values()}

    def _offer_one(self, key: str, task: Task) -> None:
        job = self._ledger.offer(task.clip, key)
        if job is not None and task.fault:
            self._ledger.set_aside(job.id, task.fault)
            self._tell_aside(replace(job, error=task.fault))

    def _forget(self, clips: list[Clip], whole: list[FolderPair], doubted: list[FolderPair]) -> None:
        """Nobody waits for a clip that was taken out of its folder; but whether it was is a person's to say,
        where that may merely be away.
        """
        there = {clip.source for clip in clips}
        folders, empty = ({str(pair.in_) for pair in pairs} for pairs in (whole, doubted))
        missed = set[str]()
        for job in self._ledger.unheld():
            if job.folder in folders and job.source not in there:
                self._ledger.forget(job.id)
            elif job.folder in empty and job.state in ("waiting", "running"):
                missed.add(job.folder)
        self._faults.now("missed", (f"{folder}: {_MISSED}" for folder in missed))


def _again(known: tuple[str, Task] | None, clip: Clip) -> tuple[str, Task] | None:
    """What is known of a clip that looks as it did: its key costs more than all else that a scan does."""
    if known is None or (known[1].clip.name, known[1].clip.stamp) != (clip.name, clip.stamp):
        return None
    return known


def _task(clip: Clip, config: Config, out: Mapping[Path, Path]) -> tuple[str, Task]:
    """The key of a clip, and what is to be done."""
    fault = None
    try:
        settings = clip_settings(config.clip, clip.settings)
    except ConfigError as error:
        settings, fault = config.clip, str(error)
    return job_key(clip, settings, config.colour), Task(clip, settings, out[clip.folder], fault)


@dataclass(frozen=True)
class _Seen:
    """What a look into a folder found. device: the number of the device that it lies on."""

    clips: list[Clip]
    device: int
    standing: Standing
    remarks: list[str]


def _look_into(folder: Path, follow_links: bool) -> _Seen:
    standing, remarks = Standing(folder), list[str]()
    clips = scan(folder, remarks.append, follow_links=follow_links)
    return _Seen(clips, _device(folder), standing, remarks)


def _device(folder: Path) -> int:
    return folder.stat().st_dev
