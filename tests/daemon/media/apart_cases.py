"""Clips that another process decodes, and a small process whose codecs have faults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from daemon.media import FrameSource, MediaRef, locate
from daemon.media.apart import open_apart
from daemon.media.decoders import Decoders
from tests.daemon.cases import sequence, still, video

LIMITS: dict[str, Any] = {"max_pixels": 1 << 24, "seconds": 30.0, "gib": 2.0}

POISON = """
import errno, os, signal, sys, time
from pathlib import Path
sys.path[:] = {path!r}
import numpy as np
from daemon.media import decoding, sequence, stills, video_source

def harm(path, number):
    told = path.with_name("harm")
    how, at = told.read_text().split() if told.exists() else ("none", -1)
    if number != int(at):
        return
    if how == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "hang":
        time.sleep(600)
    while how == "spin":
        pass
    if how == "bomb":
        np.ones(1 << 40)
    if how == "write":
        path.with_name("made").write_bytes(b"anything")
    if how == "lie":
        sys.exit(0)

def stale(real):
    def opened(path, *args, **more):
        told = os.path.join(os.path.dirname(path), "harm")
        if path.name != "harm" and os.path.exists(told) and open(told).read().startswith("stale"):
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), str(path))
        return real(path, *args, **more)
    return opened

Path.open = stale(Path.open)

def poisoned(real):
    def read_still(path, max_pixels, number=0):
        harm(path, number)
        return real(path, max_pixels, number)
    return read_still

sequence.read_still = poisoned(sequence.read_still)
stills.read_still = poisoned(stills.read_still)
real = video_source.VideoSource._check

def check(self, decoded, position):
    harm(self._path, position)
    real(self, decoded, position)

video_source.VideoSource._check = check
decoding.main({handle})
"""
"""The small process, with codecs that have faults: a file `harm` beside a clip says which, at which frame."""


def opened(decoders: Decoders, ref: MediaRef, **limits: float) -> FrameSource:
    return open_apart(decoders, ref, **(LIMITS | limits))


def photograph(folder: Path) -> MediaRef:
    return locate(still(folder, "one"))


def numbered(folder: Path) -> MediaRef:
    sequence(folder)
    return locate(folder / "shot.####.png")


def film(folder: Path) -> MediaRef:
    folder.mkdir(parents=True)
    return locate(video(folder))
