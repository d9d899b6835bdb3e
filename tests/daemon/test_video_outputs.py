"""A video's outputs from config to folder: what is made, what is refused before it is begun, what is said."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, get_args

import av
import numpy as np
import pytest

from daemon.check import faults
from daemon.cli.matte import matte
from daemon.clip import job_key
from daemon.compose import CHANNELS
from daemon.config import ClipSettings, Format
from daemon.doctor import examine
from daemon.engine import Engine
from daemon.inbox import scan
from daemon.media import CODECS, IMAGE_FORMATS, VIDEO_FORMATS, MediaError
from daemon.plan import Plan
from daemon.publish import Workplace
from daemon.run import Settings, StoppedError, run
from tests.daemon.cases import SIZE, config, plate, tree, trimap, write

FRAMES = 10
OUTPUTS = {"alpha": "gray16", "foreground": "movpng", "premult": "vp9", "composite": "h264"}


class Memory:
    """Progress that outlives a run; `stop_at` stops it at a commit."""

    def __init__(self, stop_at: int = -1) -> None:
        self.stop_at, self.done, self.all = stop_at, 0, list[dict[str, Any]]()
        self.settings = Settings(queue=2, chunk=4)

    def planned(self, state: dict[str, Any], total: int) -> None: ...

    def committed(self, stop: int, figures: Sequence[dict[str, Any]], fps: float) -> None:
        self.done = stop
        self.all += figures
        if stop >= self.stop_at > 0:
            self.settings.stop.set()

    def figures(self) -> list[dict[str, Any]]:
        return self.all


def shot(folder: Path, size: tuple[int, int] | None = None, rotation: int = 0) -> None:
    """shot.mov with uncompressed sound, and one trimap for all of it. rotation: by which players turn it."""
    height, width = size = size or SIZE
    write(folder / "shot_trimap.png", trimap(size))
    with av.open(str(folder / "shot.mov"), "w") as out:
        video = out.add_stream("png", rate=Fraction(24000, 1001))
        video.width, video.height, video.pix_fmt = width, height, "rgb24"
        video.time_base = video.codec_context.time_base = Fraction(1, 24000)
        if rotation:
            video.set_display_rotation(rotation)
        sound = out.add_stream("pcm_s16le", rate=48000)
        for index in range(FRAMES):
            picture = np.ascontiguousarray(plate(index, size)[..., ::-1])
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts, frame.time_base = index * 1001, Fraction(1, 24000)
            out.mux(video.encode(frame))
            noise = np.random.default_rng(index).integers(-999, 999, (1, 4004), np.int16)
            heard = av.AudioFrame.from_ndarray(noise, "s16", "stereo")
            heard.sample_rate, heard.pts = 48000, index * 2002
            out.mux(sound.encode(heard))
        out.mux(video.encode(None))


def settings(**formats: str) -> ClipSettings:
    return ClipSettings.model_validate({"outputs": {name: {"format": f} for name, f in formats.items()}})


def plan(folder: Path, wanted: ClipSettings) -> Plan:
    (found,) = scan(folder)
    return Plan(found, wanted, max_pixels=10**6, state={})


def make(folder: Path, engine: Engine, out: Path, memory: Memory) -> Path:
    with engine.lease() as lease, plan(folder, settings(**OUTPUTS)) as made:
        key = job_key(made.clip, made.settings)
        memory.settings = Settings(queue=2, chunk=4)
        place = Workplace(out, made.clip.name, key)
        return run(made, lease, place, key, memory.done, memory, memory.settings)


def sound_of(path: Path) -> bytes:
    with av.open(str(path)) as container:
        heard = container.streams.audio[0].index
        return b"".join(bytes(packet) for packet in container.demux() if packet.stream_index == heard)


def test_every_output_has_the_format_and_the_sound_that_was_asked_for(
    folder: Path, engine: Engine, tmp_path: Path
) -> None:
    shot(folder)
    result = make(folder, engine, tmp_path / "out", Memory())
    names = ("shot_alpha.mkv", "shot_foreground.mov", "shot_premult.webm", "shot_composite.mov")
    assert {path.name for path in result.iterdir()} == {"manifest.json", *names}
    told = json.loads((result / "manifest.json").read_text())
    assert told["outputs"] == OUTPUTS
    assert told["warnings"] == [
        "shot: premult as vp9 cannot hold the plate's pcm_s16le audio, which is left out."
    ]
    for name in names:
        with av.open(str(result / name)) as container:
            assert sum(1 for _ in container.decode(video=0)) == FRAMES
            assert bool(container.streams.audio) == (name != "shot_premult.webm")
        if name != "shot_premult.webm":
            assert sound_of(result / name) == sound_of(folder / "shot.mov")


@pytest.mark.parametrize(
    ("rotation", "formats", "said"),
    [
        (-90, {"alpha": "prores4444", "foreground": "exr", "composite": "png"}, "foreground, composite"),
        (180, {"layers": "exr"}, "layers"),
        (90, {"alpha": "prores4444"}, None),
        (0, {"composite": "png"}, None),
    ],
)
def test_pictures_of_a_video_that_players_turn_are_told_to_lie_as_its_pixels(
    folder: Path, rotation: int, formats: dict[str, str], said: str | None
) -> None:
    shot(folder, rotation=rotation)
    sentence = (
        f"shot: players turn the plate by {abs(rotation)} degrees, which the pictures of {said} do not say; "
        "they lie as its pixels do."
    )
    with plan(folder, settings(**formats)) as made:
        assert made.warnings == ([sentence] if said else [])


def test_a_resumed_clip_has_the_bytes_of_an_undisturbed_one_in_every_format(
    folder: Path, engine: Engine, tmp_path: Path
) -> None:
    # At 64 x 36 pixels x264 itself gives other bytes for the same pictures, once in some hundred times.
    shot(folder, (72, 128))
    whole = make(folder, engine, tmp_path / "whole", Memory())
    memory = Memory(stop_at=4)
    with pytest.raises(StoppedError):
        make(folder, engine, tmp_path / "out", memory)
    assert memory.done == 4
    memory.stop_at = -1
    assert tree(make(folder, engine, tmp_path / "out", memory)) == tree(whole)


def test_a_second_video_stream_is_said_of_the_plate_and_of_what_stands_beside_it(folder: Path) -> None:
    for name in ("shot", "shot_bg"):
        with av.open(str(folder / f"{name}.mov"), "w") as out:
            streams = [out.add_stream("png", rate=24) for _ in range(2)]
            for stream in streams:
                stream.width, stream.height, stream.pix_fmt = 64, 36, "rgb24"
            for stream in streams:
                frame = av.VideoFrame(64, 36, "rgb24")
                frame.pts, frame.time_base = 0, Fraction(1, 24)
                out.mux(stream.encode(frame))
                out.mux(stream.encode(None))
    write(folder / "shot_trimap.png", trimap())
    assert plan(folder, settings(composite="ffv1")).warnings == [
        f"{name}.mov: has 2 video streams; the first is taken, and the others are left out."
        for name in ("shot", "shot_bg")
    ]


@pytest.mark.parametrize("format", ["h264", "hevc", "prores422hq", "dnxhr"])
@pytest.mark.parametrize("output", ["foreground", "premult"])
def test_a_format_without_alpha_is_refused_when_the_clip_is_planned(
    folder: Path, output: str, format: str
) -> None:
    shot(folder)
    with pytest.raises(MediaError) as caught:
        plan(folder, settings(**{output: format}))
    assert str(caught.value) == (
        f"shot: {output} cannot be {format}, which holds no alpha; "
        f"set outputs: {output}: format: to prores4444, ffv1 or movpng."
    )


@pytest.mark.parametrize("format", ["h264", "hevc", "vp9"])
def test_an_odd_raster_is_refused_when_the_clip_is_planned(folder: Path, format: str) -> None:
    shot(folder, (35, 63))
    with pytest.raises(MediaError) as caught:
        plan(folder, settings(composite=format))
    assert str(caught.value) == (
        f"shot: composite cannot be {format}, which needs an even width and height, not 63 x 35; "
        "set outputs: composite: format: to prores4444, ffv1 or movpng."
    )


@pytest.mark.parametrize("format", CODECS)
def test_a_still_cannot_become_video(folder: Path, format: str) -> None:
    write(folder / "shot.png", plate())
    write(folder / "shot_trimap.png", trimap())
    with pytest.raises(MediaError, match=rf"^shot: is no video, so alpha cannot be {format}; .*\.$"):
        plan(folder, settings(alpha=format))


def test_every_format_of_the_config_is_made_by_a_sink() -> None:
    assert set(get_args(Format)) == {"auto", *VIDEO_FORMATS, *IMAGE_FORMATS}


def test_matte_offers_the_formats_that_hold_every_output() -> None:
    (option,) = (option for option in matte.params if option.name == "form")
    whole = {name for name, codec in CODECS.items() if set(CHANNELS.values()) <= set(codec.pixel_formats)}
    assert {choice for choice in option.type.choices if choice in CODECS} == whole


def of_formats(folder: Path, **formats: str) -> list[str]:
    outputs = {name: {"format": wanted} for name, wanted in formats.items()}
    return [fault for fault in faults(config(folder, clip={"outputs": outputs})) if "outputs" in fault]


def test_check_tells_of_a_format_that_cannot_hold_its_output(tmp_path: Path) -> None:
    assert of_formats(tmp_path, foreground="h264", composite="h264", alpha="gray16") == [
        (
            "clip: foreground cannot be h264, which holds no alpha; "
            "set outputs: foreground: format: to prores4444, ffv1 or movpng."
        )
    ]


def test_check_tells_that_layers_are_no_video(tmp_path: Path) -> None:
    assert of_formats(tmp_path, layers="prores4444") == [
        "clip: layers need an EXR; set outputs: layers: format: to exr or auto."
    ]


def test_check_tells_of_an_encoder_that_this_build_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(CODECS["hevc"]), "encoder", "libx299")
    (fault,) = of_formats(tmp_path, alpha="auto", composite="hevc")
    assert fault == (
        "clip: composite cannot be hevc, which has no encoder here "
        "(this build of FFmpeg is without libx299); "
        "set outputs: composite: format: to prores4444, ffv1 or movpng."
    )
    assert of_formats(tmp_path, composite="h264") == []


def test_a_clip_that_wants_an_encoder_that_is_not_here_is_refused_before_its_first_frame(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shot(folder)
    monkeypatch.setattr(type(CODECS["h264"]), "encoder", "libx299")
    with pytest.raises(MediaError, match=r"composite cannot be h264, which has no encoder here"):
        plan(folder, settings(composite="h264"))


def test_doctor_names_the_formats_that_go_with_an_encoder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.doctor._ENCODERS", ("prores_ks", "libx299"))
    monkeypatch.setattr(type(CODECS["hevc"]), "encoder", "libx299")
    found = {finding.what: finding.verdict for finding in examine([tmp_path])}
    assert found["FFmpeg writes prores4444, prores422hq (prores_ks)"] == "ok"
    assert found["FFmpeg lacks libx299, which hevc needs"] == "note"
