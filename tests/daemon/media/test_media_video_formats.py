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
    folder: Path, format: str, like: ClipInfo, pixels: np.ndarray | Callable[[int], np.ndarray], chunk: int = 4
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
    stamps = sorted(int(packet["pts"]) * base for packet in told["packets"] if packet["codec_type"] == "video")
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
