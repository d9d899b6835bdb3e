"""What cannot be read is refused in one sentence that names the file and the mend."""

from __future__ import annotations

import os
import struct
import zlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from daemon.media import MediaError, MediaRef, find_media, open_source

MANY = 100_000_000


def reference(path: Path) -> MediaRef:
    kind = "video" if path.suffix in {".mp4", ".mov", ".mkv", ".webm", ".mxf"} else "still"
    return MediaRef(kind, path)


def complaint(path: Path) -> str:
    """What is said when the file is opened and read; it must be one sentence with the file's name."""
    with pytest.raises(MediaError) as caught, open_source(reference(path), max_pixels=MANY) as source:
        list(source.frames())
    sentence = str(caught.value)
    assert sentence.startswith(f"{path.name}: ")
    assert sentence.endswith(".")
    assert "; " in sentence
    assert "\n" not in sentence
    return sentence


def halve(path: Path, share: float = 0.5) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


@pytest.mark.parametrize("name", ["a.png", "a.exr", "a.jpg", "a.mov", "a.mkv"])
def test_empty_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert complaint(tmp_path / name) == f"{name}: is empty (0 bytes); copy it again."


@pytest.mark.parametrize("name", ["a.png", "a.exr", "a.tif", "a.dpx", "a.jpg", "a.mp4", "a.mkv", "a.mxf"])
def test_text_under_a_media_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("ffconcat version 1.0\nfile /etc/hostname\n" * 50)
    assert "readable" in complaint(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "depth"),
    [("a.png", "uint16"), ("a.tif", "uint16"), ("a.exr", "half"), ("a.dpx", "uint16"), ("a.jpg", "uint8")],
)
def test_cut_picture(tmp_path: Path, make_image: Any, name: str, depth: str) -> None:
    noise = np.random.default_rng(1).random((48, 64, 3)).astype(np.float32)
    path = halve(make_image(tmp_path / name, noise, depth), 0.6)
    assert "cut short or damaged" in complaint(path) or "readable" in complaint(path)


def noise(index: int, plane: int, shape: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(index).integers(16, 235, shape)


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("a.mp4", "libx264", {}),
        ("faststart.mp4", "libx264", {"movflags": "+faststart"}),
        ("a.mkv", "libx264", {}),
        ("a.webm", "libvpx", {}),
        ("a.mxf", "mpeg2video", {}),
    ],
)
@pytest.mark.parametrize("share", [0.3, 0.85])
def test_cut_video_is_refused_before_a_frame_is_given(
    tmp_path: Path, make_video: Any, name: str, codec: str, options: dict[str, str], share: float
) -> None:
    make_video(
        tmp_path / name,
        codec,
        "yuv420p",
        count=50,
        fill=noise,
        rate=Fraction(25),
        time_base=Fraction(1, 25),
        container_options=options,
    )
    halve(tmp_path / name, share)
    with pytest.raises(MediaError, match=r"cut short|ends after"):
        open_source(reference(tmp_path / name), max_pixels=MANY)


def test_video_cut_between_two_frames_is_refused(tmp_path: Path, make_video: Any) -> None:
    options = {"movflags": "+faststart"}
    ref = make_video(
        tmp_path / "a.mp4", "libx264", "yuv420p", count=20, fill=noise, container_options=options
    )
    with av.open(str(ref.path)) as container:
        places = [packet.pos for packet in container.demux(video=0) if packet.size]
    os.truncate(ref.path, places[12])
    with pytest.raises(MediaError, match=r"cut short"):
        open_source(ref, max_pixels=MANY)


def test_whole_video_with_longer_sound_is_not_taken_for_cut(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        audio = out.add_stream("pcm_s16le", rate=8000)
        for _ in range(5):
            out.mux(video.encode(av.VideoFrame(64, 48, "yuv420p")))
        out.mux(video.encode(None))
        for index in range(20):
            sound = av.AudioFrame("s16", "mono", 800)
            sound.sample_rate, sound.pts = 8000, index * 800
            out.mux(audio.encode(sound))
        out.mux(audio.encode(None))
    with open_source(reference(path), max_pixels=MANY) as source:
        assert len(list(source.frames())) == 5


def test_video_without_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.mov"
    with av.open(str(path), "w") as out:
        audio = out.add_stream("pcm_s16le", rate=8000)
        sound = av.AudioFrame("s16", "mono", 800)
        sound.sample_rate, sound.pts = 8000, 0
        out.mux(audio.encode(sound))
        out.mux(audio.encode(None))
    assert "no video stream" in complaint(path)


def png_header(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(b"\0")
    chunks = (
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        for chunk in (header, data)
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def test_enormous_picture_is_refused_by_its_header(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png_header(40_000, 40_000))
    os.truncate(path, 100_000_000)  # sparse: long enough for the header to be believed
    assert "40000 x 40000 pixels, above the limit of 100,000,000" in complaint(path)


def test_enormous_display_window_is_refused(tmp_path: Path, make_image: Any) -> None:
    windows = {"full_width": 40_000, "full_height": 40_000}
    path = make_image(tmp_path / "a.exr", np.ones((4, 4, 3), np.float32), "half", windows=windows)
    assert "40000 x 40000" in complaint(path)


def test_large_video_is_refused_before_it_is_decoded(tmp_path: Path, make_video: Any) -> None:
    ref = make_video(tmp_path / "a.mp4", "libx264", "yuv420p", count=1)
    with pytest.raises(MediaError, match=r"64 x 48 pixels, above the limit of 3,000"):
        open_source(ref, max_pixels=3_000)


def test_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"x")

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # the tests may run as root, whom no mode bits stop
    assert "permission denied" in complaint(path)


def test_vanished_file(tmp_path: Path) -> None:
    assert "not there any more" in complaint(tmp_path / "a.exr")


@pytest.mark.parametrize(("height", "width", "channels"), [(48, 65, 3), (48, 64, 4)])
def test_stranger_in_a_sequence(
    tmp_path: Path, make_image: Any, height: int, width: int, channels: int
) -> None:
    make_image(tmp_path / "a.0001.png", np.ones((48, 64, 3), np.float32))
    make_image(tmp_path / "a.0002.png", np.ones((height, width, channels), np.float32))
    (ref,) = find_media(tmp_path)
    with open_source(ref, max_pixels=MANY) as source:
        with pytest.raises(MediaError, match=r"^a\.0002\.png: .*a\.0001\.png"):
            list(source.frames())


def test_picture_without_a_usable_channel(tmp_path: Path, make_image: Any) -> None:
    path = make_image(tmp_path / "a.exr", np.ones((4, 4, 2), np.float32), "half", names=["u", "v"])
    assert "no RGB, grey or alpha channel" in complaint(path)


def test_one_pixel_video_works(tmp_path: Path, make_video: Any) -> None:
    ref = make_video(tmp_path / "a.mkv", "ffv1", "gray16le", count=2, size=(1, 1))
    with open_source(ref, max_pixels=MANY) as source:
        assert [frame.pixels.shape for frame in source.frames()] == [(1, 1, 1), (1, 1, 1)]
