"""`make crowd-test`: two, then four daemons on one folder with 500 clips; one is killed and one stopped.

Each clip must be done exactly once: one folder of the right bytes, one line in all the logs. The daemons
cannot look up one another's processes, as if each were in a container of its own, so a claim of the one that
is gone passes on with its lease alone. The one that is stopped wakes when its claims have passed on, and must
neither publish nor spoil what the others made of them.
"""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, closing
from pathlib import Path

from daemon.ledger import LedgerError, LedgerView
from daemon.ledger_file import FILE
from tests.daemon.cases import sequence, still, tree
from tests.e2e.forked import Forked, Hand, make_home

PATIENCE = 600.0


def crowd(home: Path, daemons: int, clips: int, *, blows: bool = True) -> Counter[str]:
    """How many clips were done by each daemon's place. Raises AssertionError where a promise is broken."""
    frames = 4
    _compile(home.with_name("compiling"), frames)
    make_home(home, jobs=", parallel: 1, attempts: 3")
    source = home / "in"
    source.mkdir()
    for n in range(clips):
        if n % 25 == 0:
            sequence(source, _name(n), numbers=range(1, frames + 1))
        else:
            still(source, _name(n))
    with ExitStack() as stack:
        crew = [
            stack.enter_context(Forked(home, Hand(place=f"machine-{n}", pace=0.02))) for n in range(daemons)
        ]
        if blows:
            _strike(crew, clips)
        due = time.monotonic() + PATIENCE
        while _done(home) < clips:
            assert time.monotonic() < due, Counter(job.state for job in crew[0].jobs())
            assert [daemon for daemon in crew if daemon.process.exitcode is None], crew[0].log[-2000:]
            time.sleep(0.1)
        jobs = crew[0].jobs()
        log = crew[0].log
        for daemon in crew:
            if daemon.process.exitcode is None:
                daemon.listens()
                assert daemon.stop() == 0
    names = sorted(_name(n) for n in range(clips))
    assert sorted(job.name for job in jobs) == names
    # Nobody else's name, no NAME_v2, no hidden rest: nothing was done twice.
    found = {path.name for path in (home / "out").iterdir()}
    assert found == set(names), sorted(found ^ set(names))
    assert "did not leave in order" not in log  # the one that was killed has not come back
    lines = [json.loads(line) for line in log.splitlines()]
    told = Counter(line["clip"] for line in lines if line["event"] == "done")
    assert not [name for name, times in told.items() if times > 1]
    assert len(set(names) - set(told)) <= 1  # the blow may fall between the ledger's word and the log's
    _alike(home / "out", frames)
    return Counter(json.loads(line)["event"] for line in log.splitlines())


def _compile(home: Path, frames: int) -> None:
    """Do a clip of each kind, so that what numba compiles lies in its cache: after a change of the source
    four daemons at once would each compile it at their first clip, a minute in which nothing is done.
    """
    make_home(home)
    (home / "in").mkdir()
    still(home / "in", "still")
    sequence(home / "in", "run", numbers=range(1, frames + 1))
    with Forked(home, Hand(once=True)) as daemon:
        assert daemon.wait(PATIENCE) == 0, daemon.log


def _strike(crew: list[Forked], clips: int) -> None:
    """Kill the last while it holds a clip, and stop the first for longer than its lease."""
    _until_holding(crew[-1], clips * 0.2, clips)
    crew[-1].kill()
    _until_holding(crew[0], clips * 0.4, clips)
    crew[0].send(signal.SIGSTOP)
    time.sleep(2.5)
    crew[0].send(signal.SIGCONT)


def _until_holding(daemon: Forked, least_done: float, clips: int) -> None:
    """Raises AssertionError where that can come about no more."""
    due = time.monotonic() + PATIENCE
    while (done := _done(daemon.home)) < least_done or not _holds(daemon):
        assert daemon.process.exitcode is None, daemon.log[-2000:]
        assert done < clips, "all was done before the blow"
        assert time.monotonic() < due, Counter(job.state for job in daemon.jobs())
        time.sleep(0.005)


def _holds(daemon: Forked) -> bool:
    place = f"%/{daemon.hand.place}/{daemon.pid}/%"
    with closing(sqlite3.connect(daemon.home / "state" / FILE)) as ledger:
        query = "SELECT count(*) FROM job WHERE state = 'running' AND owner LIKE ?"
        return bool(ledger.execute(query, (place,)).fetchone()[0])


def _done(home: Path) -> int:
    try:
        with LedgerView(home / "state") as ledger:
            return ledger.counts()["done"]
    except LedgerError:  # the daemons are about to make it
        return 0


def _alike(out: Path, frames: int) -> None:
    """Pictures of one kind are the same, for so are their plates."""
    kinds: dict[int, dict[str, bytes]] = {}
    for folder in out.iterdir():
        pictures = {
            name.replace(folder.name, "shot"): data
            for name, data in tree(folder).items()
            if name != "manifest.json"
        }
        assert len(pictures) in (3, 3 * frames), folder
        assert pictures == kinds.setdefault(len(pictures), pictures), folder


def _name(number: int) -> str:
    """No two in a row, which would be a sequence's frames."""
    return "clip-" + "".join(chr(ord("a") + int(digit)) for digit in f"{number:03d}")


def main() -> int:
    clips = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    for daemons in (2, 4):
        with tempfile.TemporaryDirectory(prefix="dimd-crowd-") as folder:
            begun = time.monotonic()
            told = crowd(Path(folder) / "home", daemons, clips)
            print(
                f"{daemons} daemons, one killed and one stopped: {clips} clips, each once, in "
                f"{time.monotonic() - begun:.0f} s; {told['superseded']} claims passed on while held",
                flush=True,
            )
            shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
