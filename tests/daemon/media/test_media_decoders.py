"""The processes that decode: what they may not do, that none is left, and what one costs."""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import cv2
import pytest

from daemon.media import MediaError, find_media
from daemon.media.decoders import _START, Decoders
from daemon.media.decoding_faults import DecoderLostError
from tests.daemon.cases import plate, wait_for
from tests.daemon.media.apart_cases import POISON, film, numbered, opened


def test_it_writes_nothing(tmp_path: Path, poisoned: Decoders) -> None:
    """A decoder that was taken over has no file to put anything in."""
    ref = numbered(tmp_path / "in")
    (tmp_path / "in/harm").write_text("write 1005")
    with opened(poisoned, ref) as source, pytest.raises(OSError, match="File too large"):
        list(source.frames())
    assert (tmp_path / "in/made").stat().st_size == 0


def test_it_opens_few_files_and_leaves_no_core(tmp_path: Path, decoders: Decoders) -> None:
    with opened(decoders, film(tmp_path / "in")) as source:
        limits = Path(f"/proc/{source._child}/limits").read_text()  # type: ignore[attr-defined]
    told = {line[:26].strip(): line[26:].split()[:2] for line in limits.splitlines()}
    assert told["Max open files"] == ["64", "64"]
    assert told["Max file size"] == told["Max core file size"] == ["0", "0"]
    assert 2 << 30 <= int(told["Max address space"][0]) < 6 << 30


def test_a_decoder_says_nothing_but_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that was taken over names no other file whose sound the result would have, and no raster that is
    not allowed.
    """
    changes = ('sound=Path("/etc/passwd")', "width=1 << 20", "channels=2", "height=None")
    for number, change in enumerate(changes):
        lying = POISON.replace(
            "decoding.main(",
            "from dataclasses import replace\nfrom pathlib import Path\n"
            "opened = decoding._opened\n"
            "def lie(asked):\n"
            "    source, answer = opened(asked)\n"
            f'    return source, answer | {{{{"info": replace(answer["info"], {change})}}}}\n'
            "decoding._opened = lie\ndecoding.main(",
        )
        monkeypatch.setattr("daemon.media.decoders._START", lying)
        ref = film(tmp_path / f"{number}/in")
        with Decoders() as decoders, pytest.raises(MediaError):
            opened(decoders, ref)


def children(process: int) -> list[int]:
    return [int(n) for n in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def test_nothing_is_left_after_the_end(tmp_path: Path, decoders: Decoders) -> None:
    ref, other = film(tmp_path / "in"), numbered(tmp_path / "run")
    with opened(decoders, ref) as source:
        list(source.frames())
    del source
    gc.collect()
    handles = len(list(Path("/proc/self/fd").iterdir()))
    server = decoders._process
    assert server is not None
    for number in range(6):
        with opened(decoders, ref if number % 2 else other) as source:
            run = source.frames()
            frame = next(run)
            assert len(children(server.pid)) == 1
            if number % 3:
                run.close()  # type: ignore[attr-defined]
        assert children(server.pid) == []
    del source, run, frame
    gc.collect()
    assert len(list(Path("/proc/self/fd").iterdir())) == handles
    decoders.close()
    assert server.poll() is not None


def test_decoders_die_with_the_daemon_however_it_ends(tmp_path: Path) -> None:
    ref = film(tmp_path / "in")
    (tmp_path / "in/harm").write_text("spin 1")
    daemon = subprocess.Popen(
        [sys.executable, "-c", _DAEMON, str(ref.path), POISON],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert daemon.stdout is not None
    server, busy = map(int, daemon.stdout.readline().split())
    daemon.kill()
    daemon.wait()
    daemon.stdout.close()
    wait_for(lambda: not any(_runs(process) for process in (server, busy)))


_DAEMON = """
import sys, threading
from daemon.media import decoders, locate
from daemon.media.apart import open_apart
decoders._START = sys.argv[2]
with decoders.Decoders() as made:
    source = open_apart(made, locate(sys.argv[1]), max_pixels=1 << 24, seconds=600, gib=2)
    run = source.frames()
    next(run)
    print(made._process.pid, source._child, flush=True)
    next(run)
"""


def _runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_daemon_that_is_killed_before_it_hears_an_answer_leaves_no_fault_in_the_log() -> None:
    ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
    ours.send(json.dumps({"do": "end", "child": 1, "seconds": 0}).encode())
    with subprocess.Popen(
        [sys.executable, "-c", _START.format(path=sys.path, handle=theirs.fileno())],
        stderr=subprocess.PIPE,
        text=True,
        pass_fds=(theirs.fileno(),),
    ) as server:
        theirs.close()
        assert select.select([ours], [], [], 30)[0]
        ours.close()
        assert server.communicate(timeout=30)[1] == ""
    assert server.returncode == 0


def test_a_small_process_that_was_killed_is_started_again(tmp_path: Path, decoders: Decoders) -> None:
    ref = film(tmp_path / "in")
    with opened(decoders, ref) as source:
        run = source.frames()
        next(run)
        process = decoders._process
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        wait_for(lambda: process.poll() is not None)
        with pytest.raises(DecoderLostError):
            list(run)
    with opened(decoders, ref) as source:
        assert len(list(source.frames())) == 10


def test_it_costs_milliseconds_a_clip(tmp_path: Path, decoders: Decoders) -> None:
    """Far below what a clip takes; a new interpreter for each would not be."""
    assert cv2.imwrite(str(tmp_path / "shot.png"), cv2.resize(plate(), (640, 360)))
    (ref,) = find_media(tmp_path)
    opened(decoders, ref).close()
    begun = time.perf_counter()
    for _ in range(20):
        with opened(decoders, ref) as source:
            list(source.frames())
    each = (time.perf_counter() - begun) / 20
    print(f"{each * 1000:.1f} ms a clip", file=sys.stderr)
    assert each < 0.25
