"""`make crash-test N=300`: daemons killed at seeded instants over mixed work, or the power taken from them.

Each round drops a few stills, a sequence and a video, strikes the daemon from one to three times and lets the
next finish. Three ways to strike: at a random instant; at a random step with files, which finds the narrow
windows between a sync, a rename and a commit; and there with the power gone as well: what was not synced is
lost, while the ledger keeps all that it ever said. Meanwhile `current` moves to and fro between two versions
of weights. What lies under a final name must be whole after every blow, and in the end each clip is there
once, with the bytes of an undisturbed run on one of the two versions.
"""

from __future__ import annotations

import json
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dim_model import weights
from tests.daemon.cases import plate, still, tree, trimap, video, write
from tests.e2e.forked import OTHER, Forked, Hand, make_home

PATIENCE = 60.0
"""Seconds after which a daemon that has not finished is called stuck."""

VERSIONS = ("v1", OTHER)

WAYS = ("instant", "step", "power")


class CrashError(AssertionError):
    """A promise that a round broke; the sentence names the round's seed."""


class Crashing:
    """Rounds on one folder. The clips' paths and times are the same in each, so the bytes must be, too."""

    def __init__(self, home: Path) -> None:
        self.home = make_home(home, jobs=", parallel: 2, attempts: 3")
        self._store = home / "store"
        _fill(self._store)
        self.seen: Counter[str] = Counter()
        self._expected = {version: self._undisturbed(version) for version in VERSIONS}
        names = [tree.keys() for tree in self._expected.values()]
        assert names[0] == names[1]
        one, other = self._expected.values()
        assert not [name for name in names[0] if "alpha" in name and one[name] == other[name]]

    def _undisturbed(self, version: str) -> dict[str, bytes]:
        """What a daemon makes of the clips by such weights."""
        self._begin(version)
        begun = time.monotonic()
        with Forked(self.home) as daemon:
            self._drop()
            self._wait(daemon, "undisturbed")
            self._seconds = time.monotonic() - begun
            daemon.listens()
            assert daemon.stop() == 0, daemon.log
        self._steps = int((self.home / "steps").read_text())
        return tree(self.home / "out")

    def round(self, seed: int) -> None:
        """Raises CrashError."""
        self._begin()
        with self._moving(random.Random(-seed - 1)):
            self._round(seed)

    @contextmanager
    def _moving(self, rng: random.Random) -> Iterator[None]:
        """While entered, `current` moves to and fro."""
        over = threading.Event()

        def move() -> None:
            while not over.wait(rng.uniform(0.02, 0.4)):
                weights.point(self.home / "weights", rng.choice(VERSIONS))
                self.seen["moves of current"] += 1

        thread = threading.Thread(target=move, name="move")
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _round(self, seed: int) -> None:
        rng = random.Random(seed)
        way = WAYS[seed % len(WAYS)]
        dropped = False
        for blow in range(rng.choice((1, 1, 2, 3))):
            share = 1.0 if blow == 0 else 0.6  # less is left to do
            hand = Hand(
                die_at=None if way == "instant" else rng.randrange(int(self._steps * share)),
                journal=self.home / "journal" if way == "power" else None,
                pace=rng.choice((0, 0, 0.01)),
            )
            with Forked(self.home, hand) as daemon:
                if not dropped:
                    self._drop(rng)
                    dropped = True
                if way == "instant":
                    self._reload_and_kill(daemon, rng, share)
                else:
                    self._until_dead(daemon)
                self.seen["blows" if daemon.process.exitcode == -signal.SIGKILL else "ended unhurt"] += 1
                self._note(daemon)
            self._check_visible(f"seed {seed}, blow {blow + 1}, {way}")
            if way == "power" and rng.random() < 0.7:  # else a kill, whose unsynced traces the next one meets
                self.seen["powers lost"] += 1
                lost = lose_power(self.home / "out", self.home / "journal", rng)
                with (self.home / "log").open("a") as log:
                    print(json.dumps({"event": "power lost", "level": "test", "lost": lost}), file=log)
                self._check_visible(f"seed {seed}, blow {blow + 1}, after the power went")
        with Forked(self.home) as daemon:
            self._wait(daemon, f"seed {seed}, {way}")
            daemon.listens()
            if daemon.stop() != 0:
                raise CrashError(f"seed {seed}: the last daemon left with {daemon.process.exitcode}")
        self._check_end(f"seed {seed}, {way}")
        self.seen[way] += 1

    def _begin(self, version: str = VERSIONS[0]) -> None:
        for name in ("in", "out", "state", "staged", "journal"):
            shutil.rmtree(self.home / name, ignore_errors=True)
        for name in ("in", "out", "staged"):
            (self.home / name).mkdir()
        (self.home / "log").unlink(missing_ok=True)
        weights.point(self.home / "weights", version)

    def _drop(self, rng: random.Random | None = None) -> None:
        """Each entry whole, by a rename; sidecars before their plates."""
        names = sorted((path.name for path in self._store.iterdir()), key=lambda n: ("_trimap" not in n, n))
        if rng:
            plates = [name for name in names if "_trimap" not in name]
            rng.shuffle(plates)
            names = [name for name in names if "_trimap" in name] + plates
        for name in names:
            source, staged = self._store / name, self.home / "staged" / name
            if source.is_dir():
                shutil.copytree(source, staged)
            else:
                shutil.copy2(source, staged)
            staged.rename(self.home / "in" / name)
            if rng and rng.random() < 0.3:
                time.sleep(rng.uniform(0, 0.1))

    def _reload_and_kill(self, daemon: Forked, rng: random.Random, share: float) -> None:
        instants = sorted((rng.uniform(0, self._seconds * share * 1.1), rng.random() < 0.3) for _ in range(2))
        begun = time.monotonic()
        for (instant, wanted), last in zip(instants, (False, True), strict=True):
            time.sleep(max(0.0, begun + instant - time.monotonic()))
            if last:
                daemon.kill()
            elif wanted and daemon.is_listening:
                daemon.send(signal.SIGHUP)
                self.seen["reloads"] += 1

    def _until_dead(self, daemon: Forked) -> None:
        """Where it outlives the step (less was left to do than thought), it is killed once all is done."""
        due = time.monotonic() + PATIENCE
        while daemon.wait(0.05) is None:
            jobs = daemon.jobs()
            if len(jobs) == len(self._names) and all(job.state == "done" for job in jobs):
                daemon.kill()
            elif time.monotonic() > due:
                raise CrashError(f"a daemon neither ended nor died: {daemon.log}")

    def _note(self, daemon: Forked) -> None:
        jobs = daemon.jobs()
        running = [job for job in jobs if job.state == "running"]
        self.seen["while one ran" if running else "while none ran"] += 1
        self.seen["with frames kept"] += any(job.frames_done for job in running)
        hidden = [path for path in (self.home / "out").iterdir() if path.name.startswith(".")]
        self.seen["with work half-made"] += bool(hidden)

    @property
    def _names(self) -> list[str]:
        return [path.stem for path in sorted(self._store.iterdir()) if "_trimap" not in path.name]

    def _wait(self, daemon: Forked, where: str) -> None:
        due = time.monotonic() + PATIENCE
        while True:
            states = [job.state for job in daemon.jobs()]
            if len(states) >= len(self._names) and all(state == "done" for state in states):
                return
            if time.monotonic() > due or daemon.process.exitcode is not None:
                told = [(job.name, job.state, job.error) for job in daemon.jobs()]
                raise CrashError(f"{where}: not all is done: {told}\n{daemon.log}")
            time.sleep(0.03)

    def _check_visible(self, where: str) -> None:
        """What has a final name is one of the results, whole."""
        for folder in (self.home / "out").iterdir():
            if not folder.name.startswith(".") and self._version_of(folder) is None:
                told = _sizes(tree(folder))
                raise CrashError(
                    f"{where}: {folder.name} is visible and not whole, or of two weights: {told}"
                )

    def _version_of(self, folder: Path) -> str | None:
        """The weights by which all of a result was made; None where there are none."""
        there = {f"{folder.name}/{name}": data for name, data in tree(folder).items()}
        for version, expected in self._expected.items():
            whole = {name: expected[name] for name in expected if name.split("/")[0] == folder.name}
            if there == whole and whole:
                return version
        return None

    def _check_end(self, where: str) -> None:
        self._check_visible(where)
        odd = tree(self.home / "out").keys() ^ self._expected[OTHER].keys()
        if odd:
            raise CrashError(f"{where}: too many, or not there: {sorted(odd)}")
        for folder in (self.home / "out").iterdir():
            self.seen[f"clips by {self._version_of(folder)}"] += 1
        if left := [p.name for p in (self.home / "out").iterdir() if p.name.startswith(".")]:
            raise CrashError(f"{where}: {left} is left over")


def lose_power(out: Path, journal: Path, rng: random.Random) -> list[str]:
    """Of what lies in `out`, leave what the journal of syncs knows: a file's bytes as they were when it was
    last synced (none: empty), a name that was not synced in its folder only by chance. Returns the names
    that were lost.
    """
    if not journal.is_dir():
        return []
    lost = []
    listing = journal / f"folder-{out.stat().st_ino}"
    durable = json.loads(listing.read_bytes()) if listing.exists() else {}
    for entry in sorted(out.iterdir()):
        inode = entry.stat().st_ino
        if durable.get(entry.name) != inode and rng.random() < 0.5:
            lost.append(f"{entry.name} ({inode}, not {durable.get(entry.name)})")
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        elif entry.is_dir():
            lost += lose_power(entry, journal, rng)
        else:
            kept = journal / f"file-{inode}"
            data = kept.read_bytes() if kept.exists() else b""
            if entry.read_bytes() != data:
                entry.write_bytes(data)
            kept.write_bytes(data)
    # What a power cut leaves lies on the disk.
    listing.write_text(json.dumps({entry.name: entry.stat().st_ino for entry in out.iterdir()}))
    return lost


def _fill(store: Path) -> None:
    store.mkdir()
    for name in ("apple", "pear"):
        still(store, name)
    for number in range(1001, 1008):
        write(store / f"run/plate/run.{number}.png", plate(number))
    write(store / "run/trimap/run.png", trimap())
    video(store, "film", frames=8)


def _sizes(files: dict[str, bytes]) -> dict[str, int]:
    return {name: len(data) for name, data in files.items()}


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    broken = 0
    with tempfile.TemporaryDirectory(prefix="dimd-crash-") as folder:
        crashing, begun = Crashing(Path(folder) / "home"), time.monotonic()
        for done, seed in enumerate(range(first, first + rounds), 1):
            try:
                crashing.round(seed)
            except CrashError as error:
                broken += 1
                print(f"BROKEN {error}", flush=True)
            if done % 10 == 0 or done == rounds:
                seconds = time.monotonic() - begun
                print(f"{done - broken}/{done} of {rounds} rounds, {seconds:.0f} s", flush=True)
        print(", ".join(f"{what}: {many}" for what, many in sorted(crashing.seen.items())))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
