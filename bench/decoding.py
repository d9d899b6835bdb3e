"""What it costs that clips are decoded by processes of their own, beside decoding in the daemon's.

    python -m bench.decoding [--frames N] [--turns N]

ProRes 4444 and PNG at 1080p, decoded by either in turns, each frame laid as planes, as the daemon does it.
CPU is that of all processes that take part, in milliseconds a frame; the wall's says what the pipeline waits.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from bench import footage
from daemon.media import FrameSource, MediaRef, locate, open_source
from daemon.media.apart import ApartSource, open_apart
from daemon.media.decoders import Decoders, cpu_seconds

_MANY = 1 << 27


class Turn(NamedTuple):
    """Milliseconds a frame."""

    cpu: float
    wall: float


def turn(opener: Callable[[], FrameSource]) -> Turn:
    """Of a clip from its second frame on: opening it is another matter."""
    with opener() as source:
        frames = source.frames()
        pixels = next(frames).pixels
        child = source.child if isinstance(source, ApartSource) else None
        theirs = cpu_seconds(child) if child else 0.0
        begun, cpu, count = time.perf_counter(), time.process_time(), 0
        for frame in frames:
            pixels = np.ascontiguousarray(frame.pixels.transpose(2, 0, 1))
            count += 1
        assert pixels.size
        spent = time.process_time() - cpu + (cpu_seconds(child) - theirs if child else 0.0)
        return Turn(1000 * spent / count, 1000 * (time.perf_counter() - begun) / count)


def measure(folder: Path, frames: int, turns: int) -> dict[str, dict[str, list[Turn]]]:
    """By kind of clip and by where it is decoded."""
    film = footage.clip(folder / "film", frames, 0.1) / "shot.mov"
    (folder / "run").mkdir()
    with open_source(locate(film), max_pixels=_MANY) as source:
        for frame in source.frames():
            codes = np.rint(frame.pixels.clip(0, 1)[..., ::-1] * 255).astype(np.uint8)
            cv2.imwrite(str(folder / f"run/shot.{frame.number:04d}.png"), codes)
    found: dict[str, dict[str, list[Turn]]] = {}
    with Decoders() as decoders:
        for kind, where in (("ProRes 4444", film), ("PNG sequence", folder / "run/shot.####.png")):
            ref: MediaRef = locate(where)
            ways: dict[str, Callable[[], FrameSource]] = {
                "in the daemon": partial(open_source, ref, max_pixels=_MANY),
                "apart": partial(open_apart, decoders, ref, max_pixels=_MANY, seconds=600, gib=8),
            }
            found[kind] = {name: [] for name in ways}
            for _ in range(turns):
                for name, opener in ways.items():
                    found[kind][name].append(turn(opener))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--turns", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), asked.frames, asked.turns)
    print(f"load of the machine: {os.getloadavg()[0]:.1f}")
    for kind, ways in found.items():
        for name, turns in ways.items():
            cpu, wall = (statistics.median(numbers) for numbers in zip(*turns, strict=True))
            print(f"{kind:14} {name:14} CPU {cpu:6.1f} ms, wall {wall:6.1f} ms a frame")


if __name__ == "__main__":
    main()
