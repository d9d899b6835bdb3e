"""Every video format, read back by us and by ffprobe: time, tags, colour and alpha go through as promised."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from daemon.media import CODECS, ClipInfo, Frame, MediaError, VideoTags, locate, open_sink, open_source, ycbcr
from daemon.media.video_formats import lacking, unfit

MANY = 10_000_000
SIZE = (256, 128)
INTER = ("h264", "hevc", "vp9")
MILLISECONDS = ("ffv1", "gray16", "vp9")
"""Formats in Matroska or WebM, whose time stamps are milliseconds."""

TAGS = VideoTags(1, 1, 1, False)
NTSC = Fraction(30000, 1001)


def clip(
    count: int = 6,
    *,
    rate: Fraction = Fraction(24000, 1001),
    time_base: Fraction = Fraction(1, 24000),
    pts: tuple[int, ...] | None = None,
    size: tuple[int, int] = SIZE,
    tags: VideoTags = TAGS,
) -> ClipInfo:
    stamps = pts or tuple(round(n / rate / time_base) for n in range(count))
    numbers = tuple(range(len(stamps)))
    return ClipInfo("video", *size, 3, numbers, (), "display", 8, False, rate, time_base, stamps, tags)


CLIPS = {
    "23.976": clip(30),
    "29.97 drop-frame": clip(
        30, rate=NTSC, time_base=Fraction(1, 30000), tags=replace(TAGS, timecode="00:59:59;28")
    ),
    "starts at 01:00:00:00": clip(30, tags=replace(TAGS, timecode="01:00:00:00")),
    "starts an hour late": clip(pts=tuple(3600 * 24000 + n * 1001 for n in range(30))),
    "variable rate": clip(pts=(0, 1001, 2002, 5005, 5100, 9009, 90090)),
    "BT.2020 PQ": clip(tags=replace(TAGS, primaries=9, transfer=16, matrix=9)),
    "anamorphic": clip(tags=replace(TAGS, sample_aspect=Fraction(4, 3))),
    "on its side": clip(tags=replace(TAGS, rotation=90)),
}


def channels_of(format: str) -> int:
    return min(3, max(CODECS[format].pixel_formats))


def flat(channels: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    return np.full((size[1], size[0], channels), 0.5, np.float32)


def make(
    folder: Path,
    format: str,
    like: ClipInfo,
    pixels: np.ndarray | Callable[[int], np.ndarray],
    chunk: int = 4,
) -> Path:
    first = pixels(0) if callable(pixels) else pixels
    with open_sink(format, folder, "shot", like, channels=first.shape[2]) as sink:
        for number in like.numbers:
            sink.write(Frame(number, pixels(number) if callable(pixels) else pixels))
            if number % chunk == chunk - 1:
                sink.commit()
        sink.finish()
    (made,) = folder.iterdir()
    return made


def read(path: Path) -> tuple[ClipInfo, list[np.ndarray]]:
    with open_source(locate(path), max_pixels=MANY) as source:
        return source.info, [frame.pixels for frame in source.frames()]


def seconds(info: ClipInfo) -> list[Fraction]:
    assert info.time_base is not None
    return [stamp * info.time_base for stamp in info.pts]


def probe(path: Path, *entries: str) -> dict[str, Any]:
    """What ffprobe says of a file's first picture stream, its packets among it."""
    if shutil.which("ffprobe") is None:
        pytest.skip("ffprobe is not installed")
    command = ["ffprobe", "-v", "error", "-of", "json", "-show_streams", "-show_format", *entries, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    told = json.loads(done.stdout)
    (video,) = (stream for stream in told["streams"] if stream["codec_type"] == "video")
    return {**told, "video": video}


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


@pytest.mark.parametrize("name", CLIPS)
@pytest.mark.parametrize("format", CODECS)
def test_ffprobe_reads_the_same_time_and_tags(tmp_path: Path, format: str, name: str) -> None:
    like = CLIPS[name]
    told = probe(
        make(tmp_path, format, like, flat(channels_of(format))), "-show_entries", "packet=pts,codec_type"
    )
    video = told["video"]
    assert like.tags is not None
    base = Fraction(video["time_base"])
    stamps = sorted(
        int(packet["pts"]) * base for packet in told["packets"] if packet["codec_type"] == "video"
    )
    slack = Fraction(1, 2000) if format in MILLISECONDS else 0
    for came, went in zip(stamps, seconds(like), strict=True):
        assert abs(came - went) <= slack
    texts = {key.lower(): text for key, text in video.get("tags", {}).items()}
    assert texts.get("timecode") == like.tags.timecode
    assert video.get("color_primaries") == {1: "bt709", 9: "bt2020"}[like.tags.primaries]
    assert video.get("color_transfer") == {1: "bt709", 16: "smpte2084"}[like.tags.transfer]
    if like.tags.sample_aspect != 1:
        assert video["sample_aspect_ratio"] == "4:3"
    rotations = [side["rotation"] for side in video.get("side_data_list", []) if "rotation" in side]
    assert rotations == ([like.tags.rotation] if like.tags.rotation else [])


def patches(matrix: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Thirty-two colours in squares of 32 pixels: float32 [128, 256, 3], and their codes of ten bits."""
    codes = (
        np.random.default_rng(seed).integers((64, 240, 240), (941, 785, 785), (4, 8, 3)).astype(np.float64)
    )
    codes = codes.repeat(32, 0).repeat(32, 1)
    to_rgb = ycbcr.to_rgb(matrix, False, 10)
    return (codes @ to_rgb[:, :3].T + to_rgb[:, 3]).astype(np.float32), codes


def inside(picture: np.ndarray) -> np.ndarray:
    """The patches without their rims, which 4:2:0 and 4:2:2 mix with their neighbours."""
    return picture.reshape(4, 32, 8, 32, -1)[:, 8:-8, :, 8:-8]


@pytest.mark.parametrize("matrix", [1, 6, 9])
@pytest.mark.parametrize(
    ("format", "bits"),
    [("prores4444", 10), ("prores422hq", 10), ("dnxhr", 10), ("hevc", 10), ("h264", 8), ("vp9", 8)],
)
def test_colour_patches_are_right_to_one_code_value(
    tmp_path: Path, format: str, bits: int, matrix: int
) -> None:
    rgb, codes = patches(matrix)
    like = clip(tags=replace(TAGS, matrix=matrix))
    info, frames = read(make(tmp_path, format, like, rgb))
    assert info.tags is not None
    assert info.tags.matrix == matrix
    stored = np.floor(codes / 2 ** (10 - bits) + 0.5)
    to_codes = ycbcr.from_rgb(matrix, False, bits)
    for frame in frames:
        came = frame.astype(np.float64) @ to_codes[:, :3].T + to_codes[:, 3]
        assert np.abs(inside(came - stored)).max() <= 1.001  # the float's own rounding beside


def test_prores_4444_patches_are_the_same_codes_to_ffmpeg(tmp_path: Path) -> None:
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed")
    rgb, codes = patches(1)
    alpha = np.tile(np.arange(256) * 1023 // 255, (128, 1))
    path = make(tmp_path, "prores4444", clip(1), np.dstack([rgb, alpha / 1023]).astype(np.float32))
    command = ["ffmpeg", "-v", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "yuva444p12le", "-"]
    planes = np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, "<u2")
    luma, cb, cr, stored = planes.reshape(4, 128, 256).astype(np.float64)
    assert np.abs(np.dstack([luma, cb, cr]) / 4 - codes).max() <= 1
    assert np.abs(stored / 4095 - alpha / 1023).max() <= 1 / 1023
    assert (stored[alpha == 0] == 0).all()
    assert (stored[alpha == 1023] == 4095).all()


@pytest.mark.parametrize("format", ["prores4444", "ffv1", "movpng"])
def test_alpha_survives_and_its_ends_are_exact(tmp_path: Path, format: str) -> None:
    rng = np.random.default_rng(2)
    pixels = rng.random((128, 256, 4)).astype(np.float32)
    pixels[:, :64, 3], pixels[:, 64:128, 3] = 0, 1
    _, frames = read(make(tmp_path, format, clip(3), pixels))
    for frame in frames:
        assert (frame[:, :64, 3] == 0).all()
        assert (frame[:, 64:128, 3] == 1).all()
        assert np.abs(frame[..., 3] - pixels[..., 3]).max() <= 1 / 1023


def test_vp9_keeps_the_ends_of_alpha_and_little_noise_between(tmp_path: Path) -> None:
    pixels = flat(4)
    pixels[..., 3] = np.clip(np.linspace(-0.5, 1.5, 256), 0, 1)
    path = make(tmp_path, "vp9", clip(8), pixels)
    told = probe(path)["video"]
    assert {key.lower(): text for key, text in told["tags"].items()}["alpha_mode"] == "1"
    _, frames = read(path)
    for frame in frames:
        assert frame.shape == (128, 256, 4)
        assert (frame[:, :32, 3] == 0).all()
        assert (frame[:, -32:, 3] == 1).all()
        np.testing.assert_allclose(frame[..., 3], pixels[..., 3], atol=3 / 255)


@pytest.mark.parametrize(
    ("format", "channels"), [("movpng", 1), ("movpng", 3), ("movpng", 4), ("gray16", 1), ("ffv1", 4)]
)
def test_what_is_lossless_keeps_sixteen_bits(tmp_path: Path, format: str, channels: int) -> None:
    codes = np.random.default_rng(channels).integers(0, 65536, (128, 256, channels))
    info, frames = read(make(tmp_path, format, clip(5), (codes / 65535).astype(np.float32)))
    assert (info.channels, info.bits) == (channels, 16)
    for frame in frames:
        np.testing.assert_array_equal(np.round(frame.astype(np.float64) * 65535), codes)


@pytest.mark.parametrize("format", [name for name in CODECS if name not in ("gray16", "ffv1", "movpng")])
def test_a_matte_is_a_grey_picture_black_at_nought_and_white_at_one(tmp_path: Path, format: str) -> None:
    matte = np.zeros((128, 256, 1), np.float32)
    matte[:, 128:] = 1
    _, frames = read(make(tmp_path, format, clip(3), matte))
    for frame in frames:
        np.testing.assert_allclose(frame[:, :112], 0, atol=1 / 219)
        np.testing.assert_allclose(frame[:, 144:], 1, atol=1 / 219)


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
