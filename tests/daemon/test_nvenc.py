"""Formats of an NVIDIA GPU: what is made where there is none, that it is said, and how pictures reach it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from daemon.check import faults
from daemon.doctor import examine
from daemon.engine import Engine
from daemon.media import CODECS, MediaError, VideoTags
from daemon.media.planes import spread, to_pixels
from daemon.media.video_formats import substitute
from daemon.media.video_inter import H264, Hevc
from daemon.media.video_nvenc import NVENC, H264Nvenc, HevcNvenc, idle
from daemon.plan import Plan
from daemon.publish import Workplace
from daemon.run import run
from tests.daemon.cases import FakeMatter, config, video, wait_for
from tests.daemon.media.videos import TAGS, clip, inside, make, patches, read
from tests.daemon.serving import once, running
from tests.daemon.test_video_outputs import Memory, plan, settings, shot

HERE = clip(1, size=(1920, 1080))


@pytest.fixture
def no_gpu() -> None:
    if idle("h264_nvenc", HERE) is None:
        pytest.skip("this machine has an NVIDIA encoder")


def as_if_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """`h264_nvenc` is answered by the CPU's encoder, at other settings than `h264` has."""
    monkeypatch.setattr(H264Nvenc, "encoder", "libx264")
    monkeypatch.setattr(H264Nvenc, "options", lambda self, like: {"crf": "18", "rc-lookahead": "6"})
    monkeypatch.setattr(H264Nvenc, "threads", 4)


def made(folder: Path, engine: Engine, out: Path, form: str) -> Path:
    memory = Memory()
    with engine.lease() as lease, plan(folder, settings(composite=form)) as wanted:
        return run(wanted, lease, Workplace(out, "shot", "key"), "key", memory.done, memory, memory.settings)


@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize(("form", "other"), [("h264_nvenc", "h264"), ("hevc_nvenc", "hevc")])
def test_without_a_gpu_the_cpus_format_is_made_and_said(
    folder: Path, engine: Engine, tmp_path: Path, form: str, other: str
) -> None:
    shot(folder)
    result = made(folder, engine, tmp_path / "out", form)
    plain = made(folder, engine, tmp_path / "plain", other)
    told = json.loads((result / "manifest.json").read_text())
    (warning,) = told["warnings"]
    assert warning.startswith(
        f"shot: composite as {form} finds no NVIDIA encoder that takes 64 x 36 pixels ("
    )
    assert warning.endswith(f"); {other} by the CPU is made instead.")
    assert told["outputs"] == {"composite": other}
    name = "shot_composite.mov"
    assert (result / name).read_bytes() == (plain / name).read_bytes()


@pytest.mark.parametrize(("form", "other"), [("h264_nvenc", "h264"), ("hevc_nvenc", "hevc")])
def test_a_build_without_the_encoder_is_said(monkeypatch: pytest.MonkeyPatch, form: str, other: str) -> None:
    monkeypatch.setattr(type(NVENC[form]), "encoder", "nvenc9")
    assert substitute(form) == (
        other,
        "has no encoder here (this build of FFmpeg is without nvenc9)",
    )


@pytest.mark.usefixtures("no_gpu")
def test_check_and_doctor_say_it_beforehand(tmp_path: Path) -> None:
    outputs = {"composite": {"format": "hevc_nvenc"}}
    (fault,) = (f for f in faults(config(tmp_path, clip={"outputs": outputs})) if "outputs" in f)
    assert fault.startswith(
        "clip: outputs: composite: format: hevc_nvenc finds no NVIDIA encoder that takes "
    )
    assert fault.endswith("; hevc by the CPU is made instead, so set it to that, or see to the GPU's driver.")
    found = {f.what.split()[0]: f for f in examine([tmp_path])}
    assert found["hevc_nvenc"].verdict == "note"
    assert found["hevc_nvenc"].mend == "asked for, it becomes hevc by the CPU"


def test_alpha_is_refused_as_it_is_of_the_format_that_stands_in(folder: Path) -> None:
    shot(folder)
    with pytest.raises(MediaError, match=r"foreground cannot be hevc_nvenc, which holds no alpha"):
        plan(folder, settings(foreground="hevc_nvenc"))


def test_a_clip_that_the_cpu_began_is_ended_by_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shot(folder)
    as_if_there(monkeypatch)
    wanted, begun = settings(composite="h264_nvenc"), {"formats": {"composite": "h264"}}
    fresh = plan(folder, wanted)
    assert [output.format for output in fresh.outputs] == ["h264_nvenc"]
    assert not fresh.warnings
    resumed = Plan(fresh.clip, wanted, max_pixels=10**6, state=begun)
    assert [output.format for output in resumed.outputs] == ["h264"]
    assert resumed.goes_on(begun)
    assert resumed.warnings == [
        "shot: composite as h264_nvenc had no encoder at its beginning; h264 by the CPU is made instead."
    ]


@pytest.mark.usefixtures("no_gpu")
def test_a_clip_whose_gpu_is_gone_cannot_be_gone_on_with(folder: Path) -> None:
    shot(folder)
    resumed = plan(folder, settings(composite="h264_nvenc"))
    assert not resumed.goes_on({"formats": {"composite": "h264_nvenc"}})
    assert resumed.goes_on(resumed.state())
    assert resumed.goes_on({})


@pytest.mark.usefixtures("no_gpu")
def test_a_clip_whose_gpu_went_away_is_begun_anew_by_the_cpu(
    tmp_path: Path, engine: Engine, matter: FakeMatter, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = {"composite": {"format": "h264_nvenc"}}
    wanted = config(tmp_path, clip={"outputs": outputs})
    matter.pace = 0.1
    video(tmp_path / "in", frames=30)
    with monkeypatch.context() as there:
        as_if_there(there)
        with running(wanted, engine) as daemon:
            wait_for(lambda: daemon.told.safe)
        assert not daemon.told.warnings
    matter.pace = 0.0
    (job,) = daemon.jobs()
    assert 0 < job.frames_done < 30
    (job,), told = once(wanted, engine)
    assert (job.state, told.begun) == ("done", [("shot", 0)])
    manifest = json.loads((tmp_path / "out/shot/manifest.json").read_text())
    assert manifest["outputs"] == {"composite": "h264"}
    assert len(manifest["figures"]) == 30
    _, frames = read(tmp_path / "out/shot/shot_composite.mov")
    assert len(frames) == 30


def test_p010_holds_the_codes_of_the_cpus_planes() -> None:
    pixels, _ = patches(1)
    tags = VideoTags(1, 1, 1, False)
    given, plain = HevcNvenc().frame(pixels, tags), Hevc().frame(pixels, tags)
    assert (given.format.name, plain.format.name) == ("p010le", "yuv420p10le")
    assert spread(given).format.name == plain.format.name
    for mine, theirs in zip(spread(given).planes, plain.planes, strict=True):
        assert bytes(mine) == bytes(theirs)
    assert np.array_equal(to_pixels(given, tags), to_pixels(plain, tags))
    eight = H264Nvenc().frame(pixels, tags)
    for mine, theirs in zip(eight.planes, H264().frame(pixels, tags).planes, strict=True):
        assert bytes(mine) == bytes(theirs)


@pytest.mark.gpu
@pytest.mark.parametrize("form", NVENC)
def test_nvenc_keeps_colours_time_and_tags(tmp_path: Path, form: str) -> None:
    like = clip(12, size=(256, 128))
    if reason := idle(form, like):
        pytest.skip(f"{form} {reason}")
    pixels, _ = patches(1)
    info, frames = read(make(tmp_path, form, like, pixels))
    assert (info.rate, len(frames)) == (like.rate, 12)
    assert info.tags == TAGS
    assert info.bits == CODECS[NVENC[form].stand_in or ""].bits
    for frame in frames:
        assert np.abs(inside(frame) - inside(pixels)).max() < 3 / 255
