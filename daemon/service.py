"""The daemon: scans, settles, offers, and lets workers do what there is, until it is told to stop.

Events only wake the scan; the scan is the truth. With ``once`` everything that lies there counts as still,
and the service ends when nothing is left to do.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path

from daemon.clip import Clip, job_key
from daemon.config import Config, ConfigError, clip_settings
from daemon.engine import Engine
from daemon.inbox import scan
from daemon.ledger import Job, Ledger, owner_name
from daemon.media import MediaError
from daemon.metrics import Metrics, MetricsServer, free_bytes
from daemon.notify import Notifier
from daemon.report import Log, Reporter
from daemon.settle import Settle
from daemon.watch import Watch
from daemon.worker import Task, Tools, Worker
from dim_model.runtimes import DeviceError
from dim_model.weights import WeightsError

_BREATH = 0.2
"""Seconds between two scans at least: events come in bursts."""

_IDLE = 0.25
"""Seconds after which a worker looks again for a job whose retry time may have come."""

_GIB = 1024**3


class Service:
    """config: as loaded. reload: reads it again. engine: for the whole life of the service."""

    def __init__(
        self,
        config: Config,
        engine: Engine,
        reporter: Reporter,
        log: Log,
        *,
        reload: Callable[[], Config],
        once: bool = False,
    ) -> None:
        self._config, self._engine, self._log = config, engine, log
        self._reload, self._once = reload, once
        self.metrics = Metrics()
        self._notify = Notifier()
        self._wake, self._stopping, self._reloading = threading.Event(), threading.Event(), threading.Event()
        self._tasks: dict[str, Task] = {}
        self._said: set[str] = set()
        self._busy = 0
        self._lock = threading.Lock()
        self._reporter = reporter

    def stop(self) -> None:
        """End after what is committed; safe in a signal handler."""
        self._stopping.set()
        self._wake.set()

    def reload(self) -> None:
        """Read the config again; safe in a signal handler."""
        self._reloading.set()
        self._wake.set()

    def run(self) -> list[Job]:
        """Serve until stopped, or with ``once`` until all is done; returns the jobs of the clips that lay
        there.
        """
        config = self._config
        for pair in config.folders:
            pair.in_.mkdir(parents=True, exist_ok=True)
            pair.out.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            ledger = stack.enter_context(Ledger(config.state))
            owner = owner_name()
            stack.callback(ledger.release, owner)
            tools = Tools(ledger, self._engine, self.metrics, self._reporter, lambda: self._config, owner)
            self.metrics.follow(
                ledger.counts, lambda: self._engine.depth, [pair.out for pair in config.folders]
            )
            self.metrics.set_weights(self._engine.version, self._engine.description)
            if config.metrics.port is not None and not self._once:
                stack.enter_context(MetricsServer(self.metrics, config.metrics.host, config.metrics.port))
            if config.watch.events and not self._once:
                watch = stack.enter_context(Watch([pair.in_ for pair in config.folders], self._wake))
                for fault in watch.faults:
                    self._log.warning(fault)
            workers = [
                threading.Thread(target=self._serve, args=(tools,), name=f"worker-{n}")
                for n in range(config.jobs.parallel)
            ]
            for thread in workers:
                thread.start()
            stack.callback(self._join, workers)
            self._notify("READY=1", f"STATUS={self._engine.description}")
            self._loop(ledger)
            self._notify("STOPPING=1")
            self._join(workers)
            return [job for key in self._tasks if (job := ledger.find(key))]

    def _join(self, workers: list[threading.Thread]) -> None:
        self._stopping.set()
        for thread in workers:
            thread.join()

    def _loop(self, ledger: Ledger) -> None:
        settle = Settle(0 if self._once else self._config.watch.settle_seconds)
        while not self._stopping.is_set():
            self._wake.clear()
            if self._reloading.is_set():
                settle = self._reload_config(settle)
            settle.update(self._scan())
            self._offer(ledger, settle.settled)
            self._refresh_weights()
            if self._once and not self._left(ledger):
                return
            due = settle.next_due
            scan_seconds = _IDLE if self._once else self._config.watch.scan_seconds
            self._wake.wait(scan_seconds if due is None else max(_BREATH, min(due, scan_seconds)))
            self._stopping.wait(_BREATH)

    def _scan(self) -> list[Clip]:
        found: list[Clip] = []
        for pair in self._config.folders:
            try:
                found += scan(pair.in_, self._say_once)
            except MediaError as error:
                self._say_once(str(error))
        return found

    def _say_once(self, sentence: str) -> None:
        if sentence not in self._said:
            self._said.add(sentence)
            self._log.warning(sentence)

    def _offer(self, ledger: Ledger, clips: list[Clip]) -> None:
        """Put what is ready into the ledger. A clip whose own settings are wrong is set aside at once."""
        out = {pair.in_: pair.out for pair in self._config.folders}
        tasks = {}
        for clip in clips:
            fault = None
            try:
                settings = clip_settings(self._config.clip, clip.settings)
            except ConfigError as error:
                settings, fault = self._config.clip, str(error)
            key = job_key(clip, settings)
            tasks[key] = Task(clip, settings, out[clip.folder])
            job = None if key in self._tasks else ledger.offer(clip, key)
            if job and fault:
                ledger.set_aside(job.id, fault)
                self._reporter.ended(job, "set_aside", fault)
        gone = self._tasks.keys() - tasks.keys()
        self._tasks = tasks
        for key in gone:
            job = ledger.find(key)
            if job and job.state in ("waiting", "failed", "set_aside"):
                ledger.forget(job.id)  # nobody waits for a clip that was taken out of its folder

    def _left(self, ledger: Ledger) -> bool:
        """Whether anything can still be done now: a job that waits for its retry is not waited for."""
        with self._lock:
            if self._busy:
                return True
        if not self._has_room(task.out for task in self._tasks.values()):
            return False
        now = time.time()
        for job in (ledger.find(key) for key in self._tasks):
            # Running, though nobody is busy here: a killed daemon's, about to be claimed, or another's to
            # wait for.
            if job and job.state == "running":
                return True
            if job and job.state == "waiting" and (job.retry_at is None or job.retry_at <= now):
                return True
        return False

    def _refresh_weights(self) -> None:
        try:
            if self._engine.refresh():
                self.metrics.set_weights(self._engine.version, self._engine.description)
                self._log.info("took up weights", weights=self._engine.description)
        except (WeightsError, DeviceError) as error:
            if str(error) not in self._said:
                self.metrics.refused.inc()
            self._say_once(f"{error} The weights {self._engine.version} stay.")

    def _reload_config(self, settle: Settle) -> Settle:
        self._reloading.clear()
        self._notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
        try:
            config = self._reload()
        except ConfigError as error:
            self._log.error(f"{error} The config stays as it was.")
            self._notify("READY=1")
            return settle
        fixed = ("folders", "state", "weights", "device", "runtime", "precision", "batch", "metrics")
        for name in fixed:
            if getattr(config, name) != getattr(self._config, name):
                self._log.warning(f"{name}: is changed in the config; it takes effect at the next start.")
        kept = {name: getattr(self._config, name) for name in fixed}
        changed_wait = config.watch.settle_seconds != self._config.watch.settle_seconds
        self._config = config.model_copy(update=kept)
        self._log.info("config is read again")
        self._notify("READY=1")
        return Settle(config.watch.settle_seconds) if changed_wait else settle

    def _serve(self, tools: Tools) -> None:
        """A worker's life."""
        worker = Worker(tools, self._stopping)
        while not self._stopping.is_set():
            with self._lock:
                claimed = self._claim(tools)
                self._busy += claimed is not None
            if claimed is None:
                self._stopping.wait(_IDLE)
                continue
            try:
                worker.work(*claimed)
            finally:
                with self._lock:
                    self._busy -= 1

    def _claim(self, tools: Tools) -> tuple[Job, Task] | None:
        tasks, config = self._tasks, self._config
        if not tasks or not self._has_room(task.out for task in tasks.values()):
            return None
        job = tools.ledger.claim(tools.owner, config.jobs.lease_seconds, time.time(), among=list(tasks))
        return (job, tasks[job.key]) if job else None

    def _has_room(self, folders: Iterable[Path]) -> bool:
        need = self._config.limits.min_free_gib * _GIB
        for folder in set(folders):
            if free_bytes(folder) < need:
                self._say_once(
                    f"{folder}: has less than {self._config.limits.min_free_gib:g} GiB free; "
                    "clips wait until there is room, or limits: min_free_gib is lowered."
                )
                return False
        return True
