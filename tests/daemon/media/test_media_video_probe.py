"""What software that is not ours finds in our video: ffprobe and MediaInfo, where they are installed."""

from __future__ import annotations

import json
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from daemon.media import CODECS, VideoTags
from tests.daemon.media.videos import (
    CLIPS,
    MILLISECONDS,
    NTSC,
    SIZE,
    channels_of,
    clip,
    flat,
    make,
    seconds,
)


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


@pytest.mark.parametrize(("format", "pixel_format"), [("prores4444", "yuva444p12le"), ("movpng", "rgba64be")])
def test_ffprobe_finds_alpha(tmp_path: Path, format: str, pixel_format: str) -> None:
    assert probe(make(tmp_path, format, clip(2), flat(4)))["video"]["pix_fmt"] == pixel_format


@pytest.mark.parametrize("channels", [3, 4])
def test_ffprobe_finds_alpha_in_webm_where_there_is_one(tmp_path: Path, channels: int) -> None:
    tags = probe(make(tmp_path, "vp9", clip(2), flat(channels)))["video"]["tags"]
    assert {key.lower(): text for key, text in tags.items()}.get("alpha_mode") == {3: None, 4: "1"}[channels]


KINDS = {
    "prores4444": ("ProRes", "4444", "YUVA", None),
    "ffv1": ("FFV1", None, "RGBA", "16"),
    "gray16": ("FFV1", None, "Y", "16"),
    "movpng": ("PNG", None, "RGBA", "16"),
    "prores422hq": ("ProRes", "422 HQ", "YUV", None),
    "dnxhr": ("VC-3", "RI", "YUV", "10"),
    "h264": ("AVC", "High", "YUV", "8"),
    "hevc": ("HEVC", "Main 10", "YUV", "10"),
    "vp9": ("VP9", "0", "YUV", "8"),
}
"""What MediaInfo calls a format: its codec, profile, colour space and depth, where it tells them."""


@pytest.mark.parametrize("format", CODECS)
def test_mediainfo_reads_codec_time_code_aspect_and_tags(tmp_path: Path, format: str) -> None:
    if shutil.which("mediainfo") is None:
        pytest.skip("mediainfo is not installed")
    tags = VideoTags(9, 16, 9, False, Fraction(4, 3), "00:59:59;28")
    like = clip(30, rate=NTSC, time_base=Fraction(1, 30000), tags=tags)
    path = make(tmp_path, format, like, flat(max(CODECS[format].pixel_formats)))
    command = ["mediainfo", "--Output=JSON", str(path)]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    tracks = told["media"]["track"]
    (video,) = (track for track in tracks if track["@type"] == "Video")
    codec, profile, space, depth = KINDS[format]
    assert (video["Format"], video["ColorSpace"]) == (codec, space)
    assert profile in (None, video.get("Format_Profile"))
    assert depth in (None, video.get("BitDepth"))
    assert (video["Width"], video["Height"]) == tuple(str(side) for side in SIZE)
    assert (video["FrameCount"], video["FrameRate_Num"], video["FrameRate_Den"]) == ("30", "30000", "1001")
    assert video["PixelAspectRatio"] == "1.333"
    assert (video["colour_primaries"], video["transfer_characteristics"]) == ("BT.2020", "PQ")
    assert video.get("ScanType", "Progressive") == "Progressive"
    assert [track["TimeCode_FirstFrame"] for track in tracks if "TimeCode_FirstFrame" in track] == [
        "00:59:59;28"
    ]
