"""`make soak-test HOURS=3`: mixed clips without end, and a daemon that must not grow.

After a warm-up (ten minutes of three hours) its resident memory may grow by 3 % at most; its open files and
its threads, counted when nothing is under way, not at all.
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.daemon.cases import sequence, still, video
from tests.e2e.forked import Forked, make_home

_WARM_UP = 600 / (3 * 3600)
"""Share of the time after which nothing new is to be met."""

GROWTH = 0.03
_KEPT = 50
"""Clips left lying, so that the scan has something to look at."""


@dataclass(frozen=True)
class Sample:
    """Of a daemon that waits. resident: MiB."""

    clips: int
    resident: float
    files: int
    threads: int


def sample(pid: int, clips: int) -> Sample:
    process = Path(f"/proc/{pid}")
    status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    resident = int(status["VmRSS"].split()[0]) / 1024
    return Sample(clips, resident, len(list((process / "fd").iterdir())), int(status["Threads"]))


def soak(home: Path, seconds: float, warm_up: float) -> list[Sample]:
    """The samples after the warm-up. Raises AssertionError where a clip is not done."""
    make_home(home, jobs=", parallel: 2")
    (home / "in").mkdir()
    samples: list[Sample] = []
    begun, clips = time.monotonic(), 0
    with Forked(home) as daemon:
        while (now := time.monotonic() - begun) < seconds or len(samples) < 8:
            clips += _drop(home / "in", clips)
            due = time.monotonic() + 120
            while sum(job.state == "done" for job in daemon.jobs()) < clips:
                assert daemon.process.exitcode is None, daemon.log
                assert time.monotonic() < due, daemon.log
                time.sleep(0.1)
            _clear(home)
            time.sleep(0.3)  # its threads of the last clip end
            if now >= warm_up:
                samples.append(sample(daemon.pid, clips))
        daemon.listens()
        assert daemon.stop() == 0
    return samples


def verdict(samples: list[Sample]) -> str:
    """What they say in a line. Raises AssertionError where the daemon grew."""
    part = max(1, len(samples) // 4)
    first, last = samples[:part], samples[-part:]
    before, after = (statistics.median(s.resident for s in some) for some in (first, last))
    growth = after / before - 1
    told = (
        f"{last[-1].clips} clips; resident {before:.1f} to {after:.1f} MiB ({growth:+.1%}), files "
        f"{min(s.files for s in first)} to {min(s.files for s in last)}, threads "
        f"{min(s.threads for s in first)} to {min(s.threads for s in last)}"
    )
    assert growth <= GROWTH, told
    assert min(s.files for s in last) <= min(s.files for s in first), told
    assert min(s.threads for s in last) <= min(s.threads for s in first), told
    return told


def _drop(folder: Path, number: int) -> int:
    """A still, a sequence and a video under names of their own; how many clips that is."""
    name = "".join(chr(ord("a") + int(digit)) for digit in f"{number:07d}")  # digits would be frame numbers
    still(folder, f"still-{name}")
    sequence(folder, f"run-{name}", numbers=range(1, 5))
    video(folder, f"film-{name}", frames=4)
    (folder.parent / f"making-film-{name}").rmdir()
    return 3


def _clear(home: Path) -> None:
    """As people do: old clips and results go."""
    done = sorted((home / "out").iterdir(), key=lambda path: path.stat().st_mtime)
    for folder in done[: max(0, len(done) - _KEPT)]:
        shutil.rmtree(folder)
        for path in (home / "in").glob(f"{folder.name}[._]*"):
            path.unlink()


def main() -> int:
    seconds = float(sys.argv[1]) * 3600 if len(sys.argv) > 1 else 3 * 3600
    with tempfile.TemporaryDirectory(prefix="dimd-soak-") as folder:
        samples = soak(Path(folder) / "home", seconds, seconds * _WARM_UP)
    for one in samples[:: max(1, len(samples) // 20)]:
        print(json.dumps(one.__dict__))
    try:
        print(verdict(samples))
    except AssertionError as error:
        print(f"GREW: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
