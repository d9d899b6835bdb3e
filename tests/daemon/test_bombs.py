"""Files that claim, or become, more than their size lets expect: refused before memory is taken for it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import OpenImageIO as oiio
import pytest

from daemon.media import MediaError, MediaRef, find_media, open_source

LIMIT = 1 << 20
"""Pixels, so that a picture of the limit's size takes little."""


def only(folder: Path) -> MediaRef:
    (found,) = find_media(folder)
    return found


def taken(do: Callable[[], object]) -> int:
    """Bytes of memory by which this process came to hold more."""

    def held(what: str) -> int:
        (line,) = (each for each in Path("/proc/self/status").read_text().splitlines() if what in each)
        return int(line.split()[1]) << 10

    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted anew
    before = held("VmRSS")
    do()
    return held("VmHWM") - before


def packets(codec: str, side: int, frames: int) -> list[av.Packet]:
    made = av.CodecContext.create(codec, "w")
    made.width = made.height = side
    made.pix_fmt, made.time_base, made.framerate = "yuv420p", Fraction(1, 24), 24
    made.options = {"deadline": "realtime", "cpu-used": "8"}
    out = []
    for n in range(frames):
        frame = av.VideoFrame.from_ndarray(np.full((side, side, 3), 90, np.uint8), "rgb24")
        frame = frame.reformat(format="yuv420p")
        frame.pts = n
        out += made.encode(frame)
    return out + made.encode(None)


def test_a_video_that_grows_on_the_way_takes_no_memory_for_it(tmp_path: Path) -> None:
    """VP9 says its raster in each key frame: 64 x 64 in the container, 8000 x 8000 at the third frame."""
    path = tmp_path / "shot.webm"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx-vp9", rate=24)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for n, packet in enumerate([*packets("libvpx-vp9", 64, 2), *packets("libvpx-vp9", 8000, 1)]):
            packet.stream, packet.pts, packet.dts = stream, n, n
            container.mux(packet)

    def read() -> None:
        with open_source(only(tmp_path), max_pixels=LIMIT) as source:
            with pytest.raises(MediaError, match=r"^shot\.webm: "):
                list(source.frames())

    assert taken(read) < 48 << 20  # 8000 x 8000 in 4:2:0 is 92 MiB


def png(width: int, height: int, data: bytes) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 16, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def test_a_png_of_a_few_bytes_that_unpacks_to_gigabytes_is_refused_by_its_header(tmp_path: Path) -> None:
    (tmp_path / "shot.png").write_bytes(png(20_000, 20_000, zlib.compress(bytes(10 << 20))))

    def read() -> None:
        with pytest.raises(MediaError, match=r"^shot\.png: .*header"):
            open_source(only(tmp_path), max_pixels=LIMIT)

    assert taken(read) < 48 << 20


def test_words_in_a_header_that_are_no_text_are_one_sentence(tmp_path: Path) -> None:
    """Bytes that are not UTF-8, and one that would colour a terminal, which the library quotes."""
    path = tmp_path / "shot.exr"
    out = oiio.ImageOutput.create(str(path))
    assert out.open(str(path), oiio.ImageSpec(8, 8, 3, oiio.HALF))
    assert out.write_image(np.zeros((8, 8, 3), np.float32))
    out.close()
    sound = path.read_bytes()
    for damaged in (b"\xff\xfe", b"\x1b[", b"\n\x9e"):
        path.write_bytes(sound.replace(b"chlist", damaged + b"list"))
        with pytest.raises(MediaError) as refused:
            open_source(only(tmp_path), max_pixels=LIMIT)
        assert str(refused.value).isprintable()
        assert str(refused.value).endswith("export it again.")


def test_titles_that_are_not_utf_8_are_no_fault(tmp_path: Path) -> None:
    """Cameras write Latin-1, and the picture is what matters."""
    path = tmp_path / "shot.mov"
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "scenes of a cafe"
        stream = container.add_stream("prores_ks", rate=24)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv422p10le"
        frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 90, np.uint8), "rgb24")
        frame = frame.reformat(format="yuv422p10le")
        frame.pts = 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    data = path.read_bytes()
    assert b"scenes of a cafe" in data
    path.write_bytes(data.replace(b"scenes of a cafe", b"scenes of a caf\xe9"))
    with open_source(only(tmp_path), max_pixels=LIMIT) as source:
        assert len(list(source.frames())) == 1
