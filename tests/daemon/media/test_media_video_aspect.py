"""Pixel aspect in Matroska and WebM: written into the header without moving or harming anything else."""

from __future__ import annotations

import shutil
import subprocess
import zlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from daemon.media import ClipInfo, Frame, VideoTags, locate, open_sink, open_source
from daemon.media.video_aspect import write_aspect

MANY = 10_000_000

# Raster, pixel aspect: HDV, PAL wide, NTSC (whose display width is no whole number), and tall pixels.
ASPECTS = [
    ((1440, 1080), Fraction(4, 3)),
    ((720, 576), Fraction(64, 45)),
    ((720, 486), Fraction(10, 11)),
    ((64, 48), Fraction(1, 2)),
]


def make(folder: Path, format: str, size: tuple[int, int], aspect: Fraction, count: int = 3) -> Path:
    like = ClipInfo(
        kind="video", width=size[0], height=size[1], channels=3, numbers=tuple(range(count)), missing=(),
        encoding="display", bits=8, is_float=False, rate=Fraction(25), time_base=Fraction(1, 25),
        pts=tuple(range(count)), tags=VideoTags(1, 1, 1, False, aspect, "10:00:00:00"),
    )  # fmt: skip
    folder.mkdir(exist_ok=True)
    with open_sink(format, folder, "shot", like, channels=1) as sink:
        for number in like.numbers:
            sink.write(Frame(number, np.full((size[1], size[0], 1), number / count, np.float32)))
        sink.finish()
    (made,) = folder.iterdir()
    return made


@pytest.mark.parametrize(("size", "aspect"), ASPECTS)
@pytest.mark.parametrize("format", ["gray16", "vp9"])
def test_the_aspect_is_read_back_and_the_rest_is_whole(
    tmp_path: Path, format: str, size: tuple[int, int], aspect: Fraction
) -> None:
    path = make(tmp_path, format, size, aspect)
    with open_source(locate(path), max_pixels=MANY) as source:
        assert source.info.tags is not None
        assert source.info.tags.sample_aspect == aspect
        assert source.info.tags.timecode == "10:00:00:00"
        assert [frame.pts for frame in source.frames()] == [0, 40, 80]
        np.testing.assert_allclose(next(source.frames(2)).pixels, 2 / 3, atol=0.01)


def test_a_display_of_whole_pixels_is_given_in_pixels(tmp_path: Path) -> None:
    path = make(tmp_path, "gray16", (1440, 1080), Fraction(4, 3))
    assert b"\x54\xb0\x82" + (1920).to_bytes(2) + b"\x54\xba\x82" + (1080).to_bytes(2) in path.read_bytes()


@pytest.mark.parametrize("format", ["gray16", "vp9"])
def test_nothing_behind_the_header_moves(tmp_path: Path, format: str) -> None:
    plain = make(tmp_path / "plain", format, (64, 48), Fraction(1))
    before = plain.read_bytes()
    with av.open(str(plain)) as container:
        places = [packet.pos for packet in container.demux(video=0) if packet.size]
    write_aspect(plain, 64, 48, Fraction(4, 3))
    after = plain.read_bytes()
    assert len(after) == len(before)
    assert after[places[0] :] == before[places[0] :]
    assert after != before


@pytest.mark.parametrize("aspect", [Fraction(1), Fraction(4, 3)])  # as the muxer left it, and as we did
def test_checksums_are_right(tmp_path: Path, aspect: Fraction) -> None:
    data = make(tmp_path, "gray16", (64, 48), aspect).read_bytes()
    for name in ("114d9b74", "1549a966", "1654ae6b"):  # SeekHead, Info and Tracks, each with a CRC-32 first
        at = data.rindex(bytes.fromhex(name)) + 4  # the last: the seek head names them too
        length = 9 - data[at].bit_length()
        size = int.from_bytes(data[at : at + length]) & ((1 << 7 * length) - 1)
        body = data[at + length : at + length + size]
        assert body[:2] == b"\xbf\x84"
        assert int.from_bytes(body[2:6], "little") == zlib.crc32(body[6:])


@pytest.mark.parametrize("format", ["gray16", "vp9"])
def test_ffprobe_finds_the_aspect_and_no_fault(tmp_path: Path, format: str) -> None:
    if shutil.which("ffprobe") is None:
        pytest.skip("ffprobe is not installed")
    path = make(tmp_path, format, (64, 48), Fraction(4, 3))
    entries = ("-show_entries", "stream=sample_aspect_ratio", "-of", "csv=p=0")
    command = ["ffprobe", "-v", "warning", *entries, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == ("4:3", "")
