"""`make flood-test FILES=100000`: so many small files dropped at once, and how soon they are waiting jobs.

Several hands drop sequences of ten frames, each in an order of its own, while the folder is looked at as the
service does. No clip may be taken up before it is whole, none twice, none not at all.
"""

from __future__ import annotations

import os
import random
import resource
import sys
import tempfile
import threading
import time
from pathlib import Path

from daemon.faults import Faults
from daemon.intake import Intake
from daemon.ledger import Ledger
from tests.daemon.cases import config, plate, write

FRAMES = 10
HANDS = 4

_BREATH = 0.2
"""Seconds between two looks at least, as in the service."""


def flood(home: Path, files: int, settle: float, patience: float) -> dict[str, float]:
    """Seconds. Raises AssertionError where a promise is broken."""
    settings, clips = config(home), files // FRAMES
    hands, ends = [], list[float]()
    for n in range(HANDS):
        picture = write(
            home / f"picture-{n}.png", plate()
        )  # some disks allow a file no more than 65,000 names
        hands.append(
            threading.Thread(target=_drop, args=(home / "in", picture, range(n, clips, HANDS), ends))
        )
    looks = []
    with Ledger(home / "state") as ledger:
        intake = Intake(ledger, lambda job: None, Faults(print), settle)
        begun = time.monotonic()
        for hand in hands:
            hand.start()
        while ledger.counts().get("waiting", 0) < clips:
            at = time.monotonic()
            intake.look(settings)
            looks.append(time.monotonic() - at)
            assert at - begun < patience, ledger.counts()
            time.sleep(_BREATH)
        done = time.monotonic()
        tasks = intake.with_room(settings).values()
        assert {len(task.clip.plate.files) for task in tasks} == {FRAMES}
        jobs = ledger.jobs()
        assert len(jobs) == len(tasks) == clips
        # A clip that had been taken up unfinished would have had a number, too.
        assert max(job.id for job in jobs) == clips
    return {
        "files": files,
        "dropping": max(ends) - begun,
        "from the last file until all wait for a worker": done - max(ends),
        "the longest look": max(looks),
        "resident, MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _drop(folder: Path, picture: Path, clips: range, ends: list[float]) -> None:
    order = list(range(1001, 1001 + FRAMES))
    for clip in clips:
        random.Random(clip).shuffle(order)
        for number in order:
            os.link(picture, folder / f"shot{_letters(clip)}.{number}.png")
    ends.append(time.monotonic())


def _letters(number: int) -> str:
    """Without digits, which would be frame numbers."""
    return "".join(chr(ord("a") + int(digit)) for digit in f"{number:07d}")


def main() -> int:
    files = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory(prefix="dimd-flood-") as folder:
        for what, figure in flood(Path(folder), files, 3.0, 600.0).items():
            print(f"{what}: {figure:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
