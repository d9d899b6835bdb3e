"""The daemon: looks at its folders and lets workers do what there is, until it is told to stop.

Events only wake it; what it sees is the truth. With ``once`` everything that lies there counts as still, and
the service ends when nothing is left to do.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from operator import attrgetter

from structlog.contextvars import bound_contextvars

from daemon import folders, heap
from daemon.config import Config, ConfigError
from daemon.engine import Engine
from daemon.faults import Faults
from daemon.folders import StartError
from daemon.intake import Intake
from daemon.ledger import Job, Ledger, owner_name
from daemon.media.decoders import Decoders
from daemon.media.video_decoders import missing
from daemon.metrics import Metrics
from daemon.metrics_server import MetricsError, MetricsServer, exposure
from daemon.notify import Notifier
from daemon.report import Log, Reporter
from daemon.section import GIB
from daemon.vitals import Vitals
from daemon.watch import Watch
from daemon.worker import Tools, Worker
from dim_model.runtimes import DeviceError
from dim_model.weights import WeightsError

_BREATH = 0.2
"""Seconds between two scans at least: events come in bursts."""

_IDLE = 0.25
"""Seconds after which a worker looks again for a job whose retry time may have come."""

_FIXED = ("folders", "state", "weights", "device", "runtime", "precision", "batch", "metrics")
_FIXED_WITHIN = ("watch.events", "jobs.parallel")
"""Settings that are taken up at the start alone."""


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
        self._begun = config
        self._reload, self._once = reload, once
        self.metrics = Metrics()
        self._notify = Notifier()
        self._wake, self._stopping, self._reloading = threading.Event(), threading.Event(), threading.Event()
        self._faults = Faults(self._warn)
        self._broken: Exception | None = None
        self._busy = 0
        self._halved = 0
        self._vitals = Vitals(lambda: self._config, self.metrics, self._notify, log)
        self._lock = threading.Lock()
        self._reporter = reporter

    def _warn(self, sentence: str) -> None:
        self._log.warning(sentence)  # looked up anew, for a reload may have set another format or level

    def stop(self) -> None:
        """End after what is committed. Not for a signal handler: that may interrupt the very wait it ends."""
        self._stopping.set()
        self._wake.set()

    def reload(self) -> None:
        """Read the config again. Not for a signal handler, as ``stop``."""
        self._reloading.set()
        self._wake.set()

    def run(self) -> list[Job]:
        """Serve until stopped, or with ``once`` until all is done; returns the jobs of the clips that lay
        there.

        Raises StartError, MetricsError, LedgerError, and whatever else a worker cannot go on after.
        """
        config = self._config
        self._tell_decoder(config)
        folders.make(config, self._log, once=self._once)
        with ExitStack() as stack:
            ledger = stack.enter_context(Ledger(config.state, deadly=self._tell_aside))
            if ledger.mended:
                self._log.error(ledger.mended)
            owner = owner_name()
            stack.callback(ledger.release, owner)
            wait = 0 if self._once else config.watch.settle_seconds
            intake = Intake(ledger, self._tell_aside, self._faults, wait)
            if not self._once:
                self._vitals.begin(stack, (StartError, MetricsError))
            decoders = stack.enter_context(Decoders())
            tools = Tools(
                ledger,
                self._engine,
                self.metrics,
                self._reporter,
                lambda: self._config,
                owner,
                self._vitals.pulse.moved,
                decoders,
            )
            self.metrics.follow(
                partial(ledger.counts, config.watched),
                lambda: self._engine.depth,
                [pair.out for pair in config.folders],
                lambda: self._config.limits.min_free_gib * GIB,
                config.device,
            )
            self.metrics.set_weights(self._engine.version, self._engine.description)
            self.metrics.last_success.set(ledger.last_done() or 0)
            if config.metrics.port is not None and not self._once:
                if risk := exposure(config.metrics):
                    self._log.warning(risk)
                stack.enter_context(MetricsServer(self.metrics, config.metrics))
            if config.watch.events and not self._once:
                watch = stack.enter_context(Watch([pair.in_ for pair in config.folders], self._wake))
                for fault in watch.faults:
                    self._log.warning(fault)
            workers = [
                threading.Thread(target=self._serve, args=(tools, intake), name=f"worker-{n}")
                for n in range(config.jobs.parallel)
            ]
            for thread in workers:
                thread.start()
            stack.callback(self._join, workers)
            self._notify("READY=1", f"STATUS={self._engine.description}")
            self._loop(intake, ledger)
            self._notify("STOPPING=1", "STATUS=finishing what is under way")
            self._join(workers)
            if self._broken:
                raise self._broken
            return intake.jobs()

    def _tell_decoder(self, config: Config) -> None:
        if config.decoder == "software":
            return
        reason = missing()
        say = self._log.warning if reason and config.decoder == "nvdec" else self._log.info
        found = f"NVDEC {reason}, so the CPU decodes" if reason else "NVDEC decodes H.264 and HEVC"
        say(f"decoder: {config.decoder}: {found}.")

    def _join(self, workers: list[threading.Thread]) -> None:
        self._stopping.set()
        for thread in workers:
            thread.join()

    def _loop(self, intake: Intake, ledger: Ledger) -> None:
        while not self._stopping.is_set():
            asked = self._wake.is_set()
            self._wake.clear()
            if self._reloading.is_set():
                self._reload_config(intake)
            intake.look(self._config, asked=asked)
            self._refresh_weights()
            self._tell_memory()
            ledger.check_there()
            self._vitals.beat(ledger, self._engine.description)
            if self._once and not self._left(intake):
                return
            due = intake.next_due
            scan_seconds = _IDLE if self._once else self._config.watch.scan_seconds
            rest = min(scan_seconds, self._vitals.pulse.longest_rest)
            self._wake.wait(rest if due is None else max(_BREATH, min(due, rest)))
            self._stopping.wait(_BREATH)

    def _left(self, intake: Intake) -> bool:
        """Whether anything can still be done now: a job that waits for its retry is not waited for."""
        with self._lock:
            if self._busy:
                return True
        now, begun = time.time(), intake.with_room(self._config)
        for job in intake.jobs():
            if job.key not in begun:
                continue
            # Running, though nobody is busy here: a killed daemon's, about to be claimed, or another's to
            # wait for.
            if job.state == "running":
                return True
            if job.state == "waiting" and (job.retry_at is None or job.retry_at <= now):
                return True
        return False

    def _refresh_weights(self) -> None:
        try:
            if self._engine.refresh():
                self.metrics.set_weights(self._engine.version, self._engine.description)
                self._log.info("took up weights", weights=self._engine.description)
        except (WeightsError, DeviceError) as error:
            stays = f"{error} The weights {self._engine.version} stay."
            self.metrics.refused.inc(len(self._faults.now("weights", [stays])))
        else:
            self._faults.now("weights", [])

    def _tell_aside(self, job: Job) -> None:
        self.metrics.ended.labels("set_aside").inc()
        self._reporter.ended(job, "set_aside", job.error or "")

    def _tell_memory(self) -> None:
        new = self._engine.halved - self._halved
        if new:
            self._halved += new
            self.metrics.out_of_memory.inc(new)
            self._log.warning("device: out of memory, so batches are halved; set a smaller batch.", times=new)

    def _reload_config(self, intake: Intake) -> None:
        self._reloading.clear()
        self._notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
        try:
            config = self._reload()
        except ConfigError as error:
            self._log.error(f"{error} The config stays as it was.")
            self.metrics.config_refused.inc()
            self._notify("READY=1")
            return
        for name in (*_FIXED, *_FIXED_WITHIN):
            if attrgetter(name)(config) != attrgetter(name)(self._begun):
                key = name.replace(".", ": ")
                self._log.warning(f"{key}: is changed in the config; it takes effect at the next start.")
        kept = {name: getattr(self._begun, name) for name in _FIXED}
        if config.watch.settle_seconds != self._config.watch.settle_seconds:
            intake.wait_anew(config.watch.settle_seconds)
        self._config = config.model_copy(update=kept)
        self._log.info("config is read again")
        self._notify("READY=1")

    def _serve(self, tools: Tools, intake: Intake) -> None:
        """A worker's life. What ends it ends the service: a daemon that does nothing must not look well."""
        worker, has_worked = Worker(tools, self._stopping), False
        try:
            while not self._stopping.is_set():
                if self._work(worker, tools, intake):
                    has_worked = True
                    continue
                if has_worked:
                    heap.give_back()
                    has_worked = False
                self._stopping.wait(_IDLE)
        except Exception as error:  # noqa: BLE001  (raised again by ``run``)
            self._broken = error
            self.stop()

    def _work(self, worker: Worker, tools: Tools, intake: Intake) -> bool:
        """Do one job; False where there is none."""
        with self._lock:
            tasks, how = intake.with_room(self._config), self._config.jobs
            if not tasks:
                return False
            job = tools.ledger.claim(
                tools.owner, how.lease_seconds, time.time(), among=tasks, longest=how.longest_retry
            )
            if job is None:
                return False
            self._busy += 1
        try:
            task = tasks[job.key]
            with self._vitals.watching(job, task.out), bound_contextvars(job=job.id, clip=job.name):
                worker.work(job, task)
        finally:
            with self._lock:
                self._busy -= 1
        return True
