"""One contract for every kind of sink: what is committed is whole, and a resumed run gives the same bytes."""

from __future__ import annotations

import re
import resource
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio
import pytest

from daemon import layers
from daemon.media import (
    ClipInfo,
    Frame,
    Kind,
    MediaError,
    VideoTags,
    WorkGoneError,
    locate,
    open_sink,
    open_source,
)
from daemon.storage import NO_ALPHA, Storage

MANY = 1_000_000
VFR = (0, 1001, 2002, 5005, 5100, 9009)
PRECISION = {
    "png": 1 / 131070,
    "exr": 2**-11,
    "tiff": 1 / 131070,
    "dpx": 0.501 / 1023,
    "jpeg": 0.06,
    "ffv1": 1 / 131070,
    "prores4444": 0.012,
}

Ramp = Callable[..., np.ndarray]


def clip(kind: Kind, **changes: Any) -> ClipInfo:
    numbers = {"still": (0,), "sequence": (1001, 1002, 1004, 1005, 1006), "video": tuple(range(6))}[kind]
    settings: dict[str, Any] = {
        "kind": kind,
        "width": 64,
        "height": 48,
        "channels": 3,
        "numbers": numbers,
        "missing": (),
        "encoding": "display",
        "bits": 8,
        "is_float": False,
    }
    if kind == "video":
        tags = VideoTags(primaries=1, transfer=1, matrix=1, full_range=False)
        settings |= {"rate": Fraction(24000, 1001), "time_base": Fraction(1, 24000), "pts": VFR, "tags": tags}
    return ClipInfo(**(settings | changes))


def write(folder: Path, format: str, like: ClipInfo, channels: int, ramp: Ramp, cuts: list[int]) -> None:
    """Write the clip with a commit at each cut, which also ends the run, one frame later."""
    folder.mkdir(exist_ok=True)
    begin = 0
    for stop in [*cuts, len(like.numbers)]:
        with open_sink(format, folder, "shot_out", like, channels=channels, start=begin) as sink:
            for position in range(begin, stop):
                sink.write(Frame(like.numbers[position], ramp(channels, position)))
            sink.commit()
            if stop == len(like.numbers):
                sink.finish()
            else:
                sink.write(Frame(like.numbers[stop], ramp(channels, 99)))
        begin = stop


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


SINKS: list[tuple[str, Kind]] = [
    ("png", "still"),
    ("png", "sequence"),
    ("png", "video"),
    ("exr", "still"),
    ("exr", "sequence"),
    ("exr", "video"),
    ("tiff", "still"),
    ("tiff", "sequence"),
    ("dpx", "still"),
    ("dpx", "sequence"),
    ("jpeg", "still"),
    ("jpeg", "sequence"),
    ("prores4444", "video"),
    ("ffv1", "video"),
]


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize(("format", "kind"), SINKS)
def test_every_sink_keeps_the_contract(
    tmp_path: Path, ramp: Ramp, format: str, kind: Kind, channels: int
) -> None:
    if format in NO_ALPHA and channels == 4:
        pytest.skip("it holds no alpha, and the plan refuses it")
    like = clip(kind)
    count = len(like.numbers)
    whole = tmp_path / "whole"
    write(whole, format, like, channels, ramp, [])

    with open_source(locate(whole), max_pixels=MANY) as source:
        frames = list(source.frames())
        if kind != "still":
            assert source.info.numbers == like.numbers
        assert len(frames) == count
        for position, frame in enumerate(frames):
            # ProRes has no grey, so a matte comes back as an RGB of three equals.
            stored, expected = frame.pixels, ramp(channels, position)
            np.testing.assert_allclose(stored[..., :channels], expected, atol=PRECISION[format])

    assert not [name for name in contents(whole) if name.startswith(".")]
    for cuts in ([1], [2, 3]) if count > 1 else ():
        resumed = tmp_path / f"resumed{cuts}"
        write(resumed, format, like, channels, ramp, cuts)
        assert contents(resumed) == contents(whole)


@pytest.mark.parametrize(("format", "kind"), SINKS)
def test_the_date_does_not_go_into_the_bytes(tmp_path: Path, ramp: Ramp, format: str, kind: Kind) -> None:
    write(tmp_path / "one", format, clip(kind), 3 if format in NO_ALPHA else 4, ramp, [])
    data = b"".join(contents(tmp_path / "one").values())
    assert str(time.localtime().tm_year).encode() not in data
    assert not re.search(rb"Lav[cf]\d", data)


@pytest.mark.parametrize(("format", "kind"), [sink for sink in SINKS if sink[1] != "still"])
def test_frames_after_the_last_commit_are_dropped(
    tmp_path: Path, ramp: Ramp, format: str, kind: Kind
) -> None:
    """As after a crash: an output reaches further than the ledger says, in whole files or chunks."""
    like = clip(kind)
    whole, crashed = tmp_path / "whole", tmp_path / "crashed"
    write(whole, format, like, 3, ramp, [])
    crashed.mkdir()
    with open_sink(format, crashed, "shot_out", like, channels=3) as sink:
        for position in range(2):
            sink.write(Frame(like.numbers[position], ramp(3, position)))
        sink.commit()
        sink.write(Frame(like.numbers[2], ramp(3, 55)))
        sink.commit()
    with open_sink(format, crashed, "shot_out", like, channels=3, start=2) as sink:
        for position in range(2, len(like.numbers)):
            sink.write(Frame(like.numbers[position], ramp(3, position)))
        sink.finish()
    assert contents(crashed) == contents(whole)


@pytest.mark.parametrize(("format", "kind"), [sink for sink in SINKS if sink[1] != "still"])
def test_a_start_over_leaves_nothing_of_the_first_attempt(
    tmp_path: Path, ramp: Ramp, format: str, kind: Kind
) -> None:
    like = clip(kind)
    write(tmp_path / "whole", format, like, 3, ramp, [])
    write(tmp_path / "again", format, like, 3, lambda channels, seed: ramp(channels, seed + 7), [])
    write(tmp_path / "again", format, like, 3, ramp, [])
    assert contents(tmp_path / "again") == contents(tmp_path / "whole")


@pytest.mark.parametrize(("format", "kind"), SINKS)
def test_a_finished_output_can_be_opened_again_and_stays(
    tmp_path: Path, ramp: Ramp, format: str, kind: Kind
) -> None:
    like = clip(kind)
    write(tmp_path / "out", format, like, 3, ramp, [])
    before = contents(tmp_path / "out")
    with open_sink(format, tmp_path / "out", "shot_out", like, channels=3, start=len(like.numbers)) as sink:
        sink.finish()
    assert contents(tmp_path / "out") == before


@pytest.mark.parametrize(("format", "kind"), [sink for sink in SINKS if sink[1] != "still"])
def test_a_lost_part_of_an_earlier_run_is_noticed(
    tmp_path: Path, ramp: Ramp, format: str, kind: Kind
) -> None:
    like = clip(kind)
    with open_sink(format, tmp_path, "shot_out", like, channels=3) as sink:
        for position in range(2):
            sink.write(Frame(like.numbers[position], ramp(3, position)))
        sink.commit()
    next(iter(sorted(tmp_path.iterdir()))).unlink()
    with pytest.raises(WorkGoneError, match="so the clip begins anew"):
        open_sink(format, tmp_path, "shot_out", like, channels=3, start=2)


@pytest.mark.parametrize(("format", "kind"), SINKS)
def test_other_outputs_in_the_folder_are_left_alone(
    tmp_path: Path, ramp: Ramp, format: str, kind: Kind
) -> None:
    like = clip(kind)
    for other in ("shot_out2.0001.png", ".shot_out.extra.00000000.mov", ".shot_out2.00000000.mov"):
        (tmp_path / other).write_bytes(b"keep")
    write(tmp_path, format, like, 3, ramp, [])
    assert sum(data == b"keep" for data in contents(tmp_path).values()) == 3


@pytest.mark.parametrize(("format", "kind"), SINKS)
def test_a_frame_out_of_turn_is_refused(tmp_path: Path, ramp: Ramp, format: str, kind: Kind) -> None:
    with open_sink(format, tmp_path, "shot_out", clip(kind), channels=3) as sink:
        with pytest.raises(ValueError, match="came"):
            sink.write(Frame(77, ramp(3)))
        with pytest.raises(ValueError, match="not"):
            sink.write(Frame(clip(kind).numbers[0], ramp(4)))
        with pytest.raises(ValueError, match="finished after 0"):
            sink.finish()


def test_unknown_format_is_refused_with_the_choices(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="choose one of png, exr, tiff, dpx, jpeg, prores4444"):
        open_sink("gif", tmp_path, "shot_out", clip("still"), channels=3)


def test_a_still_cannot_become_a_video(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="choose png or exr"):
        open_sink("prores4444", tmp_path, "shot_out", clip("still"), channels=3)


@pytest.mark.parametrize(("format", "kind"), SINKS)
def test_a_folder_that_is_gone_is_said_in_a_sentence(
    tmp_path: Path, ramp: Ramp, format: str, kind: Kind
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    like = clip(kind)
    with open_sink(format, folder, "shot_out", like, channels=3) as sink:
        folder.rmdir()
        with pytest.raises(MediaError, match=r"written.*; .*\.$"):
            sink.write(Frame(like.numbers[0], ramp(3)))


@pytest.fixture
def full_disk() -> Iterator[Callable[..., None]]:
    """full_disk(room=2048): from then on no file of this process can grow past so many bytes, as on a disk
    with no more room.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda room=2048: resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(("format", "kind"), SINKS)
def test_a_full_disk_is_said_in_a_sentence(
    tmp_path: Path, full_disk: Callable[[], None], format: str, kind: Kind
) -> None:
    like = clip(kind)
    channels = 3 if format in NO_ALPHA else 4
    noise = np.random.default_rng(1).random((48, 64, channels)).astype(np.float32)

    def fill() -> None:
        with open_sink(format, tmp_path, "shot_out", like, channels=channels) as sink:
            full_disk()
            for number in like.numbers:
                sink.write(Frame(number, noise))
            sink.commit()

    with pytest.raises(MediaError, match=r"^shot_out.*written.*; .*\.$"):
        fill()
    assert contents(tmp_path) == {}


@pytest.mark.parametrize("room", [1500, 4096, 20_000])
def test_a_disk_that_fills_within_any_part_is_said_and_nothing_is_left(
    tmp_path: Path, full_disk: Callable[[int], None], room: int
) -> None:
    storage = Storage(names=layers.NAMES, parts=layers.PARTS)
    channels = len(layers.NAMES)
    noise = np.random.default_rng(1).random((48, 64, channels)).astype(np.float32)

    def fill() -> None:
        with open_sink(
            "exr", tmp_path, "shot_out", clip("still"), channels=channels, storage=storage
        ) as sink:
            full_disk(room)
            sink.write(Frame(0, noise))
            sink.commit()

    with pytest.raises(MediaError, match=r"^shot_out\.exr: could not be written .*; .*\.$"):
        fill()
    assert contents(tmp_path) == {}


def test_png_is_sixteen_bit_and_exr_half_with_one_matte_channel(tmp_path: Path, ramp: Ramp) -> None:
    write(tmp_path, "png", clip("still"), 1, ramp, [])
    write(tmp_path, "exr", clip("still"), 1, ramp, [])
    png, exr = (
        oiio.ImageInput.open(str(tmp_path / f"shot_out.{suffix}")).spec() for suffix in ("png", "exr")
    )
    assert (str(png.format), png.nchannels) == ("uint16", 1)
    assert (str(exr.format), exr.channelnames) == ("half", ("A",))


def test_values_beyond_half_are_clipped_and_not_infinite(tmp_path: Path, ramp: Ramp) -> None:
    with open_sink("exr", tmp_path, "shot_out", clip("still"), channels=3) as sink:
        sink.write(Frame(0, np.full((48, 64, 3), 1e9, np.float32)))
        sink.finish()
    with open_source(locate(tmp_path / "shot_out.exr"), max_pixels=MANY) as source:
        assert next(source.frames()).pixels.max() == 65504
