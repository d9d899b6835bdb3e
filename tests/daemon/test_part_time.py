"""What goes with a part of a video: its PTS, its time code and its sound."""

from __future__ import annotations

import json
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import OpenImageIO as oiio
import pytest

from daemon.engine import Engine
from daemon.media import ClipInfo, VideoTags
from daemon.part import Part
from tests.daemon.cases import trimap, write
from tests.daemon.parts import moving, numbers, video
from tests.daemon.stills import HEIGHT, WIDTH, make


def packets(path: Path) -> list[tuple[Fraction, Fraction, bytes]]:
    """Of the sound: begin and end in seconds, and bytes."""
    with av.open(str(path)) as container:
        return [
            (p.pts * p.time_base, (p.pts + p.duration) * p.time_base, bytes(p))
            for p in container.demux(container.streams.audio[0])
            if p.size
        ]


def samples(found: list[tuple[Fraction, Fraction, bytes]]) -> bytes:
    return b"".join(data for _, _, data in found)


def test_a_part_of_a_video_begins_when_it_begins_with_its_sound_and_time_code(
    tmp_path: Path, engine: Engine
) -> None:
    video(tmp_path / "in")
    form = {"format": "prores4444"}
    made = make(tmp_path / "in", engine, tmp_path / "out", frames="10-13", outputs={"composite": form})
    with av.open(str(made / "shot_composite.mov")) as container:
        stream = container.streams.video[0]
        assert stream.metadata["timecode"] == "01:01:00;02"  # :00 and :01 of that minute do not exist
        stamps = [packet.pts * packet.time_base for packet in container.demux(stream) if packet.size]
    begin, end = (30030 + Fraction(n) * 1001 for n in (10, 14))
    assert stamps == [(begin + n * 1001) / 30000 for n in range(4)]
    heard, plate = packets(made / "shot_composite.mov"), packets(tmp_path / "in/shot.mov")
    # Packets of the same sound are cut by each reader as it likes, so the sound is compared sample by sample.
    step = 4 * 48000
    at = round((heard[0][0] - plate[0][0]) * step)
    assert samples(heard) == samples(plate)[at : at + len(samples(heard))]
    packet = max(stop - start for start, stop, _ in plate)
    assert begin / 30000 - packet < heard[0][0] <= begin / 30000
    assert end / 30000 <= heard[-1][1] < end / 30000 + packet


@pytest.mark.parametrize(("frames", "first"), [("0-9", 0), ("10-19", 19), ("30-", 57)])
def test_the_packets_of_compressed_sound_stay_as_they_are(
    tmp_path: Path, engine: Engine, frames: str, first: int
) -> None:
    """AAC begins before 0, by its priming: a part that begins with the plate has that, too."""
    (tmp_path / "in").mkdir()
    write(tmp_path / "in/shot_trimap.png", trimap())
    with av.open(str(tmp_path / "in/shot.mov"), "w") as out:
        pictures = out.add_stream("png", rate=25)
        pictures.width, pictures.height, pictures.pix_fmt = WIDTH, HEIGHT, "rgb24"
        sound = out.add_stream("aac", rate=48000)
        for index in range(40):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(moving(0)[..., ::-1]), "rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            out.mux(pictures.encode(frame))
            noise = np.random.default_rng(index).random((2, 1920), np.float32) - 0.5
            heard = av.AudioFrame.from_ndarray(noise, "fltp", "stereo")
            heard.sample_rate, heard.pts = 48000, index * 1920
            out.mux(sound.encode(heard))
        out.mux(pictures.encode(None))
        out.mux(sound.encode(None))
    made = make(tmp_path / "in", engine, tmp_path / "out", frames=frames, outputs={"alpha": {}})
    plate, kept = packets(tmp_path / "in/shot.mov"), packets(made / "shot_alpha.mov")
    assert plate[0][0] < 0
    assert [data for _, _, data in kept] == [data for _, _, data in plate[first : first + len(kept)]]
    tick = Fraction(1, 5000)  # at most: an edit list counts in the movie's time scale
    assert all(abs(mine[0] - whole[0]) < tick for mine, whole in zip(kept, plate[first:], strict=False))
    begin, end = {"0-9": (0.0, 0.4), "10-19": (0.4, 0.8), "30-": (1.2, 1.6)}[frames]
    assert kept[0][0] <= begin + tick
    assert kept[-1][1] >= end - tick
    assert len(kept) <= (end - begin) * 48000 / 1024 + 3


def test_pictures_of_a_part_of_a_video_have_their_own_numbers_and_time_codes(
    tmp_path: Path, engine: Engine
) -> None:
    video(tmp_path / "in")
    how: dict[str, object] = {"outputs": {"alpha": {"format": "exr"}}}
    whole = make(tmp_path / "in", engine, tmp_path / "whole", **how)
    part = make(tmp_path / "in", engine, tmp_path / "out", frames="9-11", **how)
    assert numbers(part) == [9, 10, 11]

    def code(made: Path, number: int) -> object:
        path = made / f"alpha/shot_alpha.{number:04d}.exr"
        return oiio.ImageInput.open(str(path)).spec().getattribute("smpte:TimeCode")

    assert code(part, 9) is not None
    assert [code(part, n) for n in (9, 10, 11)] == [code(whole, n) for n in (9, 10, 11)]


def timed(*pts: int, timecode: str | None) -> ClipInfo:
    """A video at 25 frames a second, in thousandths of a second."""
    return ClipInfo(
        kind="video",
        width=64,
        height=36,
        channels=3,
        numbers=tuple(range(len(pts))),
        missing=(),
        encoding="display",
        bits=8,
        is_float=False,
        rate=Fraction(25),
        time_base=Fraction(1, 1000),
        pts=pts,
        tags=VideoTags(timecode=timecode),
    )


def test_at_a_variable_rate_time_code_goes_by_the_time_that_has_passed() -> None:
    info = timed(500, 540, 1540, 1580, timecode="10:00:00:00")
    part = Part.of("shot.mkv", info, "2-", 0)
    assert part.info.tags == VideoTags(timecode="10:00:01:01")  # 1.04 s
    assert part.info.pts == (1540, 1580)
    assert part.sentences == ()
    assert Part.of("shot.mkv", info, "0-1", 0).info.tags == info.tags


def test_a_time_code_that_cannot_be_counted_is_left_out_and_said() -> None:
    part = Part.of("shot.mkv", timed(0, 40, 80, timecode="at noon"), "1-2", 0)
    assert part.info.tags == VideoTags()
    assert part.sentences == ("shot.mkv: its time code cannot be counted on to frame 1, and is left out.",)


def test_ffprobe_finds_the_start_and_the_time_code(tmp_path: Path, engine: Engine) -> None:
    if shutil.which("ffprobe") is None:
        pytest.skip("ffprobe is not installed")
    video(tmp_path / "in")
    made = make(tmp_path / "in", engine, tmp_path / "out", frames="10-13", outputs={"alpha": {}})
    command = ["ffprobe", "-v", "error", "-show_streams", "-of", "json", str(made / "shot_alpha.mov")]
    streams = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["streams"]
    (picture,) = (each for each in streams if each["codec_type"] == "video")
    assert float(picture["start_time"]) == pytest.approx(40040 / 30000, abs=1e-6)
    assert picture["nb_frames"] == "4"
    assert picture["tags"]["timecode"] == "01:01:00;02"
    assert any(each["codec_type"] == "audio" for each in streams)
