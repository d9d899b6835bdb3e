"""Every video format: time and tags come out as they went in, runs go on, and what cannot be is refused."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from daemon.media import CODECS, Frame, MediaError, locate, open_sink, open_source
from daemon.media.video_formats import lacking, unfit
from tests.daemon.media.videos import (
    CLIPS,
    MANY,
    MILLISECONDS,
    NTSC,
    SIZE,
    channels_of,
    clip,
    flat,
    inside,
    make,
    patches,
    read,
    seconds,
)

INTER = ("h264", "hevc", "vp9")


@pytest.mark.parametrize("name", CLIPS)
@pytest.mark.parametrize("format", CODECS)
def test_time_and_tags_come_out_as_they_went_in(tmp_path: Path, format: str, name: str) -> None:
    like = CLIPS[name]
    info, frames = read(make(tmp_path, format, like, flat(channels_of(format))))
    assert len(frames) == len(like.numbers)
    slack = Fraction(1, 2000) if format in MILLISECONDS else 0
    for came, went in zip(seconds(info), seconds(like), strict=True):
        assert abs(came - went) <= slack
    if name != "variable rate":
        assert info.rate == like.rate
    assert info.tags is not None
    assert like.tags is not None
    assert info.tags.timecode == like.tags.timecode
    assert info.tags.rotation == like.tags.rotation
    assert (info.tags.primaries, info.tags.transfer) == (like.tags.primaries, like.tags.transfer)
    assert info.tags.sample_aspect == like.tags.sample_aspect
    if hasattr(CODECS[format], "matrices"):
        assert (info.tags.matrix, info.tags.full_range) == (like.tags.matrix, False)


def moving(number: int) -> np.ndarray:
    return np.roll(patches(1)[0], 7 * number, 1)


@pytest.mark.parametrize("format", CODECS)
def test_a_run_that_goes_on_from_a_commit_makes_the_same_bytes(tmp_path: Path, format: str) -> None:
    like, channels = clip(10), channels_of(format)
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    whole = make(one, format, like, lambda n: moving(n)[..., :channels]).read_bytes()
    with open_sink(format, other, "shot", like, channels=channels) as sink:
        for number in range(7):
            sink.write(Frame(number, moving(number)[..., :channels]))
            if number == 3:
                sink.commit()
    with open_sink(format, other, "shot", like, channels=channels, start=4) as sink:
        for number in range(4, 10):
            sink.write(Frame(number, moving(number)[..., :channels]))
            if number == 7:
                sink.commit()
        sink.finish()
    assert [path.read_bytes() for path in other.iterdir()] == [whole]


def test_the_time_code_of_mxf_goes_into_mov(tmp_path: Path) -> None:
    plate = tmp_path / "plate.mxf"
    with av.open(str(plate), "w") as out:
        stream = out.add_stream("mpeg2video", rate=NTSC)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv422p"
        out.metadata["timecode"] = "00:59:59;28"
        for _ in range(5):
            out.mux(stream.encode(av.VideoFrame(*SIZE, "yuv422p")))
        out.mux(stream.encode(None))
    with open_source(locate(plate), max_pixels=MANY) as source:
        (tmp_path / "out").mkdir()
        info, _ = read(make(tmp_path / "out", "prores4444", source.info, flat(3)))
    assert info.tags is not None
    assert (info.rate, info.tags.timecode) == (NTSC, "00:59:59;28")


@pytest.mark.parametrize("format", INTER)
def test_frames_after_a_joint_are_decoded_as_they_were_encoded(tmp_path: Path, format: str) -> None:
    like = clip(12)
    path = make(tmp_path, format, like, moving, chunk=4)
    with open_source(locate(path), max_pixels=MANY) as source:
        for start in (0, 3, 4, 5, 8, 11):
            frame = next(source.frames(start))
            assert frame.number == start
            assert np.abs(inside(np.roll(frame.pixels - moving(start), -7 * start, 1))).mean() < 0.01


@pytest.mark.parametrize(
    ("format", "channels", "size", "reason"),
    [
        ("h264", 4, SIZE, "holds no alpha"),
        ("hevc", 4, SIZE, "holds no alpha"),
        ("prores422hq", 4, SIZE, "holds no alpha"),
        ("dnxhr", 4, SIZE, "holds no alpha"),
        ("gray16", 3, SIZE, "holds a matte and nothing else"),
        ("h264", 3, (255, 128), "needs an even width and height, not 255 x 128"),
        ("hevc", 3, (256, 127), "needs an even width and height, not 256 x 127"),
        ("vp9", 4, (255, 127), "needs an even width and height, not 255 x 127"),
        ("prores422hq", 3, (255, 127), "needs an even width, not 255 x 127"),
        ("dnxhr", 3, (128, 128), "needs at least 256 x 120 pixels, not 128 x 128"),
    ],
)
def test_what_a_format_cannot_hold_is_refused_with_the_reason(
    tmp_path: Path, format: str, channels: int, size: tuple[int, int], reason: str
) -> None:
    like = clip(size=size)
    assert unfit(format, channels, like) == reason
    with pytest.raises(MediaError, match=reason):
        open_sink(format, tmp_path, "shot", like, channels=channels)


def test_an_odd_height_goes_into_what_halves_the_width_alone(tmp_path: Path) -> None:
    _, frames = read(make(tmp_path, "prores422hq", clip(2, size=(64, 49)), flat(3, (64, 49))))
    np.testing.assert_allclose(frames[1], 0.5, atol=0.01)


def test_a_build_without_the_encoder_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(CODECS["hevc"]), "encoder", "libx299")
    assert lacking("hevc") == "has no encoder here (this build of FFmpeg is without libx299)"
    assert unfit("hevc", 3) == lacking("hevc")
    assert lacking("h264") is None
    assert lacking("png") is None
