"""Signs of life of the service, to whoever watches it: systemd, Prometheus and the log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from daemon.config import Config
from daemon.faults import Faults
from daemon.job import Job
from daemon.ledger import Ledger
from daemon.life import Life
from daemon.metrics import Metrics
from daemon.notify import Notifier
from daemon.pulse import Pulse, watchdog_seconds
from daemon.report import Log


class Vitals:
    """pulse: what running jobs tell that they come forward. config: asked anew at each beat. Safe to share
    between threads.
    """

    def __init__(self, config: Callable[[], Config], metrics: Metrics, notify: Notifier, log: Log) -> None:
        self._config, self._metrics, self._notify, self._log = config, metrics, notify, log
        self._hung = Faults(lambda _: None)
        self._running: dict[int, tuple[str, Path]] = {}
        self._status = ""
        self.pulse = Pulse(notify, self._stall_seconds)

    def _stall_seconds(self) -> float:
        return self._config().jobs.stall_seconds

    def begin(self, stack: ExitStack, in_order: tuple[type[Exception], ...]) -> None:
        """Say how the run before this one ended, and take up systemd's watchdog until the stack is left.

        A run that leaves the stack by an error is a crash to the next one, unless it is one of `in_order`.
        """
        config = self._config()
        life = stack.enter_context(Life(config.state, str(config.metrics.port or "alone"), in_order))
        self._metrics.set_ends(life.ends)
        if life.last == "watchdog":
            self._log.error(f"dimd hung and was restarted; {life.kept} says where each thread stood.")
        elif life.last == "crash":
            self._log.warning("dimd did not leave in order the last time; the system log says why.")
        self.pulse = stack.enter_context(
            Pulse(self._notify, self._stall_seconds, watchdog=watchdog_seconds(), traces=life.traces)
        )

    @contextmanager
    def watching(self, job: Job, out: Path) -> Iterator[None]:
        """While entered, the job, which is written to `out`, must come forward."""
        self._running[job.id] = job.name, out
        try:
            with self.pulse.watching(job.id):
                yield
        finally:
            del self._running[job.id]

    def beat(self, ledger: Ledger, weights: str) -> None:
        """At each turn of the service's loop. weights: their description."""
        stalled = self.pulse.beat()
        self._metrics.stalled.set(len(stalled))
        for job_id in map(int, self._hung.now("stalled", map(str, stalled))):
            if (running := self._running.get(job_id)) is not None:  # else it has ended meanwhile
                self._tell_stalled(job_id, *running)
        counts = ledger.counts(self._config().watched)
        status = f"STATUS={counts['running']} running, {counts['waiting']} waiting; {weights}"
        if status != self._status:
            self._status = status
            self._notify(status)

    def _tell_stalled(self, job_id: int, clip: str, out: Path) -> None:
        self._log.error(
            f"no frame came forward for {self._stall_seconds():g} s, on its way to {out}; under systemd dimd "
            "is restarted, and the clip goes on from its last safe frame.",
            job=job_id,
            clip=clip,
        )
