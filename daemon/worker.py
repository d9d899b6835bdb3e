"""Does jobs, one after another: claims one, runs it, and tells the ledger how it ended."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from daemon import manifest
from daemon.clip import Clip
from daemon.config import ClipSettings, Config, ConfigError
from daemon.engine import Engine, Lease
from daemon.ledger import ClaimLost, Job, Ledger, LedgerError
from daemon.media import MediaError, PassingError, WorkGoneError, open_source
from daemon.media.apart import open_apart
from daemon.media.decoders import Decoders
from daemon.media.decoding_faults import DecodingError
from daemon.metrics import Metrics
from daemon.plan import Opener, Plan
from daemon.publish import PublishError, Workplace
from daemon.report import Reporter
from daemon.room import NoRoomError, shortage
from daemon.run import ClipChangedError, Settings, StoppedError, run
from daemon.trimaps import TrimapError
from dim_model.runtimes import DeviceError, DeviceLostError
from dim_model.weights import WeightsError


@dataclass(frozen=True)
class Task:
    """A clip that is ready, as it is to be done. fault: what is wrong with its own settings."""

    clip: Clip
    settings: ClipSettings
    out: Path
    fault: str | None = None


@dataclass(frozen=True)
class Tools:
    """What all workers share. config: read anew for each job, so that a reload reaches the next one. moved:
    told a job's id whenever it came forward. decoders: other processes, which open and
    decode the clips.
    """

    ledger: Ledger
    engine: Engine
    metrics: Metrics
    reporter: Reporter
    config: Callable[[], Config]
    owner: str
    moved: Callable[[int], None]
    decoders: Decoders


class _JobProgress:
    """A run's progress, kept in the ledger. out: whose disk is to keep `need` GiB free."""

    def __init__(self, tools: Tools, job: Job, out: Path, need: float) -> None:
        self._tools, self._job, self._out, self._need = tools, job, out, need

    def planned(self, state: dict[str, Any], total: int) -> None:
        self._tools.ledger.plan(self._job.id, state, total)

    def committed(self, stop: int, figures: Sequence[dict[str, Any]], fps: float) -> None:
        self._tools.ledger.commit_frames(self._job.id, stop, figures, fps)
        self._tools.metrics.frames.inc(len(figures))
        for figure in figures:
            self._tools.metrics.unknown.observe(figure["unknown"])
            self._tools.metrics.flicker.observe(figure["flicker"])
        self._tools.reporter.advanced(self._job, stop, fps)
        if short := shortage(self._out, self._need):
            raise NoRoomError(short)

    def figures(self) -> list[dict[str, Any]]:
        return self._tools.ledger.figures(self._job.id)


class Worker:
    """Runs claimed jobs. stopping: set when the daemon ends; a job then stops after what is committed."""

    def __init__(self, tools: Tools, stopping: threading.Event) -> None:
        self._tools, self._stopping = tools, stopping

    def work(self, job: Job, task: Task) -> None:
        """Do a job that was claimed, to whatever end; raises nothing that belongs to the job.

        Raises LedgerError where even its end cannot be written down, DeviceLostError where no job can be done
        any more: this one waits again as soon as the service ends, the try not counted.
        """
        config = self._tools.config()
        place = Workplace(
            task.out, task.clip.name, job.key, allow=lambda: self._still_ours(job, config.jobs.lease_seconds)
        )
        try:
            self._work(job, task, place, config)
        except ClaimLost:
            self._abandon(job, place)

    def _work(self, job: Job, task: Task, place: Workplace, config: Config) -> None:
        """As ``work``. Raises ClaimLost, too, whatever else came about: then it is no business of ours."""
        tools, stop = self._tools, threading.Event()
        try:
            with self._held(job, config, stop):
                if job.name != place.name:
                    tools.ledger.rename(job.id, place.name)
                    job = replace(job, name=place.name)
                folder = place.published() or self._made(job, task, place, config, stop)
            tools.ledger.done(job.id, folder)
        except ClaimLost:
            raise
        except StoppedError:
            self._still_ours(job, config.jobs.lease_seconds)
            tools.metrics.ended.labels("stopped").inc()
            tools.reporter.ended(job, "stopped", "it goes on from its last safe frame at the next start")
        except DeviceLostError:
            tools.metrics.ended.labels("stopped").inc()
            tools.reporter.ended(job, "stopped", "the device is gone; it goes on at the next start")
            raise
        except (ConfigError, DecodingError, TrimapError, _NotReadableError) as error:
            self._end(job, "set_aside", str(error))
        except (ClipChangedError, DeviceError, LedgerError, MediaError, PublishError, WeightsError) as error:
            self._fail(job, config, str(error))
        except NoRoomError as error:
            self._end(job, "retry", str(error), wait=True)
        except OSError as error:
            self._fail(
                job, config, f"{error.filename or task.out}: {error.strerror or error}; see to the disk."
            )
        except Exception as error:  # noqa: BLE001  (one clip's trouble must not end the daemon)
            self._fail(job, config, f"{task.clip.name}: {type(error).__name__}: {error}; please report this.")
        else:
            place.discard()  # what one made who stood still, lost the job and began on it all the same
            tools.metrics.ended.labels("done").inc()
            tools.metrics.last_success.set(time.time())
            tools.reporter.published(job, folder)

    def _made(self, job: Job, task: Task, place: Workplace, config: Config, stop: threading.Event) -> Path:
        """As ``_run``, and from the first frame, once, where what was made before is not whole."""
        try:
            return self._run(job, task, place, config, stop)
        except WorkGoneError as error:
            self._tools.ledger.restart(job.id)
            self._tools.reporter.warned(job, str(error))
        return self._run(replace(job, frames_done=0, plan=None), task, place, config, stop)

    def _run(self, job: Job, task: Task, place: Workplace, config: Config, stop: threading.Event) -> Path:
        if task.fault:
            raise ConfigError(task.fault)
        tools = self._tools
        state: Mapping[str, Any] = job.plan or {}
        start = job.frames_done
        with contextlib.ExitStack() as stack:
            lease = self._lease(job, state, place)
            if lease is None:
                tools.ledger.restart(job.id)
                lease, state, start = tools.engine.lease(), {}, 0
            stack.enter_context(lease)

            def moved() -> None:
                tools.moved(job.id)

            def observe(stage: str, seconds: float) -> None:
                tools.metrics.observe_stage(stage, seconds)
                moved()

            patience = config.limits.decode_seconds
            how = Settings(config.jobs.queue_frames, config.jobs.chunk_frames, patience, stop, observe, moved)
            try:
                plan = Plan(
                    task.clip,
                    task.settings,
                    max_pixels=config.limits.max_pixels,
                    state=state,
                    colour=config.colour,
                    decoder=config.decoder,
                    opener=self._opener(config),
                    moved=how.go_on,
                )
            except PassingError:
                raise
            except MediaError as error:
                raise _NotReadableError(str(error)) from error
            stack.enter_context(plan)
            if start and not plan.goes_on(state):
                tools.ledger.restart(job.id)
                start = 0
            tools.reporter.started(job, len(plan.part.info.numbers), start)
            told = len(plan.warnings)
            for warning in plan.warnings:
                tools.reporter.warned(job, warning)
            progress = _JobProgress(tools, job, task.out, config.limits.min_free_gib)
            folder = run(plan, lease, place, job.key, start, progress, how)
            for warning in [*plan.warnings[told:], *manifest.mended(plan, progress.figures())]:
                tools.reporter.warned(job, warning)
            return folder

    def _opener(self, config: Config) -> Opener:
        limits = config.limits
        if limits.decode_seconds is None:
            return open_source
        return partial(open_apart, self._tools.decoders, seconds=limits.decode_seconds, gib=limits.decode_gib)

    def _lease(self, job: Job, state: Mapping[str, Any], place: Workplace) -> Lease | None:
        """The weights that the job is to have; None: what was made so far cannot be gone on with."""
        if not job.frames_done:
            return self._tools.engine.lease()
        if place.begun() is None:
            return None
        try:
            return self._tools.engine.lease(state.get("weights"))
        except WeightsError:
            return None

    @contextlib.contextmanager
    def _held(self, job: Job, config: Config, stop: threading.Event) -> Iterator[None]:
        """Renews the claim while entered, and sets ``stop`` when it is lost or the daemon ends."""
        ended = threading.Event()
        lease = config.jobs.lease_seconds

        def renew() -> None:
            due = time.monotonic()
            while not ended.wait(0.2):
                if self._stopping.is_set():
                    stop.set()
                if time.monotonic() >= due + lease / 3:
                    due = time.monotonic()
                    try:
                        if not self._tools.ledger.renew(job.id, self._tools.owner, time.time() + lease):
                            stop.set()
                    except LedgerError:
                        continue  # the lease lasts for two more tries, and the next commit says what is wrong

        thread = threading.Thread(target=renew, name=f"hold-{job.id}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _still_ours(self, job: Job, lease: float) -> None:
        """The last look before publishing, or before leaving it to the next start: one who stood still for
        longer than its lease must neither give out nor leave about what another is making. Raises ClaimLost.
        """
        if not self._tools.ledger.renew(job.id, self._tools.owner, time.time() + lease):
            raise ClaimLost(f"job {job.id}: is no longer held here; it was taken over.")

    def _abandon(self, job: Job, place: Workplace) -> None:
        """Leave a job that is not ours any more. Its work is somebody else's now, unless nobody is to go on
        with it.
        """
        now = self._tools.ledger.find(job.key)
        if now is None or now.state in ("cancelled", "done"):
            place.discard()
        self._tools.ledger.let_go(job.id)
        self._tools.metrics.ended.labels("superseded").inc()
        self._tools.reporter.ended(job, "superseded", "it was cancelled, changed or taken over")

    def _fail(self, job: Job, config: Config, sentence: str) -> None:
        delay = config.jobs.retry_delay(job.attempts)
        self._end(job, "failed" if delay is None else "retry", sentence, delay)

    def _end(
        self, job: Job, how: str, sentence: str, delay: float | None = None, *, wait: bool = False
    ) -> None:
        """wait: for what is no fault of the clip, so the try does not count. Raises ClaimLost."""
        ledger = self._tools.ledger
        if how == "set_aside":
            ledger.set_aside(job.id, sentence)
        elif wait:
            ledger.wait(job.id, sentence)
        else:
            ledger.fail(job.id, sentence, None if delay is None else time.time() + delay)
        self._tools.metrics.ended.labels(how).inc()
        self._tools.reporter.ended(replace(job, error=sentence), how, sentence)


class _NotReadableError(Exception):
    """A clip that cannot be planned, rather than one that failed on the way: a person must see to it."""
