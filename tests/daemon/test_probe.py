"""A codec's crash, hang or hunger costs one clip: another process decodes it first, under limits."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest

from daemon.engine import Engine
from daemon.media import MediaError, MediaRef, find_media
from daemon.media.probe import Probe
from tests.daemon.cases import config, still, video, wait_for
from tests.daemon.serving import once

LIMITS = {"max_pixels": 1 << 24, "seconds": 30.0, "gib": 2.0}

_POISON = """
import os, signal, sys, time
sys.path[:] = {path!r}
import numpy as np
from daemon.media import probe

real = probe.read_still

def read_still(path, max_pixels):
    data = path.read_bytes()
    if data.endswith(b"crash"):
        os.kill(os.getpid(), signal.SIGSEGV)
    if data.endswith(b"hang"):
        time.sleep(600)
    if data.endswith(b"bomb"):
        np.ones(1 << 40)
    if data.endswith(b"write"):
        path.with_name("made").write_bytes(b"anything")
    return real(path, max_pixels)

probe.read_still = read_still
probe.main()
"""
"""The small process, with a codec that has faults: files that end so set them off."""


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> Iterator[Probe]:
    monkeypatch.setattr("daemon.media.probe._START", _POISON)
    with Probe() as made:
        yield made


def poisoned(folder: Path, how: bytes) -> MediaRef:
    folder.mkdir(exist_ok=True)
    path = still(folder, with_trimap=False)
    path.write_bytes(path.read_bytes() + how)
    (ref,) = find_media(folder)
    return ref


def test_a_sound_clip_passes(tmp_path: Path) -> None:
    still(tmp_path / "in", "one")
    video(tmp_path / "in", "two")
    with Probe() as probe:
        for ref in find_media(tmp_path / "in"):
            probe.check(ref, **LIMITS)


def test_what_is_merely_broken_is_left_to_whoever_says_it_better(tmp_path: Path) -> None:
    (tmp_path / "shot.png").write_bytes(b"no picture")
    (tmp_path / "shot.mov").write_bytes(b"no video")
    with Probe() as probe:
        for ref in find_media(tmp_path):
            probe.check(ref, **LIMITS)


@pytest.mark.parametrize(
    ("how", "says"),
    [
        (b"crash", "shot.png: crashes its decoder (signal 11); export it again, or leave it out."),
        (b"hang", "shot.png: takes longer than limits: probe_seconds (1) for its first picture; export it"),
        (b"bomb", "shot.png: takes more memory than limits: probe_gib (2) for its first picture; export it"),
    ],
)
def test_what_is_dangerous_is_one_sentence_and_the_next_is_tried(
    probe: Probe, tmp_path: Path, how: bytes, says: str
) -> None:
    limits = LIMITS | {"seconds": 1.0 if how == b"hang" else 30.0}
    with pytest.raises(MediaError) as refused:
        probe.check(poisoned(tmp_path / "bad", how), **limits)
    assert str(refused.value).startswith(says)
    probe.check(poisoned(tmp_path / "good", b""), **LIMITS)


def test_it_writes_nothing(probe: Probe, tmp_path: Path) -> None:
    """A decoder that was taken over has no file to put anything in."""
    ref = poisoned(tmp_path / "bad", b"write")
    probe.check(ref, **LIMITS)
    assert (tmp_path / "bad/made").stat().st_size == 0


def test_a_probe_that_was_killed_is_started_again(tmp_path: Path) -> None:
    ref = poisoned(tmp_path / "in", b"")
    with Probe() as probe:
        probe.check(ref, **LIMITS)
        process = probe._process
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        wait_for(lambda: process.poll() is not None)
        probe.check(ref, **LIMITS)


def test_a_clip_that_crashes_a_decoder_is_set_aside_and_the_next_is_done(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.media.probe._START", _POISON)
    still(tmp_path / "in", "good")
    bad = still(tmp_path / "in", "bad")
    bad.write_bytes(bad.read_bytes() + b"crash")
    mask = still(tmp_path / "in", "beside")
    trimap = mask.with_name("beside_trimap.png")
    trimap.write_bytes(trimap.read_bytes() + b"crash")
    jobs, _ = once(config(tmp_path), engine)
    states = {job.name: (job.state, job.error) for job in jobs}
    assert states["good"][0] == "done"
    assert states["bad"][0] == states["beside"][0] == "set_aside"
    assert "bad.png: crashes its decoder (signal 11)" in (states["bad"][1] or "")
    assert "beside_trimap.png: crashes its decoder" in (states["beside"][1] or "")


def test_it_costs_milliseconds_a_clip(tmp_path: Path) -> None:
    """Far below what a clip takes; a new interpreter for each would not be."""
    assert cv2.imwrite(
        str(tmp_path / "shot.png"), cv2.resize(cv2.imread(str(still(tmp_path / "in"))), (640, 360))
    )
    (ref,) = find_media(tmp_path)
    with Probe() as probe:
        probe.check(ref, **LIMITS)
        begun = time.perf_counter()
        for _ in range(20):
            probe.check(ref, **LIMITS)
        each = (time.perf_counter() - begun) / 20
    print(f"{each * 1000:.1f} ms a probe", file=sys.stderr)
    assert each < 0.25
