"""MOV and MP4 that were trimmed without coding them anew, as phones do: what was cut away is still there."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from daemon.media import Frame, locate, open_sink, open_source

MANY, RATE, CUT = 10_000_000, Fraction(25), 7
"""CUT: frames before the beginning, of a group of pictures that none of the rest can be decoded without."""


def trimmed(path: Path) -> Path:
    """Twenty frames, each brighter than the one before, and a second of sound, from frame ``CUT`` on."""
    with av.open(str(path), "w") as out:
        picture = out.add_stream("libx264", rate=RATE, options={"bf": "2", "g": "250"})
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        sound = out.add_stream("aac", rate=48000)
        made = []
        for index in range(20):
            codes = np.full((72, 64), 128, np.uint8)  # the chroma below the luma
            codes[:48] = 20 + 10 * index
            frame = av.VideoFrame.from_ndarray(codes, "yuv420p")
            frame.pts, frame.time_base = index, 1 / RATE
            made += picture.encode(frame)
            heard = av.AudioFrame.from_ndarray(np.zeros((2, 1920), np.float32), "fltp", "stereo")
            heard.sample_rate, heard.time_base, heard.pts = 48000, Fraction(1, 48000), 1920 * index
            made += sound.encode(heard)
        for packet in [*made, *picture.encode(None), *sound.encode(None)]:
            earlier = round(CUT / RATE / packet.time_base)
            packet.pts, packet.dts = packet.pts - earlier, packet.dts - earlier
            out.mux(packet)
    return path


@pytest.mark.parametrize("start", [0, 5])
def test_a_trimmed_video_is_read_from_where_it_begins(tmp_path: Path, start: int) -> None:
    with open_source(locate(trimmed(tmp_path / "a.mp4")), max_pixels=MANY) as source:
        assert len(source.info.numbers) == 20 - CUT
        frames = list(source.frames(start))
    assert [frame.number for frame in frames] == list(range(start, 20 - CUT))
    luma = [float(frame.pixels.mean()) * 219 + 16 for frame in frames]
    np.testing.assert_allclose(luma, [20 + 10 * (CUT + start + n) for n in range(len(frames))], atol=4)


@pytest.mark.parametrize("format", ["prores4444", "ffv1"])
def test_what_was_cut_from_the_sound_is_not_heard_before_the_picture(tmp_path: Path, format: str) -> None:
    with open_source(locate(trimmed(tmp_path / "a.mp4")), max_pixels=MANY) as source:
        (tmp_path / "out").mkdir()
        with open_sink(format, tmp_path / "out", "shot", source.info, channels=3) as sink:
            for frame in source.frames():
                sink.write(Frame(frame.number, frame.pixels))
            sink.finish()
    (made,) = (tmp_path / "out").iterdir()
    with av.open(str(made)) as container:
        times: dict[str, list[Fraction]] = {"audio": [], "video": []}
        for packet in container.demux():
            if packet.size and not packet.is_discard:
                times[packet.stream.type].append(packet.pts * packet.time_base)
    assert min(times["video"]) - min(times["audio"]) < Fraction(2 * 1024, 48000)
