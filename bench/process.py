"""The daemon as a process: how long it takes to its first frame and to see a clip, and what it costs idle."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench import crowd, footage
from daemon.faults import Faults
from daemon.intake import Intake
from daemon.ledger import Ledger, LedgerError, LedgerView, owner_name

_TICKS = os.sysconf("SC_CLK_TCK")
_SETTLE = 0.2
_PATIENCE = 120.0

_CONFIG = """\
watch: {{settle_seconds: {settle}, scan_seconds: 5.0}}
limits: {{min_free_gib: 0}}
metrics: {{port: null}}
"""


class Daemon:
    """``dimd`` on ``home``, as a user starts it."""

    def __init__(self, home: Path, *more: str) -> None:
        self._home = home
        (home / "config.yaml").write_text(_CONFIG.format(settle=_SETTLE))
        self._log = (home / "log").open("wb")
        self.begun = time.perf_counter()
        command = [sys.executable, "-m", "daemon", "--config", str(home / "config.yaml"), *more]
        self.process = subprocess.Popen(command, stdout=self._log, stderr=self._log)

    @property
    def cpu(self) -> float:
        """Seconds that it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def is_watching(self) -> bool:
        return b"watching" in (self._home / "log").read_bytes()

    def states(self) -> list[str]:
        with suppress(LedgerError), LedgerView(self._home / "state") as ledger:
            return [job.state for job in ledger.jobs()]
        return []

    def until(self, condition: Callable[[], bool]) -> None:
        """Raises RuntimeError where it does not come about."""
        due = time.perf_counter() + _PATIENCE
        while not condition():
            if self.process.poll() is not None or time.perf_counter() > due:
                raise RuntimeError(f"dimd did not get there: {(self._home / 'log').read_text()}")
            time.sleep(0.01)

    def __enter__(self) -> Daemon:
        return self

    def __exit__(self, *exc: object) -> None:
        self.process.terminate()
        self.process.wait(60)
        self._log.close()


def first_frame(raster: footage.Raster = footage.HD) -> dict[str, float]:
    """Seconds from the start to a matte of a still on the disk, and the CPU seconds of it; a run before has
    warmed what is compiled once.
    """
    figures: dict[str, float] = {}
    for _ in range(2):
        with tempfile.TemporaryDirectory(prefix="dimd-bench-") as scratch:
            footage.stills(Path(scratch) / "in", 1, 0.1, raster)
            with Daemon(Path(scratch)) as daemon:
                daemon.until(lambda daemon=daemon: daemon.states() == ["done"])  # type: ignore[misc]
                taken = time.perf_counter() - daemon.begun - _SETTLE
                figures = {"start to first frame": taken, "start to first frame, CPU": daemon.cpu}
    return figures


def pick_up(drops: int = 5) -> dict[str, float]:
    """Seconds from a clip's being dropped to a worker's having it, less the time that it has to be still; the
    most of some drops.
    """
    with tempfile.TemporaryDirectory(prefix="dimd-bench-") as scratch:
        home = Path(scratch)
        (home / "in").mkdir()
        small = footage.Raster(54, 96)
        taken = []
        with Daemon(home) as daemon:
            daemon.until(daemon.is_watching)
            for n in range(drops):
                footage.stills(home / f"made-{n}", 1, 0.1, small)
                for path in sorted((home / f"made-{n}").iterdir(), reverse=True):  # the plate comes last
                    path.rename(home / "in" / path.name.replace("still-a", f"drop-{chr(ord('a') + n)}"))
                begun = time.perf_counter()
                daemon.until(lambda n=n: _begun(daemon) > n)  # type: ignore[misc]
                taken.append(time.perf_counter() - begun - _SETTLE)
                daemon.until(lambda n=n: daemon.states() == ["done"] * (n + 1))  # type: ignore[misc]
        return {"pick-up": max(taken)}


def _begun(daemon: Daemon) -> int:
    return sum(state != "waiting" for state in daemon.states())


def idle(clips: int, seconds: float) -> dict[str, float]:
    """Share of one core that a daemon uses which has nothing to do: so many clips lie there, all done."""
    with tempfile.TemporaryDirectory(prefix="dimd-bench-") as scratch:
        home = Path(scratch)
        crowd.fill(home / "in", clips)
        (home / "out").mkdir()
        _all_done(home)
        with Daemon(home) as daemon:
            daemon.until(daemon.is_watching)
            _until_calm(daemon)
            before, begun = daemon.cpu, time.perf_counter()
            time.sleep(seconds)
            used = (daemon.cpu - before) / (time.perf_counter() - begun)
            if daemon.states() != ["done"] * clips:
                raise RuntimeError("dimd was not idle")
        return {"idle CPU share": used}


def _all_done(home: Path) -> None:
    settings = crowd.config(home)
    owner = owner_name()
    with Ledger(home / "state") as ledger:
        intake = Intake(ledger, lambda job: None, Faults(lambda sentence: None), 0.0)
        intake.look(settings)
        with ledger.together():
            while job := ledger.claim(owner, 60, time.time()):
                ledger.done(job.id, home / "out" / job.name)


def _until_calm(daemon: Daemon) -> None:
    """The first looks at all that lies there are not idleness; they are over once it rests."""
    used = -1.0
    while daemon.cpu > used + 0.1:
        used = daemon.cpu
        time.sleep(2)


def measure(clips: int, seconds: float) -> dict[str, Any]:
    return first_frame() | pick_up() | idle(clips, seconds)
