"""The plate's sound: packet by packet what it was, in step with the picture, or left out aloud."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.audio.stream import AudioStream

from daemon.media import CODECS, ClipInfo, Frame, MediaError, locate, open_sink, open_source, video_chunks
from daemon.media.video_formats import silence
from daemon.media.video_sound import Timed

MANY = 10_000_000
SIZE = (256, 128)

PLATES: dict[str, tuple[str, ...]] = {
    "pcm.mov": ("pcm_s16le",),
    "deep.mov": ("pcm_s24be",),
    "float.mov": ("pcm_f32le",),
    "aac.mp4": ("aac",),
    "two.mov": ("pcm_s24le", "aac"),
    "flac.mkv": ("flac",),
    "opus.webm": ("libopus",),
    "vorbis.mkv": ("vorbis",),
    "alac.mkv": ("alac",),
    "pcm.mxf": ("pcm_s16le",),
}
LEFT_OUT = {
    "mov": {"flac.mkv": "flac", "opus.webm": "opus", "vorbis.mkv": "vorbis"},
    "matroska": {},
    "webm": {
        "pcm.mov": "pcm_s16le",
        "deep.mov": "pcm_s24be",
        "float.mov": "pcm_f32le",
        "aac.mp4": "aac",
        "two.mov": "pcm_s24le and aac",
        "flac.mkv": "flac",
        "alac.mkv": "alac",
        "pcm.mxf": "pcm_s16le",
    },
}
"""What a container does not take, by plate."""


def plate(path: Path, codecs: tuple[str, ...], *, start: Fraction = Fraction(0), late: int = 0) -> Path:
    """Twelve frames with noise for sound. start: of the picture, in seconds. late: samples that the sound
    starts after it.
    """
    rate = Fraction(25) if path.suffix == ".mxf" else Fraction(24000, 1001)
    picture = {".webm": "libvpx", ".mxf": "mpeg2video"}.get(path.suffix, "libx264")
    with av.open(str(path), "w") as out:
        video = out.add_stream(picture, rate=rate, options={"bf": "0"})
        video.width, video.height, video.pix_fmt = *SIZE, "yuv420p"
        if path.suffix != ".mxf":
            video.time_base = video.codec_context.time_base = Fraction(1, 24000)
        base = video.codec_context.time_base or 1 / rate
        sounds = [add_sound(out, codec, number) for number, codec in enumerate(codecs)]
        for index in range(12):
            frame = av.VideoFrame(*SIZE, "yuv420p")
            frame.pts, frame.time_base = round((start + index / rate) / base), base
            out.mux(video.encode(frame))
            for number, sound in enumerate(sounds):
                noise = np.random.default_rng((index, number)).integers(-9999, 9999, (1, 4000), np.int16)
                heard = av.AudioFrame.from_ndarray(noise, "s16", "stereo")
                heard.sample_rate, heard.time_base = 48000, Fraction(1, 48000)
                heard.pts = round(start * 48000) + late + index * 2000
                out.mux(sound.encode(heard))
        for stream in (video, *sounds):
            out.mux(stream.encode(None))
    return path


def add_sound(out: av.container.OutputContainer, codec: str, number: int) -> AudioStream:
    sound = out.add_stream(codec, rate=48000, options={"strict": "-2"} if codec == "vorbis" else {})
    assert isinstance(sound, AudioStream)
    sound.metadata["language"] = ("eng", "fra")[number]
    return sound


def make(source: Path, folder: Path, format: str, chunk: int = 5) -> Path:
    channels = min(3, max(CODECS[format].pixel_formats))
    folder.mkdir(exist_ok=True)
    with open_source(locate(source), max_pixels=MANY) as clip:
        with open_sink(format, folder, "shot", clip.info, channels=channels) as sink:
            for frame in clip.frames():
                sink.write(Frame(frame.number, np.ascontiguousarray(frame.pixels[..., :channels])))
                if frame.number % chunk == chunk - 1:
                    sink.commit()
            sink.finish()
    (made,) = folder.iterdir()
    return made


def packets(path: Path) -> list[tuple[list[Fraction], bytes]]:
    """Of each audio stream, the times of its packets, in seconds, and their bytes."""
    with av.open(str(path)) as container:
        heard: dict[int, tuple[list[Fraction], bytes]] = {s.index: ([], b"") for s in container.streams.audio}
        for packet in container.demux():
            if packet.size and packet.stream_index in heard:
                assert packet.pts is not None
                times, data = heard[packet.stream_index]
                times.append(packet.pts * packet.time_base)
                heard[packet.stream_index] = (times, data + bytes(packet))
    return list(heard.values())


def first_picture(path: Path) -> Fraction:
    with open_source(locate(path), max_pixels=MANY) as source:
        assert source.info.time_base is not None
        return source.info.pts[0] * source.info.time_base


def info_of(path: Path) -> ClipInfo:
    with open_source(locate(path), max_pixels=MANY) as source:
        return source.info


@pytest.mark.parametrize("name", PLATES)
@pytest.mark.parametrize("format", ["prores4444", "h264", "ffv1", "vp9"])
def test_sound_goes_through_byte_for_byte_and_in_step(tmp_path: Path, format: str, name: str) -> None:
    source = plate(tmp_path / name, PLATES[name])
    made = make(source, tmp_path / "out", format)
    if name in LEFT_OUT[CODECS[format].container]:
        assert packets(made) == []
        return
    went, came = packets(source), packets(made)
    assert [data for _, data in came] == [data for _, data in went]
    before, after = first_picture(source), first_picture(made)
    for (heard, _), (told, _) in zip(came, went, strict=True):
        assert abs((heard[0] - after) - (told[0] - before)) <= Fraction(1, 1000)
        if not any("pcm" in codec for codec in PLATES[name]):  # which MOV gives back in pieces of its choice
            for one, other in zip(heard, told, strict=True):
                assert abs((one - after) - (other - before)) <= Fraction(1, 1000)


@pytest.mark.parametrize("name", PLATES)
@pytest.mark.parametrize("format", ["prores4444", "ffv1", "vp9"])
def test_what_is_left_out_is_said(tmp_path: Path, format: str, name: str) -> None:
    info = info_of(plate(tmp_path / name, PLATES[name]))
    missing = LEFT_OUT[CODECS[format].container].get(name)
    assert silence(format, info) == (
        f"cannot hold the plate's {missing} audio, which is left out" if missing else None
    )


def test_a_clip_without_sound_and_a_picture_format_leave_nothing_out(tmp_path: Path) -> None:
    assert silence("vp9", info_of(plate(tmp_path / "mute.mov", ()))) is None
    assert silence("png", info_of(plate(tmp_path / "pcm.mov", ("pcm_s16le",)))) is None


@pytest.mark.parametrize("format", ["prores4444", "ffv1"])
@pytest.mark.parametrize(("start", "late"), [(0, 24_000), (3600, 0), (3600, 4_800), (2, -48_000)])
def test_picture_and_sound_start_where_they_did(tmp_path: Path, format: str, start: int, late: int) -> None:
    source = plate(tmp_path / "a.mov", ("pcm_s16le",), start=Fraction(start), late=late)
    made = make(source, tmp_path / "out", format)
    slack = Fraction(1, 1000) if format == "ffv1" else 0
    assert abs(first_picture(made) - start) <= slack
    ((heard, _),) = packets(made)
    assert abs(heard[0] - start - Fraction(late, 48_000)) <= slack


def test_every_track_keeps_its_language(tmp_path: Path) -> None:
    made = make(plate(tmp_path / "two.mov", PLATES["two.mov"]), tmp_path / "out", "prores4444")
    with av.open(str(made)) as container:
        assert [stream.language for stream in container.streams.audio] == ["eng", "fra"]


def test_a_language_that_mov_calls_otherwise_is_kept(tmp_path: Path) -> None:
    with (
        av.open(str(plate(tmp_path / "a.mp4", ("aac",)))) as source,
        av.open(str(tmp_path / "deu.mp4"), "w") as out,
    ):
        added = {each.index: out.add_stream_from_template(each) for each in source.streams}
        for stream in added.values():
            stream.metadata["language"] = "deu"
        for packet in source.demux():
            if packet.size:
                packet.stream = added[packet.stream_index]
                out.mux(packet)
    with av.open(str(make(tmp_path / "deu.mp4", tmp_path / "out", "prores4444"))) as container:
        assert container.streams.audio[0].language == "ger"


@pytest.mark.parametrize("format", ["prores4444", "ffv1"])
def test_the_bytes_with_sound_do_not_depend_on_where_chunks_meet(tmp_path: Path, format: str) -> None:
    source = plate(tmp_path / "two.mov", PLATES["two.mov"])
    one, other = (make(source, tmp_path / f"out{chunk}", format, chunk) for chunk in (2, 7))
    assert one.read_bytes() == other.read_bytes()


def test_sound_lies_beside_the_picture_that_it_belongs_to(tmp_path: Path) -> None:
    made = make(plate(tmp_path / "a.mov", ("pcm_s16le",)), tmp_path / "out", "prores4444")
    with av.open(str(made)) as container:
        places = [(packet.pos, packet.stream.type) for packet in container.demux() if packet.size]
    kinds = [kind for _, kind in sorted(places)]
    assert max(len(run) for run in "".join(kind[0] for kind in kinds).split("v")) <= 3


def test_a_plate_that_is_gone_when_its_sound_is_due_is_said(tmp_path: Path) -> None:
    source = plate(tmp_path / "a.mov", ("pcm_s16le",))
    info = info_of(source)
    source.unlink()
    picture = np.zeros((128, 256, 3), np.float32)
    (tmp_path / "out").mkdir()
    with open_sink("prores4444", tmp_path / "out", "shot", info, channels=3) as sink:
        for number in info.numbers:
            sink.write(Frame(number, picture))
        with pytest.raises(MediaError, match=r"^a\.mov: "):
            sink.finish()
    assert [path.name for path in (tmp_path / "out").iterdir()] == [".shot.00000000.mov"]


@pytest.mark.parametrize("format", ["prores4444", "hevc", "ffv1"])
def test_ffmpeg_hears_the_same_sound(tmp_path: Path, format: str) -> None:
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed")

    def heard(path: Path) -> str:
        command = ["ffmpeg", "-v", "error", "-i", path, "-map", "0:a", "-c", "copy", "-f", "data", "-"]
        return hashlib.sha256(subprocess.run(command, capture_output=True, check=True).stdout).hexdigest()

    source = plate(tmp_path / "a.mov", ("pcm_s24le",))
    assert heard(make(source, tmp_path / "out", format)) == heard(source)


@pytest.mark.parametrize("format", ["movpng", "gray16"])
def test_pictures_do_not_pile_up_in_memory_behind_sound_that_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: str
) -> None:
    info = info_of(plate(tmp_path / "a.mov", ("pcm_s16le",)))  # half a second of it
    stamps = tuple(number * 1001 for number in range(60))
    like = replace(info, numbers=tuple(range(60)), pts=stamps)
    noise = np.random.default_rng(1).random((128, 256, 1)).astype(np.float32)
    (tmp_path / "out").mkdir()
    joined = tmp_path / f"out/.shot.joined{CODECS[format].suffix}"
    pictures, sizes = video_chunks._pictures, list[int]()

    def watched(*args: Any) -> Iterator[Timed]:
        for timed in pictures(*args):
            sizes.append(joined.stat().st_size if joined.exists() else 0)
            yield timed

    monkeypatch.setattr(video_chunks, "_pictures", watched)
    with open_sink(format, tmp_path / "out", "shot", like, channels=1) as sink:
        for number in like.numbers:
            sink.write(Frame(number, noise))
        sink.finish()
    (made,) = (tmp_path / "out").iterdir()
    assert sizes[-1] > 0.8 * made.stat().st_size
