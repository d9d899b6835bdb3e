"""What a run takes of memory, in a process of its own: frames of 4K, and a long clip beside a short one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.daemon.cases import GREY, WHITE, write

pytestmark = pytest.mark.slow

# A process tells its own peak, which its parent cannot: of all its children it knows the greatest alone. The
# network is a stub, for it takes its tiles in batches of one size and so the same memory for any frame.
RUN = """
import json, resource, sys
from pathlib import Path
from daemon import single
from daemon.asked import Asked
from tests.daemon.cases import FakeMatter
plate, trimap, out = sys.argv[1:]
single.Matter.open = lambda folder, **options: FakeMatter(folder.name)
failed = single.matte_all(Asked([plate], trimap), Path(out), device="cpu")
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"failed": failed, "mib": peak / 1024}))
"""


def peak(plate: str, trimap: Path, out: Path) -> float:
    """MiB at most of `dimd matte` on a clip; only the network is not there."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, plate, str(trimap), str(out)],
        capture_output=True,
        text=True,
        timeout=200,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["failed"] == 0, done.stderr
    return float(told["mib"])


def ring(height: int, width: int, share: float) -> np.ndarray:
    """A disc whose rim is unknown: uint8 [H, W], `share` of it grey."""
    rows, columns = np.mgrid[:height, :width]
    radius = 0.37 * height
    away = np.hypot(rows - height / 2, columns - width / 2) - radius
    half = share * height * width / (4 * np.pi * radius)
    return np.where(away < -half, WHITE, np.where(away < half, GREY, 0)).astype(np.uint8)


def textured(height: int, width: int, seed: int) -> np.ndarray:
    small = np.random.default_rng(seed).integers(30, 220, (27, 51, 3), np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def frames(folder: Path, size: tuple[int, int], numbers: Sequence[int]) -> tuple[str, Path]:
    for number in numbers:
        write(folder / f"shot.{number}.png", textured(*size, number))
    return str(folder / "shot.%04d.png"), write(folder / "shot_trimap.png", ring(*size, 0.1))


def test_a_sequence_of_4k_takes_at_most_so_much(tmp_path: Path) -> None:
    """The bar is 4 GiB with the network, which takes one of them: see docs/performance.md."""
    plate, trimap = frames(tmp_path / "in", (2160, 4096), range(1001, 1006))
    unknown = cv2.imread(str(trimap), cv2.IMREAD_GRAYSCALE) == GREY
    assert 0.09 < unknown.mean() < 0.11
    assert peak(plate, trimap, tmp_path / "out") < 3.3 * 1024


def test_a_clip_ten_times_as_long_takes_no_more(tmp_path: Path) -> None:
    peaks = []
    for length in (60, 600):
        folder = tmp_path / str(length)
        folder.mkdir()
        made = cv2.VideoWriter(str(folder / "shot.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 24, (160, 90))
        for number in range(length):
            made.write(textured(90, 160, number % 24))
        made.release()
        trimap = write(folder / "shot_trimap.png", ring(90, 160, 0.2))
        peaks.append(peak(str(folder / "shot.mp4"), trimap, folder / "out"))
    short, long = peaks
    assert long < 1.05 * short, peaks
