"""Clips that another process decodes: the same pictures; a codec's crash, hang or hunger is one sentence."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest

from daemon.media import MediaError, MediaRef, Reading, locate, open_source
from daemon.media import slots as slots_module
from daemon.media.apart import open_apart
from daemon.media.decoders import Decoders
from daemon.media.decoding_faults import DecoderLostError, DecodingError
from tests.daemon.cases import sequence, write
from tests.daemon.media.apart_cases import LIMITS, film, numbered, opened, photograph


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


def mattes(folder: Path) -> MediaRef:
    """The same matte as grey, as RGB and in an alpha."""
    grey = np.tile(np.arange(0, 250, 10, dtype=np.uint8), (9, 1))
    white = np.full_like(grey, 255)
    for n, picture in enumerate((grey, np.dstack([grey] * 3), np.dstack([white, white, white, grey]))):
        write(folder / f"shot_mask.{n}.png", picture)
    return replace(locate(folder / "shot_mask.#.png"), is_matte=True)


KINDS = [photograph, numbered, exr, film, mattes]


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
    ref = MediaRef("still", tmp_path / "shot.png")
    begun = time.monotonic()
    with pytest.raises(DecoderLostError) as refused:
        opened(decoders, ref, seconds=0.5)
    assert time.monotonic() - begun < 10
    assert str(refused.value).startswith("shot.png: does not answer within limits: decode_seconds (0.5);")


def test_nvdec_that_is_asked_for_in_vain_is_told_as_it_is_here(tmp_path: Path, decoders: Decoders) -> None:
    ref = film(tmp_path / "in")
    with open_source(ref, max_pixels=1 << 24, video=Reading(decoder="nvdec")) as source:
        wanted = source.info
    with open_apart(decoders, ref, **LIMITS, video=Reading(decoder="nvdec")) as source:
        assert source.info == wanted
    assert wanted.remarks == (
        "shot.mov: NVDEC is not used for prores; the CPU decodes it, to the same pictures.",
    )
