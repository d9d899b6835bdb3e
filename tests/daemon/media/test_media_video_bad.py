"""Video that is not what it seems: refused with one sentence, or taken with a remark."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition

from daemon.media import MediaError, MediaRef, locate, open_source

MANY = 10_000_000
TFF = {"flags": "+ildct+ilme"}


def noise(index: int, plane: int, shape: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng((index, plane)).integers(16, 235, shape)


def complaint(path: Path) -> str:
    with pytest.raises(MediaError) as caught, open_source(locate(path), max_pixels=MANY) as source:
        list(source.frames())
    sentence = str(caught.value)
    assert sentence.startswith(f"{path.name}: ")
    assert sentence.endswith(".")
    assert "; " in sentence
    assert "\n" not in sentence
    return sentence


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format", "options", "size"),
    [
        ("a.mov", "libx264", "yuv420p", TFF | {"x264-params": "tff=1"}, (64, 48)),
        ("a.mxf", "mpeg2video", "yuv422p", TFF, (64, 48)),
        ("prores.mov", "prores_ks", "yuv422p10le", TFF | {"profile": "hq"}, (64, 48)),
        ("a.mkv", "mpeg2video", "yuv420p", TFF, (64, 48)),
    ],
)
def test_interlaced_video_is_refused(
    tmp_path: Path,
    make_video: Any,
    name: str,
    codec: str,
    pixel_format: str,
    options: Mapping[str, str],
    size: tuple[int, int],
) -> None:
    rate = {"rate": Fraction(25), "time_base": Fraction(1, 25)}
    make_video(tmp_path / name, codec, pixel_format, options=options, size=size, **rate)
    assert complaint(tmp_path / name) == (
        f"{name}: is interlaced; set deinterlace: frame or field, or, if it only says that it is, "
        "export it as progressive."
    )


def pictures(path: Path, *streams: Mapping[str, Any]) -> Path:
    """A file with several picture streams. Of each: size, level, and `cover` for one that is cover art."""
    with av.open(str(path), "w") as out:
        made = []
        for told in streams:
            stream = out.add_stream("mjpeg" if told.get("cover") else "libx264", rate=25)
            stream.width, stream.height = told["size"]
            stream.pix_fmt = "yuvj420p" if told.get("cover") else "yuv420p"
            if told.get("cover"):
                stream.disposition = Disposition.attached_pic
            made.append(stream)
        for number, (stream, told) in enumerate(zip(made, streams, strict=True)):
            for index in range(1 if told.get("cover") else 5):
                frame = av.VideoFrame(*told["size"], stream.pix_fmt)
                for plane in frame.planes:
                    np.frombuffer(memoryview(plane), "u1")[:] = 60 + 60 * number
                frame.pts, frame.time_base = index, Fraction(1, 25)
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("name", ["a.mov", "a.mkv"])
def test_the_first_of_two_pictures_is_taken_and_the_other_said(tmp_path: Path, name: str) -> None:
    path = pictures(tmp_path / name, {"size": (64, 48)}, {"size": (128, 96)})
    with open_source(locate(path), max_pixels=MANY) as source:
        assert source.info.remarks == (
            f"{name}: has 2 video streams; the first is taken, and the others are left out.",
        )
        assert (source.info.width, source.info.height) == (64, 48)
        assert len(list(source.frames())) == 5


@pytest.mark.parametrize(("matrix", "said"), [(14, "matrix 14 of ITU-T H.273"), (1, ""), (2, "")])
def test_a_matrix_that_is_not_known_is_said(tmp_path: Path, matrix: int, said: str) -> None:
    with av.open(str(tmp_path / "a.mkv"), "w") as out:
        stream = out.add_stream("ffv1", 25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv444p"
        stream.codec_context.colorspace = matrix
        frame = av.VideoFrame(64, 48, "yuv444p")
        frame.pts = 0
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    with open_source(locate(tmp_path / "a.mkv"), max_pixels=MANY) as source:
        remark = " ".join(source.info.remarks)
    assert (said in remark and "read by BT.601" in remark) if said else not remark


def test_cover_art_is_no_picture_of_the_clip(tmp_path: Path) -> None:
    path = pictures(tmp_path / "a.mp4", {"size": (32, 32), "cover": True}, {"size": (64, 48)})
    with av.open(str(path)) as container:
        assert any(stream.disposition & Disposition.attached_pic for stream in container.streams.video)
    with open_source(locate(path), max_pixels=MANY) as source:
        assert source.info.remarks == ()
        assert (source.info.width, source.info.height) == (64, 48)
        assert len(list(source.frames())) == 5


def joined(path: Path, *parts: MediaRef) -> Path:
    """The packets of several videos one after the other, under the header of the first."""
    with av.open(str(path), "w") as out:
        stream, at = None, 0
        for part in parts:
            with av.open(str(part.path)) as container:
                stream = stream or out.add_stream_from_template(container.streams.video[0], opaque=True)
                for packet in container.demux(video=0):
                    if packet.size:
                        packet.pts = packet.dts = at
                        packet.time_base, packet.stream, at = Fraction(1, 1000), stream, at + 40
                        out.mux(packet)
    return path


@pytest.mark.parametrize(("codec", "suffix"), [("libvpx-vp9", ".webm"), ("mjpeg", ".mkv")])
def test_a_frame_of_another_size_is_refused_by_its_number(
    tmp_path: Path, make_video: Any, codec: str, suffix: str
) -> None:
    kind = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    rate = {"rate": Fraction(25), "time_base": Fraction(1, 1000 if suffix == ".webm" else 25)}
    small = make_video(tmp_path / f"small{suffix}", codec, kind, count=3, **rate)
    large = make_video(tmp_path / f"large{suffix}", codec, kind, count=3, size=(128, 96), **rate)
    path = joined(tmp_path / f"a{suffix}", small, large)
    assert complaint(path) == f"a{suffix}: frame 3 is 128 x 96 pixels; export it at one size."


@pytest.mark.parametrize("share", [0.5, 0.9, 0.97])
def test_a_matroska_that_ends_early_is_noticed(tmp_path: Path, make_video: Any, share: float) -> None:
    ref = make_video(
        tmp_path / "a.mkv",
        "ffv1",
        "yuv420p",
        count=60,
        fill=noise,
        rate=Fraction(25),
        time_base=Fraction(1, 25),
    )
    data = ref.path.read_bytes()
    ref.path.write_bytes(data[: int(len(data) * share)])
    sentence = complaint(ref.path)
    assert "of the 2.40 s that it declares" in sentence
    assert sentence.endswith("copy it again.")


@pytest.mark.parametrize("name", ["a.mov", "a.mkv", "a.mp4"])
def test_a_file_of_sound_alone_is_refused(tmp_path: Path, name: str) -> None:
    with av.open(str(tmp_path / name), "w") as out:
        sound = out.add_stream("aac", rate=48000)
        heard = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), "fltp", "stereo")
        heard.sample_rate, heard.pts = 48000, 0
        out.mux(sound.encode(heard))
        out.mux(sound.encode(None))
    assert complaint(tmp_path / name) == f"{name}: has no video stream; supply a file with a picture in it."
