"""Daemons as processes that start in a tenth of a second, and can be struck at a chosen step.

They are forked from a clean process that has imported everything, and the network is a stub: a round of a
crash test takes about a second. All else is what `dimd --config` runs: its signals, its ledger, its files.
"""

from __future__ import annotations

import itertools
import json
import multiprocessing
import os
import signal
import sys
from dataclasses import dataclass
from multiprocessing.forkserver import set_forkserver_preload  # type: ignore[attr-defined]
from pathlib import Path

import torch

import daemon.cli.serve as serving
from daemon import owner
from daemon.job import Job
from dim_model import canary, nets, weights
from dim_model.matter import Matter
from dim_model.runtimes import DeviceLostError
from tests.daemon.cases import FakeMatter, jobs_in, wait_for

OTHER = "v2"
"""Weights whose mattes are not those of any others: see `make_home`."""

_STEPS = frozenset({"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir"})
"""What Python tells an audit hook of a program's dealings with files."""


@dataclass(frozen=True)
class Hand:
    """What is done to a daemon. die_at: the step with files at which it is killed. journal: where what is
    durable is noted, see `lose_power`. place: another machine's name, so that its owners' processes cannot be
    looked up. pace: seconds a call of the network takes. poison: the width of plates that kill the process.
    once: as `--once`. device_lost: the network's every call fails as on a GPU that fell off the bus.
    """

    die_at: int | None = None
    journal: Path | None = None
    place: str | None = None
    pace: float = 0.0
    poison: int | None = None
    once: bool = False
    device_lost: bool = False


class _Stub(FakeMatter):
    def __init__(self, version: str, hand: Hand) -> None:
        super().__init__(version)
        self.pace, self._hand = hand.pace, hand

    def matte(self, rgb, trimap, clean):  # type: ignore[no-untyped-def]
        if any(frame.shape[-1] == self._hand.poison for frame in rgb):
            os.kill(os.getpid(), signal.SIGKILL)
        is_clip = rgb[0].shape != canary.picture()[0].shape  # the trial at the start goes well
        if self._hand.device_lost and is_clip:
            raise DeviceLostError("device: cuda does not answer any more (unspecified launch failure).")
        made = super().matte(rgb, trimap, clean)
        if self.version == OTHER:  # other weights, other mattes
            made = [torch.where(t == 0.5, 0.9 * alpha, alpha) for t, alpha in zip(trimap, made, strict=True)]
        return made


def _serve(home: Path, hand: Hand) -> None:
    torch.set_num_threads(1)
    log = os.open(home / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
    Matter.open = lambda folder, **options: _Stub(folder.name, hand)  # type: ignore[assignment, method-assign]
    if hand.place is not None:
        owner._place = lambda: str(hand.place)
    if hand.journal is not None:
        _keep_journal(hand.journal)
    steps = itertools.count()

    def hook(event: str, _: object) -> None:
        if event in _STEPS and next(steps) == hand.die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    code = serving.serve(home / "config.yaml", once=hand.once)
    (home / "steps").write_text(str(next(steps)))
    sys.stderr.flush()
    os._exit(code)


def _keep_journal(journal: Path) -> None:
    journal.mkdir(exist_ok=True)
    real, tickets = os.fsync, itertools.count()

    def fsync(handle: int) -> None:
        real(handle)
        here = Path(f"/proc/self/fd/{handle}")
        kind = "folder" if here.is_dir() else "file"
        if kind == "folder":
            names = {name: (here / name).stat().st_ino for name in os.listdir(handle)}
            durable = json.dumps(names).encode()
        else:
            durable = here.read_bytes()
        made = journal / f".{os.getpid()}.{next(tickets)}"
        made.write_bytes(durable)
        made.rename(journal / f"{kind}-{os.fstat(handle).st_ino}")

    os.fsync = fsync


class Forked:
    """A running daemon on the folder `home`; leaving the `with` kills it."""

    def __init__(self, home: Path, hand: Hand = Hand()) -> None:
        self.home = home
        self.hand = hand
        self._before = len(self.log)
        self.process = _CONTEXT.Process(target=_serve, args=(home, hand))
        self.process.start()

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    @property
    def log(self) -> str:
        """Of this daemon and those before it."""
        path = self.home / "log"
        return path.read_text() if path.exists() else ""

    @property
    def is_listening(self) -> bool:
        """Whether it obeys signals by now."""
        return '"watching"' in self.log[self._before :]

    def listens(self) -> None:
        """Returns once it does."""
        wait_for(lambda: self.is_listening or self.process.exitcode is not None, 60)

    def jobs(self) -> list[Job]:
        return jobs_in(self.home / "state")

    def send(self, number: int) -> None:
        os.kill(self.pid, number)

    def wait(self, seconds: float = 60) -> int | None:
        """Its exit code, or None while it runs."""
        self.process.join(seconds)
        return self.process.exitcode

    def stop(self) -> int | None:
        self.process.terminate()
        return self.wait(30)

    def kill(self) -> None:
        self.process.kill()
        self.process.join(30)

    def __enter__(self) -> Forked:
        return self

    def __exit__(self, *exc: object) -> None:
        self.kill()


def make_home(home: Path, *, jobs: str = "", watch: str = "", more: str = "") -> Path:
    """A folder with a config and weights, `v1` and `OTHER`, whose in, out and state the daemon makes."""
    home.mkdir(parents=True, exist_ok=True)
    root = home / "weights"
    state = nets.build("swift").state_dict()
    for version in ("v1", OTHER):
        weights.publish(root, weights.Card(version, "swift", "sampled", "x", [], {}), state)
    weights.point(root, "v1")
    (home / "config.yaml").write_text(
        "weights: weights\n"
        f"watch: {{settle_seconds: 0.1, scan_seconds: 0.2{watch}}}\n"
        f"jobs: {{chunk_frames: 3, retry_seconds: 0.1, lease_seconds: 1{jobs}}}\n"
        "metrics: {port: null}\n"
        "log: {format: json}\n" + (more or "limits: {min_free_gib: 0}\n")
    )
    return home


_CONTEXT = multiprocessing.get_context("forkserver")
os.environ.setdefault("OMP_NUM_THREADS", "1")
set_forkserver_preload([__name__])
