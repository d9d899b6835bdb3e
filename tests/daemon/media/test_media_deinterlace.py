"""Interlaced video by setting: the fields' own lines, every frame from anywhere, time, what is refused."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.filter import Graph

from daemon.media import Deinterlace, FrameSource, MediaError, MediaRef, Reading, locate, open_source
from daemon.media.planes import spread
from daemon.media.timecode import doubled
from daemon.media.video_source import VideoSource

MANY = 10_000_000
FLAGS = {"flags": "+ildct+ilme"}
PAL = {"rate": Fraction(25), "time_base": Fraction(1, 25)}
COUNT = 9

KINDS: dict[str, tuple[str, str, str, Mapping[str, str]]] = {
    "h264.mov": ("libx264", "yuv420p", "tff", {"x264-params": "keyint=4", **FLAGS}),
    "bff.mkv": ("libx264", "yuv420p", "bff", {"x264-params": "keyint=4", **FLAGS}),
    "mpeg2.mxf": ("mpeg2video", "yuv422p", "tff", FLAGS),
    "prores.mov": ("prores_ks", "yuv422p10le", "bff", {"profile": "hq", **FLAGS}),
}


def texture(index: int, plane: int, shape: tuple[int, int]) -> np.ndarray:
    """Noise that stands still, with a bar that moves: what a deinterlacer has to tell apart."""
    made = np.random.default_rng(plane).integers(40, 180, shape)
    made[:, 4 * index % shape[1] : 4 * index % shape[1] + 6] = 215
    return made


def fielded(
    folder: Path, name: str, rate: Fraction = Fraction(25), metadata: Mapping[str, str] | None = None
) -> MediaRef:
    """One of `KINDS` with its fields in order; an encoder hears of the order by a frame alone."""
    codec, pixel_format, order, options = KINDS[name]
    with av.open(str(folder / name), "w") as out:
        stream = out.add_stream(codec, rate=rate, options=dict(options))
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixel_format
        stream.time_base = stream.codec_context.time_base = 1 / rate
        stream.metadata.update(metadata or {})
        for index in range(COUNT):
            frame = av.VideoFrame(64, 48, pixel_format)
            frame.pts, frame.time_base = index, 1 / rate
            bits = frame.format.components[0].bits
            for number, plane in enumerate(planes(frame)):
                plane[:] = texture(index, number, plane.shape) << (bits - 8)
            graph = Graph()
            source = graph.add_buffer(width=64, height=48, format=frame.format, time_base=1 / rate)
            graph.link_nodes(source, graph.add("setfield", order), graph.add("buffersink")).configure()
            graph.vpush(frame)
            out.mux(stream.encode(graph.vpull()))
        out.mux(stream.encode(None))
    return MediaRef("video", folder / name)


@pytest.fixture(params=KINDS)
def interlaced(request: pytest.FixtureRequest, tmp_path: Path) -> MediaRef:
    return fielded(tmp_path, request.param)


def opened(ref: MediaRef | Path, how: Deinterlace) -> FrameSource:
    return open_source(ref if isinstance(ref, MediaRef) else locate(ref), max_pixels=MANY, video=Reading(how))


def complaint(ref: MediaRef | Path, how: Deinterlace) -> str:
    with pytest.raises(MediaError) as caught, opened(ref, how) as source:
        list(source.frames())
    return str(caught.value)


def planes(frame: av.VideoFrame) -> list[np.ndarray]:
    kind = "u1" if frame.format.components[0].bits <= 8 else "<u2"
    rows = [
        np.frombuffer(memoryview(p), kind).reshape(-1, p.line_size // int(kind[-1])) for p in frame.planes
    ]
    return [r[: p.height, : p.width] for r, p in zip(rows, frame.planes, strict=True)]


def decoded(path: Path) -> list[av.VideoFrame]:
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def shown(ref: MediaRef, how: Deinterlace) -> list[av.VideoFrame]:
    source = VideoSource(ref, MANY, Reading(how))
    return list(source._pictures(0, len(source.info.numbers) - 1))


@pytest.mark.parametrize(("how", "each"), [("frame", 1), ("field", 2)])
def test_the_lines_of_the_field_are_those_of_the_file(
    interlaced: MediaRef, how: Deinterlace, each: int
) -> None:
    made, given = shown(interlaced, how), decoded(interlaced.path)
    assert len(made) == each * len(given) == each * COUNT
    first = ("tff", "bff").index(KINDS[interlaced.path.name][2])
    for position, picture in enumerate(made):
        assert not picture.interlaced_frame
        assert picture.format.name == given[0].format.name
        kept = (first + position % each) % 2
        for mine, theirs in zip(planes(picture), planes(given[position // each]), strict=True):
            assert np.array_equal(mine[kept::2], theirs[kept::2])
            assert not np.array_equal(mine[1 - kept :: 2], theirs[1 - kept :: 2])


@pytest.mark.parametrize("how", ["frame", "field"])
def test_ffmpegs_own_program_has_the_same_codes(interlaced: MediaRef, how: Deinterlace) -> None:
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed")
    command = ["ffmpeg", "-v", "error", "-threads", "1", "-i", str(interlaced.path), "-vf"]
    command += [f"bwdif=send_{how}:auto:interlaced", "-fps_mode", "passthrough", "-f", "rawvideo", "-"]
    theirs = subprocess.run(command, capture_output=True, check=True).stdout
    mine = b"".join(np.ascontiguousarray(p).tobytes() for f in shown(interlaced, how) for p in planes(f))
    assert len(mine) == len(theirs)
    # At both ends of a clip, where a neighbour is missing, versions of the filter differ.
    ends = len(mine) // len(shown(interlaced, how))
    assert mine[ends:-ends] == theirs[ends:-ends]


@pytest.mark.parametrize("how", ["frame", "field"])
def test_a_frame_is_the_same_from_wherever_reading_begins_and_ends(
    interlaced: MediaRef, how: Deinterlace
) -> None:
    with opened(interlaced, how) as source:
        whole = list(source.frames())
        for start in range(len(whole)):
            for stop in (start + 1, start + 4, None):
                part = list(source.frames(start, stop))
                assert [f.number for f in part] == [f.number for f in whole[start:stop]]
                for mine, theirs in zip(part, whole[start:stop], strict=True):
                    assert mine.pts == theirs.pts
                    assert np.array_equal(mine.pixels, theirs.pixels)


def test_a_frame_each_keeps_time_and_rate(interlaced: MediaRef) -> None:
    with opened(interlaced, "frame") as source:
        info = source.info
    assert info.time_base is not None
    assert (info.rate, info.numbers) == (25, tuple(range(COUNT)))
    assert np.allclose([float(p * info.time_base) for p in info.pts], np.arange(COUNT) / 25, atol=0.001)
    assert info.remarks == (f"{interlaced.path.name}: is interlaced, and deinterlaced to a picture a frame.",)


@pytest.mark.parametrize("name", ["h264.mov", "mpeg2.mxf"])
def test_a_field_each_doubles_the_rate_to_the_tick(tmp_path: Path, name: str) -> None:
    timecode = {"timecode": "00:59:59;28"} if name.endswith("mov") else {}
    ref = fielded(tmp_path, name, Fraction(30000, 1001), timecode)
    with opened(ref, "field") as source:
        info, numbers = source.info, [f.number for f in source.frames()]
    assert info.time_base is not None
    assert info.rate == Fraction(60000, 1001)
    assert [p * info.time_base for p in info.pts] == [
        info.pts[0] * info.time_base + n * Fraction(1001, 60000) for n in range(2 * COUNT)
    ]
    assert numbers == list(info.numbers) == list(range(2 * COUNT))
    assert info.tags is not None
    if timecode:
        assert info.tags.timecode == "00:59:59;56"


def test_time_code_names_the_same_moment_at_twice_the_rate() -> None:
    assert doubled("01:00:00:10") == "01:00:00:20"
    assert doubled("01:01:00;02") == "01:01:00;04"
    assert doubled("none") == "none"


@pytest.mark.parametrize("how", ["frame", "field"])
def test_progressive_video_stays_as_it_is(tmp_path: Path, make_video: Any, how: Deinterlace) -> None:
    ref = make_video(tmp_path / "a.mov", "libx264", "yuv420p", fill=texture, **PAL)
    with opened(ref, how) as source, opened(ref, "refuse") as plain:
        assert source.info == plain.info
        for mine, theirs in zip(source.frames(), plain.frames(), strict=True):
            assert np.array_equal(mine.pixels, theirs.pixels)


def turning(path: Path, make_video: Any, *, first: str) -> Path:
    """A clip whose first half is progressive and whose second is interlaced, or the other way round."""
    parts = []
    for name, flags in (("progressive", {}), ("interlaced", FLAGS)):
        options = {"profile": "hq", **flags}
        ref = make_video(
            path.parent / f"{name}.mov", "prores_ks", "yuv422p10le", options=options, fill=texture, **PAL
        )
        parts.append(ref.path)
    with av.open(str(path), "w") as out:
        stream, at = None, 0
        for part in parts if first == "progressive" else parts[::-1]:
            with av.open(str(part)) as container:
                stream = stream or out.add_stream_from_template(container.streams.video[0])
                for packet in container.demux(video=0):
                    if packet.size:
                        packet.pts = packet.dts = at
                        packet.time_base, packet.stream, at = Fraction(1, 25), stream, at + 1
                        out.mux(packet)
    return path


@pytest.mark.parametrize("first", ["progressive", "interlaced"])
def test_what_is_progressive_in_an_interlaced_clip_is_left_alone(
    tmp_path: Path, make_video: Any, first: str
) -> None:
    path = turning(tmp_path / "a.mov", make_video, first=first)
    given = decoded(path)
    flags = [frame.interlaced_frame for frame in given]
    assert flags[0] == (first == "interlaced")
    assert len(set(flags)) == 2
    made = shown(locate(path), "frame")
    assert [np.array_equal(planes(a)[0], planes(b)[0]) for a, b in zip(made, given, strict=True)] == [
        not flag for flag in flags
    ]
    if first == "progressive":
        assert complaint(path, "field") == (
            "a.mov: frame 6 is interlaced, and the first is not; set deinterlace: frame."
        )
        return
    twice = shown(locate(path), "field")
    assert len(twice) == 2 * len(given)
    for position, flag in enumerate(flags):
        pair = [planes(picture)[0] for picture in twice[2 * position : 2 * position + 2]]
        assert np.array_equal(*pair) != flag


def test_a_pixel_format_that_the_filter_would_have_converted_is_refused(
    tmp_path: Path, make_video: Any
) -> None:
    options = {"profile": "4444", "alpha_bits": "16", **FLAGS}
    ref = make_video(tmp_path / "a.mov", "prores_ks", "yuva444p10le", options=options, **PAL)
    assert complaint(ref, "frame") == (
        "a.mov: is interlaced, and deinterlacing cannot be done in pixel format yuva444p12le; "
        "deinterlace it first."
    )


def test_a_build_without_the_filter_is_said(interlaced: MediaRef, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daemon.media.deinterlace.FILTER", "bwdif9")
    assert complaint(interlaced, "field") == (
        f"{interlaced.path.name}: is interlaced, and deinterlacing cannot be done here "
        "(this build of FFmpeg is without the filter bwdif9); deinterlace it first."
    )


def test_packed_codes_are_spread_without_loss_and_stay_interlaced(interlaced: MediaRef) -> None:
    frame = decoded(interlaced.path)[0]
    packed = {"yuv420p": "nv12", "yuv422p": "uyvy422", "yuv422p10le": "p010le"}[frame.format.name]
    there = spread(frame.reformat(format=packed))
    assert there.interlaced_frame
    assert np.array_equal(planes(there)[0], planes(frame)[0])
