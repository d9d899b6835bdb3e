"""Frames of one video that share a time stamp: none is lost, each gets a time of its own, and it is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from daemon.media import CODECS, Deinterlace, MediaError, Reading, locate, open_source
from daemon.media.video_formats import unfit
from daemon.media.video_times import told_apart
from tests.daemon.media.test_media_deinterlace import fielded
from tests.daemon.media.videos import MANY, MILLISECONDS, SIZE, channels_of, clip, make, read, seconds

BASE = Fraction(1, 1000)
TIMES = (0, 42, 83, 83, 125, 167, 208, 208, 208, 292)
"""One time is there twice and one three times: in thirds of a millisecond the second of three is at 1."""
APART = (0, 126, 249, 250, 375, 501, 624, 625, 626, 876)

Split = tuple[int, bytes, bool]
"""A packet: when it is shown, what is in it, whether decoding can begin there."""


def lit(number: int, count: int) -> float:
    return 0.1 + 0.8 * number / count


def packets(encoder: str, count: int, every: int, options: dict[str, str] | None = None) -> list[Split]:
    """A grey clip, each frame lighter than the one before, a key frame `every` so many."""
    context = av.CodecContext.create(encoder, "w")
    context.width, context.height, context.pix_fmt = *SIZE, "yuv420p"
    context.time_base, context.framerate = Fraction(1, 24), Fraction(24)
    context.gop_size, context.max_b_frames = every, 0
    context.options = options or {}
    made = []
    for number in range(count):
        picture = np.full((SIZE[1] * 3 // 2, SIZE[0]), 128, np.uint8)
        picture[: SIZE[1]] = round(16 + 219 * lit(number, count))
        frame = av.VideoFrame.from_ndarray(picture, "yuv420p")
        frame.pts, frame.time_base = number, Fraction(1, 24)
        made += context.encode(frame)
    made += context.encode(None)
    return [(packet.pts, bytes(packet), packet.is_keyframe) for packet in made]


def film(path: Path, encoder: str, made: Sequence[Split], times: Sequence[int]) -> Path:
    """The packets, each shown at the time of its number."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream(encoder, rate=24)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.time_base = BASE
        for order, (number, data, is_key) in enumerate(made):
            packet = av.Packet(data)
            packet.stream, packet.time_base, packet.is_keyframe = stream, BASE, is_key
            packet.pts = packet.dts = times[number]
            if path.suffix == ".mov":  # where they are decoded one after another
                packet.dts = order
                packet.pts += len(made)
            out.mux(packet)
    return path


def twice(path: Path, encoder: str = "libx264", times: Sequence[int] = TIMES, every: int = 3) -> Path:
    return film(path, encoder, packets(encoder, len(times), every, {"bframes": "0"}), times)


@pytest.fixture(params=[("shot.mkv", "libx264"), ("shot.webm", "libvpx-vp9"), ("shot.mkv", "ffv1")])
def shot(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return twice(tmp_path / request.param[0], request.param[1])


def test_none_is_lost_and_no_other_is_moved(shot: Path) -> None:
    info, pictures = read(shot)
    assert info.time_base == BASE / 3
    assert info.pts == APART
    assert len(pictures) == len(TIMES)
    for number, picture in enumerate(pictures):
        assert picture.mean() == pytest.approx(lit(number, len(TIMES)), abs=0.02)
    (remark,) = info.remarks
    assert remark == (
        f"{shot.name}: 3 frames have the very time of the one before; none is left out, and each is shown "
        "later by a part of 1/1000 s."
    )


def test_each_is_the_same_from_wherever_reading_begins_and_ends(shot: Path) -> None:
    with open_source(locate(shot), max_pixels=MANY) as source:
        whole = [frame.pixels for frame in source.frames()]
        for start in range(len(TIMES)):
            for stop in range(start + 1, len(TIMES) + 1):
                for frame in source.frames(start, stop):
                    np.testing.assert_array_equal(frame.pixels, whole[frame.number])
                assert frame.number == stop - 1
                assert frame.pts == APART[stop - 1]


def test_a_movie_that_shows_two_at_one_time_loses_none(tmp_path: Path) -> None:
    info, pictures = read(twice(tmp_path / "shot.mov"))
    assert len(set(info.pts)) == len(pictures) == len(TIMES)
    moved = [time - seconds(info)[0] for time in seconds(info)]
    for came, went in zip(moved, TIMES, strict=True):
        assert 0 <= came - went * BASE < BASE


@pytest.mark.parametrize("format", CODECS)
def test_all_go_into_every_format(tmp_path: Path, format: str) -> None:
    info, pictures = read(twice(tmp_path / "shot.mkv"))
    channels = channels_of(format)
    (tmp_path / "made").mkdir()
    made, after = read(make(tmp_path / "made", format, info, lambda n: pictures[n][..., :channels]))
    if format in MILLISECONDS:
        assert made.pts == (0, 42, 83, 84, 125, 167, 208, 209, 210, 292)
    else:
        assert seconds(made) == seconds(info)
    for number, picture in enumerate(after):
        assert picture[..., 0].mean() == pytest.approx(lit(number, len(TIMES)), abs=0.02)


def test_more_frames_a_second_than_milliseconds_are_told_apart_to_the_tick(tmp_path: Path) -> None:
    info, pictures = read(twice(tmp_path / "shot.mkv", times=[number // 2 for number in range(20)]))
    assert seconds(info) == [Fraction(number, 2000) for number in range(20)]
    assert len(pictures) == 20
    assert unfit("prores4444", 4, info) is None
    assert "follow faster" in (unfit("ffv1", 4, replace(info, pts=tuple(range(100)))) or "")


def test_a_picture_that_is_never_shown_is_no_frame(tmp_path: Path) -> None:
    """VP9 refers to such; a packet of its own has the time of the next."""
    made = packets("libvpx-vp9", 8, 1, {"error-resilient": "1", "lag-in-frames": "0"})
    hidden = [(n, bytes([data[0] & ~2, *data[1:]]) if n in (2, 5) else data, key) for n, data, key in made]
    times = [0, 42, 125, 125, 167, 208, 208, 250]
    info, pictures = read(film(tmp_path / "shot.webm", "libvpx-vp9", hidden, times))
    assert info.pts == (0, 42, 125, 167, 208, 250)
    assert info.remarks == ()
    wanted = [lit(n, 8) for n in (0, 1, 3, 4, 6, 7)]
    assert [picture.mean() for picture in pictures] == pytest.approx(wanted, abs=0.02)


def test_what_cannot_be_told_apart_is_one_sentence() -> None:
    fine = clip(pts=(0, 7, 7, 7), time_base=Fraction(1, 1_000_000_000))
    with pytest.raises(MediaError) as caught:
        told_apart("shot.mkv", fine)
    assert str(caught.value) == "shot.mkv: 3 frames have one and the same time; export it again."


@pytest.mark.parametrize("how", ["frame", "field"])
def test_interlaced_ones_have_the_pictures_that_they_have_at_times_of_their_own(
    tmp_path: Path, how: Deinterlace
) -> None:
    calm = fielded(tmp_path, "bff.mkv")
    with av.open(str(calm.path)) as film, av.open(str(tmp_path / "shot.mkv"), "w") as out:
        stream = out.add_stream_from_template(film.streams.video[0])
        for packet in film.demux(video=0):
            if packet.size:
                packet.stream, packet.duration = stream, 0
                packet.pts = packet.pts // 80 * 80  # two, or three, of 40 ms each
                packet.dts = None
                out.mux(packet)
    made = []
    for path in (calm.path, tmp_path / "shot.mkv"):
        with open_source(locate(path), max_pixels=MANY, video=Reading(how)) as source:
            made.append([frame.pixels for frame in source.frames()])
            times = seconds(source.info)
            assert sorted(set(times)) == times
    assert len(made[0]) == len(made[1])
    for wanted, picture in zip(*made, strict=True):
        np.testing.assert_array_equal(picture, wanted)
