"""Clips that another process decodes: the same pictures; a codec's crash, hang or hunger is one sentence."""

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
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import OpenImageIO as oiio
import pytest

from daemon.media import FrameSource, MediaError, MediaRef, Reading, find_media, locate, open_source
from daemon.media import slots as slots_module
from daemon.media.apart import open_apart
from daemon.media.decoders import _START, Decoders
from daemon.media.decoding_faults import DecoderLostError, DecodingError
from tests.daemon.cases import plate, sequence, still, video, wait_for

LIMITS: dict[str, Any] = {"max_pixels": 1 << 24, "seconds": 30.0, "gib": 2.0}

POISON = """
import os, signal, sys, time
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


@pytest.fixture
def decoders() -> Iterator[Decoders]:
    with Decoders() as made:
        yield made


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> Iterator[Decoders]:
    monkeypatch.setattr("daemon.media.decoders._START", POISON)
    with Decoders() as made:
        yield made


def opened(decoders: Decoders, ref: MediaRef, **limits: float) -> FrameSource:
    return open_apart(decoders, ref, **(LIMITS | limits))


def exr(folder: Path) -> MediaRef:
    """Frames with headers of every kind of value, NaN, infinity and numbers beyond 1."""
    folder.mkdir()
    for number in (1001, 1002, 1005):
        spec = oiio.ImageSpec(7, 5, 4, oiio.FLOAT)
        spec.channelnames = ("R", "G", "B", "A")
        spec.attribute("smpte:TimeCode", oiio.TypeDesc("timecode"), (number, 0))
        spec.attribute("framesPerSecond", oiio.TypeDesc("rational"), (24000, 1001))
        spec.attribute("worldToCamera", oiio.TypeDesc("matrix"), tuple(n / 7 for n in range(16)))
        spec.attribute("studio:shot", "Schöne Straße")
        spec.attribute("studio:weights", oiio.TypeDesc("float[3]"), (0.1, -0.0, 1e-30))
        pixels = np.random.default_rng(number).normal(1, 4, (5, 7, 4)).astype(np.float32)
        pixels[2, 3, 0], pixels[4, 4, 1] = np.nan, np.inf
        pixels[..., 3] = 1
        out = oiio.ImageOutput.create(str(folder / f"shot.{number}.exr"))
        assert out.open(str(folder / f"shot.{number}.exr"), spec)
        assert out.write_image(pixels)
        out.close()
    return locate(folder / "shot.####.exr")


def photograph(folder: Path) -> MediaRef:
    return locate(still(folder, "one"))


def numbered(folder: Path) -> MediaRef:
    sequence(folder)
    return locate(folder / "shot.####.png")


def film(folder: Path) -> MediaRef:
    folder.mkdir(parents=True)
    return locate(video(folder))


KINDS = [photograph, numbered, exr, film]


@pytest.mark.parametrize("make", KINDS)
def test_frames_are_those_that_are_decoded_here_to_the_last_bit(
    tmp_path: Path, decoders: Decoders, make: Callable[[Path], MediaRef]
) -> None:
    ref = make(tmp_path / "in")
    with open_source(ref, max_pixels=1 << 24) as here, opened(decoders, ref) as there:
        assert there.info == here.info
        for start, stop in [(0, None), (0, 1), (1, 3), (2, None), (1, 1), (0, None)]:
            both = zip(here.frames(start, stop), there.frames(start, stop), strict=True)
            for one, other in both:
                assert other.pixels.tobytes() == one.pixels.tobytes()
                assert other.pixels.dtype == one.pixels.dtype
                assert other.pixels.shape == one.pixels.shape
                assert replace(other, pixels=one.pixels) == one


def test_frames_that_are_kept_stay_as_they_are_however_many(tmp_path: Path, decoders: Decoders) -> None:
    """The memory between both processes is used again only once nobody looks at it."""
    ref = film(tmp_path / "in")
    with open_source(ref, max_pixels=1 << 24) as here, opened(decoders, ref) as there:
        kept = list(there.frames())
        corner = [frame.pixels[:3, 2:9] for frame in kept]
        for _ in there.frames():
            pass
        wanted = list(here.frames())
    assert len(kept) > slots_module.COUNT
    for frame, part, one in zip(kept, corner, wanted, strict=True):
        assert np.array_equal(frame.pixels, one.pixels)
        assert np.array_equal(part, one.pixels[:3, 2:9])


def test_several_readers_may_take_turns(tmp_path: Path, decoders: Decoders) -> None:
    ref = film(tmp_path / "in")
    with open_source(ref, max_pixels=1 << 24) as here, opened(decoders, ref) as there:
        wanted = [frame.pixels.tobytes() for frame in here.frames()]
        runs = [there.frames(start) for start in range(8)]
        for step in range(2):
            for start, run in enumerate(runs):
                assert next(run).pixels.tobytes() == wanted[start + step]
        del runs, run
        assert [frame.pixels.tobytes() for frame in there.frames()] == wanted


def test_what_is_merely_broken_has_the_sentence_that_it_has_here(tmp_path: Path, decoders: Decoders) -> None:
    (tmp_path / "shot.png").write_bytes(b"no picture")
    (tmp_path / "shot.mov").write_bytes(b"no video")
    sequence(tmp_path, "run", range(1, 4))
    cut = tmp_path / "run.2.png"
    cut.write_bytes(cut.read_bytes()[:90])
    for name in ("shot.png", "shot.mov", "run.#.png"):
        ref = locate(tmp_path / name)
        said = []
        for opener in (open_source, partial(open_apart, decoders, seconds=30, gib=2)):
            with pytest.raises(MediaError) as refused, opener(ref, max_pixels=1 << 24) as source:
                list(source.frames())
            said.append(str(refused.value))
            assert type(refused.value) is MediaError
        assert said[0] == said[1]


@pytest.mark.parametrize(
    ("how", "make", "says"),
    [
        ("crash", film, "shot.mov: crashes its decoder (signal 11) at frame 4; export it again, or leave it"),
        (
            "crash",
            numbered,
            "shot.1005.png: crashes its decoder (signal 11); export it again, or leave it out",
        ),
        ("spin", film, "shot.mov: takes longer than limits: decode_seconds (1) for frame 4; export it again"),
        (
            "spin",
            numbered,
            "shot.1005.png: takes longer than limits: decode_seconds (1) for its picture; exp",
        ),
        (
            "bomb",
            film,
            "shot.mov: takes more memory than limits: decode_gib (2) for frame 4; export it again",
        ),
        (
            "bomb",
            numbered,
            "shot.1005.png: takes more memory than limits: decode_gib (2) for its picture; ex",
        ),
    ],
)
def test_what_is_dangerous_midway_is_one_sentence_after_the_frames_before_it(
    tmp_path: Path, poisoned: Decoders, how: str, make: Callable[[Path], MediaRef], says: str
) -> None:
    ref = make(tmp_path / "in")
    (tmp_path / "in/harm").write_text(f"{how} {1005 if make is numbered else 4}")
    with opened(poisoned, ref, seconds=1.0 if how == "spin" else 30.0) as source:
        frames = source.frames()
        for _ in range(4):
            next(frames)
        with pytest.raises(DecodingError) as refused:
            next(frames)
    assert str(refused.value).startswith(says)
    with opened(poisoned, film(tmp_path / "good/in")) as source:
        assert len(list(source.frames())) == 10


@pytest.mark.parametrize(
    ("how", "says"),
    [
        (
            "hang",
            "shot.mov: does not answer within limits: decode_seconds (1); see to the disk or mount that",
        ),
        ("kill", "shot.mov: the process that decodes it was killed at frame 4; see the system's log (out of"),
    ],
)
def test_what_is_no_fault_of_the_clip_is_worth_another_try(
    tmp_path: Path, poisoned: Decoders, how: str, says: str
) -> None:
    ref = film(tmp_path / "in")
    (tmp_path / "in/harm").write_text(f"{how} 4")
    with opened(poisoned, ref, seconds=1.0 if how == "hang" else 30.0) as source:
        with pytest.raises(DecoderLostError) as refused:
            list(source.frames())
    assert str(refused.value).startswith(says)


def test_a_file_that_does_not_open_at_all_is_given_up(tmp_path: Path, decoders: Decoders) -> None:
    """As on a mount that hangs: a pipe that nobody writes to."""
    os.mkfifo(tmp_path / "shot.png")
    ref = MediaRef("still", tmp_path / "shot.png", (tmp_path / "shot.png",))
    begun = time.monotonic()
    with pytest.raises(DecoderLostError) as refused:
        opened(decoders, ref, seconds=0.5)
    assert time.monotonic() - begun < 10
    assert str(refused.value).startswith("shot.png: does not answer within limits: decode_seconds (0.5);")


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


def test_nvdec_that_is_asked_for_in_vain_is_told_as_it_is_here(tmp_path: Path, decoders: Decoders) -> None:
    ref = film(tmp_path / "in")
    with open_source(ref, max_pixels=1 << 24, video=Reading(decoder="nvdec")) as source:
        wanted = source.info
    with open_apart(decoders, ref, **LIMITS, video=Reading(decoder="nvdec")) as source:
        assert source.info == wanted
    assert wanted.remarks == (
        "shot.mov: NVDEC is not used for prores; the CPU decodes it, to the same pictures.",
    )


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
