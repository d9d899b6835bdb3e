"""One contract for every kind of source: whatever the file, a clip is frames with numbers and time stamps."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from daemon.media import FrameSource, MediaError, MediaRef, find_media, locate, open_source

MANY = 1_000_000
VFR = [0, 1001, 2002, 5005, 5100, 9009]

Maker = Callable[[Path, Any, Any, Any], MediaRef]


def still(suffix: str, depth: str, channels: int) -> Maker:
    def make(folder: Path, ramp: Any, image: Any, video: Any) -> MediaRef:
        path = image(folder / f"shot{suffix}", ramp(channels), depth)
        return MediaRef("still", path)

    return make


def sequence(suffix: str, depth: str, channels: int) -> Maker:
    def make(folder: Path, ramp: Any, image: Any, video: Any) -> MediaRef:
        for number in (1001, 1002, 1004, 1005):
            image(folder / f"shot.{number}{suffix}", ramp(channels, number), depth)
        (ref,) = find_media(folder)
        return ref

    return make


def movie(name: str, codec: str, pixel_format: str, **settings: Any) -> Maker:
    def make(folder: Path, ramp: Any, image: Any, video: Any) -> MediaRef:
        return video(folder / name, codec, pixel_format, **settings)

    return make


VP_ALPHA = {"options": {"auto-alt-ref": "0", "lag-in-frames": "0"}, "stream_metadata": {"alpha_mode": "1"}}
MS = {"time_base": Fraction(1, 1000), "rate": Fraction(25)}

KINDS: dict[str, tuple[Maker, int]] = {
    "png 8": (still(".png", "uint8", 3), 3),
    "png 16 grey": (still(".png", "uint16", 1), 1),
    "png 16 alpha": (still(".png", "uint16", 4), 4),
    "png grey alpha": (still(".png", "uint8", 2), 4),
    "jpeg": (still(".jpg", "uint8", 3), 3),
    "tiff 16": (still(".tif", "uint16", 4), 4),
    "tiff float": (still(".tif", "float", 3), 3),
    "exr half": (still(".exr", "half", 4), 4),
    "dpx 16": (still(".dpx", "uint16", 3), 3),
    "png sequence": (sequence(".png", "uint8", 3), 3),
    "exr sequence": (sequence(".exr", "half", 3), 3),
    "h264 with b-frames": (
        movie("v.mp4", "libx264", "yuv420p", count=20, options={"bf": "2", "g": "6", "crf": "10"}),
        3,
    ),
    "h265 10-bit 4:2:2": (
        movie(
            "v.mp4", "libx265", "yuv422p10le", options={"x265-params": "log-level=none:bframes=2:keyint=4"}
        ),
        3,
    ),
    "prores 4444 alpha": (
        movie("v.mov", "prores_ks", "yuva444p10le", options={"profile": "4444", "alpha_bits": "16"}),
        4,
    ),
    "vfr mov": (movie("v.mov", "libx264", "yuv444p", pts=VFR, options={"bf": "2", "g": "3"}), 3),
    "ffv1 grey": (movie("v.mkv", "ffv1", "gray16le", **MS), 1),
    "ffv1 gbr": (movie("v.mkv", "ffv1", "gbrp16le", **MS), 3),
    "ffv1 gbr alpha": (movie("v.mkv", "ffv1", "gbrap16le", **MS), 4),
    "png in mov": (movie("v.mov", "png", "rgba64be", fill=None), 4),
    "vp8 alpha": (movie("v.webm", "libvpx", "yuva420p", **VP_ALPHA, **MS), 4),
    "vp9 alpha": (movie("v.webm", "libvpx-vp9", "yuva420p", **VP_ALPHA, **MS), 4),
    "mpeg-2 in mxf": (
        movie("v.mxf", "mpeg2video", "yuv422p", rate=Fraction(25), time_base=Fraction(1, 25)),
        3,
    ),
}


@pytest.fixture(params=KINDS)
def clip(
    request: Any, tmp_path: Path, ramp: Any, make_image: Any, make_video: Any
) -> tuple[FrameSource, int]:
    maker, channels = KINDS[request.param]
    return open_source(maker(tmp_path, ramp, make_image, make_video), max_pixels=MANY), channels


def test_every_source_keeps_the_contract(clip: tuple[FrameSource, int]) -> None:
    source, channels = clip
    with source:
        info = source.info
        assert (info.width, info.height, info.channels) == (64, 48, channels)
        assert list(info.numbers) == sorted(set(info.numbers))
        frames = list(source.frames())
        assert [frame.number for frame in frames] == list(info.numbers)
        for frame in frames:
            assert frame.pixels.dtype == np.float32
            assert frame.pixels.shape == (48, 64, channels)
            assert frame.pixels.flags.c_contiguous
        if info.kind == "video":
            assert info.rate is not None
            assert info.time_base is not None
            assert [frame.pts for frame in frames] == list(info.pts) == sorted(set(info.pts))
        else:
            assert info.pts == ()

        for start, stop in ((0, None), (1, 3), (len(frames) - 1, None), (len(frames), None), (0, 1)):
            again = list(source.frames(start, stop))
            assert [frame.number for frame in again] == list(info.numbers[start:stop])
            for one, other in zip(again, frames[start:stop], strict=True):
                np.testing.assert_array_equal(one.pixels, other.pixels)


def test_source_from_any_position_gives_the_same_frames(tmp_path: Path, make_video: Any) -> None:
    ref = make_video(tmp_path / "v.mp4", "libx264", "yuv420p", count=24, options={"bf": "3", "g": "7"})
    with open_source(ref, max_pixels=MANY) as source:
        whole = list(source.frames())
        for start in range(24):
            frame = next(source.frames(start))
            assert (frame.number, frame.pts) == (start, whole[start].pts)
            np.testing.assert_array_equal(frame.pixels, whole[start].pixels)


def test_vfr_time_stamps_are_the_files_own(tmp_path: Path, make_video: Any) -> None:
    ref = make_video(tmp_path / "v.mov", "libx264", "yuv420p", pts=VFR)
    with open_source(ref, max_pixels=MANY) as source:
        info = source.info
        assert info.time_base is not None
        assert [stamp * info.time_base for stamp in info.pts] == [Fraction(stamp, 24000) for stamp in VFR]


def test_frame_rate_stays_a_fraction(tmp_path: Path, make_video: Any) -> None:
    ref = make_video(tmp_path / "v.mp4", "libx264", "yuv420p", count=30)
    with open_source(ref, max_pixels=MANY) as source:
        assert source.info.rate == Fraction(24000, 1001)


def test_gaps_of_a_sequence_are_reported(tmp_path: Path, ramp: Any, make_image: Any) -> None:
    ref = sequence(".png", "uint8", 3)(tmp_path, ramp, make_image, None)
    with open_source(ref, max_pixels=MANY) as source:
        assert source.info.kind == "sequence"
        assert source.info.numbers == (1001, 1002, 1004, 1005)
        assert source.info.missing == (1003,)


def test_two_files_of_one_frame_are_refused_by_name(tmp_path: Path, ramp: Any, make_image: Any) -> None:
    for number in ("1", "2", "0002"):
        make_image(tmp_path / f"shot.{number}.png", ramp(3), "uint8")
    for where in (tmp_path, tmp_path / "shot.#.png"):
        with pytest.raises(MediaError, match=r"\(shot.0002.png, shot.2.png\); keep one file"):
            open_source(locate(where), max_pixels=MANY)


def test_hidden_vp8_references_are_not_frames(tmp_path: Path, make_video: Any) -> None:
    ref = make_video(tmp_path / "all.webm", "libvpx", "yuv420p", count=8, **MS)
    with av.open(str(ref.path)) as every, av.open(str(tmp_path / "v.webm"), "w") as out:
        stream = out.add_stream_from_template(every.streams.video[0])
        for index, packet in enumerate(packet for packet in every.demux(video=0) if packet.size):
            if index == 3:
                memoryview(packet)[0] &= ~0x10  # no longer to be shown
            packet.stream = stream
            out.mux(packet)
    path = tmp_path / "v.webm"
    with open_source(MediaRef("video", path), max_pixels=MANY) as source:
        assert source.info.pts == (0, 40, 80, 160, 200, 240, 280)
        assert [frame.pts for frame in source.frames()] == list(source.info.pts)


@pytest.mark.parametrize(
    ("codec", "suffix"), [("libvpx-vp9", "webm"), ("libvpx", "webm"), ("prores_ks", "mov")]
)
def test_a_turned_video_is_turned_whether_it_has_alpha_or_not(
    tmp_path: Path, make_video: Any, codec: str, suffix: str
) -> None:
    how = VP_ALPHA if "vpx" in codec else {}
    pixel_format = "yuva420p" if "vpx" in codec else "yuva444p10le"
    made = make_video(tmp_path / f"a.{suffix}", codec, pixel_format, **how)
    turned = remuxed(made.path, tmp_path / f"turned.{suffix}", rotation=90)
    with open_source(MediaRef("video", turned), max_pixels=10**6) as source:
        assert source.info.tags is not None
        assert (source.info.channels, source.info.tags.rotation, source.info.remarks) == (4, 90, ())


@pytest.mark.parametrize(
    ("matrix", "rotation"),
    [((-1, 0, 0, 1), 0), ((0, -1, -1, 0), 90), ((0, 1, 1, 0), -90), ((1, 0, 0, -1), 180)],
)
def test_a_mirrored_video_stands_upright_and_the_mirror_is_told(
    tmp_path: Path, make_video: Any, matrix: tuple[int, int, int, int], rotation: int
) -> None:
    """matrix: what it makes of a step to the right, and of one down."""
    made = make_video(tmp_path / "a.mov", "prores_ks", "yuv422p10le")
    mirrored = remuxed(made.path, tmp_path / "mirrored.mov", matrix=matrix)
    with open_source(MediaRef("video", mirrored), max_pixels=10**6) as source:
        assert source.info.tags is not None
        assert source.info.tags.rotation == rotation
        assert source.info.remarks == (
            "mirrored.mov: players mirror it, by a tag; what is made of it is not mirrored.",
        )


def remuxed(source: Path, to: Path, *, rotation: int = 0, matrix: tuple[int, ...] | None = None) -> Path:
    """The same packets beside a display matrix."""
    with av.open(str(source)) as plate, av.open(str(to), "w") as out:
        stream = out.add_stream_from_template(plate.streams.video[0])
        stream.metadata.update(plate.streams.video[0].metadata)
        if matrix is None:
            stream.set_display_rotation(rotation)
        else:
            right_x, right_y, down_x, down_y = (n << 16 for n in matrix)
            stream.set_display_matrix((right_x, right_y, 0, down_x, down_y, 0, 0, 0, 1 << 30))
        for packet in plate.demux(video=0):
            if packet.size:
                packet.stream = stream
                out.mux(packet)
    return to


def test_video_tags_are_read(tmp_path: Path, make_video: Any) -> None:
    ref = make_video(
        tmp_path / "v.mov",
        "prores_ks",
        "yuv444p10le",
        options={"profile": "4444"},
        stream_metadata={"timecode": "01:00:00;02"},
        rate=Fraction(30000, 1001),
        time_base=Fraction(1, 30000),
        color_primaries=9,
        color_trc=16,
        colorspace=9,
        color_range=1,
        sample_aspect_ratio=Fraction(4, 3),
    )
    with open_source(ref, max_pixels=MANY) as source:
        tags = source.info.tags
    assert tags is not None
    assert (tags.primaries, tags.transfer, tags.matrix, tags.full_range) == (9, 16, 9, False)
    assert tags.timecode == "01:00:00;02"
    assert tags.sample_aspect == Fraction(4, 3)
