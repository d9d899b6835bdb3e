"""An interlaced clip from its settings to its folder: resumed alike, progressive by its tags."""

from __future__ import annotations

import json
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from daemon.check import faults
from daemon.clip import job_key
from daemon.config import ClipSettings
from daemon.engine import Engine
from daemon.inbox import scan
from daemon.media import MediaError, locate, open_source
from daemon.plan import Plan
from daemon.publish import Workplace
from daemon.run import StoppedError, run
from tests.daemon.cases import config, plate, tree, trimap, write
from tests.daemon.test_video_outputs import Memory, sound_of

FRAMES = 10
OUTPUTS = {"alpha": "gray16", "foreground": "prores4444", "composite": "h264", "premult": "ffv1"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """shot.mov, interlaced ProRes at 25 frames a second with sound and time code, and one trimap for all."""
    made = tmp_path / "in"
    made.mkdir()
    write(made / "shot_trimap.png", trimap())
    height, width = plate().shape[:2]
    options = {"profile": "hq", "flags": "+ildct+ilme"}
    with av.open(str(made / "shot.mov"), "w") as out:
        video = out.add_stream("prores_ks", rate=25, options=options)
        video.width, video.height, video.pix_fmt = width, height, "yuv422p10le"
        video.time_base = video.codec_context.time_base = Fraction(1, 25)
        video.metadata["timecode"] = "10:00:00:12"
        sound = out.add_stream("pcm_s16le", rate=48000)
        for index in range(FRAMES):
            frame = av.VideoFrame(width, height, "yuv422p10le")
            for number, each in enumerate(frame.planes):
                rows = np.frombuffer(memoryview(each), "<u2").reshape(each.height, -1)
                grey = 4 * plate(index)[..., number].astype("<u2")
                rows[:, : each.width] = grey[:, :: width // each.width]
            frame.pts, frame.time_base = index, Fraction(1, 25)
            out.mux(video.encode(frame))
            noise = np.random.default_rng(index).integers(-999, 999, (1, 2 * 1920), np.int16)
            heard = av.AudioFrame.from_ndarray(noise, "s16", "stereo")
            heard.sample_rate, heard.pts = 48000, index * 1920
            out.mux(sound.encode(heard))
        out.mux(video.encode(None))
    return made


def settings(how: str, **more: object) -> ClipSettings:
    outputs = {name: {"format": form} for name, form in OUTPUTS.items()}
    return ClipSettings.model_validate({"deinterlace": how, "outputs": outputs, **more})


def make(folder: Path, engine: Engine, out: Path, wanted: ClipSettings, stop_at: int = -1) -> Path:
    (found,) = scan(folder)
    memory = Memory(stop_at)

    def once() -> Path:
        with engine.lease() as lease, Plan(found, wanted, max_pixels=10**6, state={}) as plan:
            key = job_key(plan.clip, plan.settings)
            place = Workplace(out, plan.clip.name, key)
            return run(plan, lease, place, key, memory.done, memory, memory.settings)

    if stop_at > 0:
        with pytest.raises(StoppedError):
            once()
        assert memory.done == stop_at
        memory.stop_at = -1
        memory.settings.stop.clear()
    return once()


@pytest.mark.parametrize(("how", "each"), [("frame", 1), ("field", 2)])
def test_an_interlaced_clip_comes_out_progressive_with_its_sound_and_time(
    folder: Path, engine: Engine, tmp_path: Path, how: str, each: int
) -> None:
    result = make(folder, engine, tmp_path / "out", settings(how))
    told = json.loads((result / "manifest.json").read_text())
    assert told["frames"] == {"count": each * FRAMES, "first": 0, "last": each * FRAMES - 1}
    assert told["rate"] == str(25 * each)
    assert told["warnings"] == [f"shot.mov: is interlaced, and deinterlaced to a picture a {how}."]
    for path in result.glob("shot_*"):
        with open_source(locate(path), max_pixels=10**6) as source:
            info = source.info
            assert len(list(source.frames())) == each * FRAMES
        assert info.rate == 25 * each
        assert info.time_base is not None
        assert [p * info.time_base for p in info.pts] == [Fraction(n, 25 * each) for n in info.numbers]
        assert info.tags is not None
        assert info.tags.timecode == {"frame": "10:00:00:12", "field": "10:00:00:24"}[how]
        assert sound_of(path) == sound_of(folder / "shot.mov")
        with av.open(str(path)) as container:
            assert not any(frame.interlaced_frame for frame in container.decode(video=0))


def test_other_software_takes_the_outputs_for_progressive(
    folder: Path, engine: Engine, tmp_path: Path
) -> None:
    if shutil.which("ffprobe") is None:
        pytest.skip("ffprobe is not installed")
    result = make(folder, engine, tmp_path / "out", settings("field"))
    command = ["ffprobe", "-v", "error", "-select_streams", "v", "-of", "json", "-show_entries"]
    command += ["stream=field_order,r_frame_rate:frame=interlaced_frame"]
    for path in [folder / "shot.mov", *result.glob("shot_*")]:
        done = subprocess.run([*command, str(path)], capture_output=True, check=True, text=True)
        told = json.loads(done.stdout)
        (stream,) = told["streams"]
        is_plate = path.parent == folder
        assert {frame["interlaced_frame"] for frame in told["frames"]} == {int(is_plate)}
        assert stream["r_frame_rate"] == ("25/1" if is_plate else "50/1")
        assert is_plate or stream.get("field_order", "progressive") in ("progressive", "unknown")


@pytest.mark.parametrize("how", ["frame", "field"])
def test_a_resumed_deinterlaced_clip_has_the_bytes_of_an_undisturbed_one(
    folder: Path, engine: Engine, tmp_path: Path, how: str
) -> None:
    # x264 itself gives other bytes for pictures as small as these, once in some hundred times.
    wanted = settings(how, outputs={**settings(how).outputs, "composite": {"format": "hevc"}})
    whole = make(folder, engine, tmp_path / "whole", wanted)
    parted = make(folder, engine, tmp_path / "parted", wanted, stop_at=4)
    assert tree(parted) == tree(whole)


def test_a_part_of_a_deinterlaced_clip_counts_its_pictures(
    folder: Path, engine: Engine, tmp_path: Path
) -> None:
    result = make(folder, engine, tmp_path / "out", settings("field", frames="7-10"))
    told = json.loads((result / "manifest.json").read_text())
    assert told["frames"] == {"count": 4, "first": 7, "last": 10}
    assert told["of"]["count"] == 2 * FRAMES
    with av.open(str(result / "shot_foreground.mov")) as container:
        assert container.streams.video[0].metadata["timecode"] == "10:00:00:31"


def test_interlaced_is_refused_as_long_as_nothing_is_set(folder: Path) -> None:
    (found,) = scan(folder)
    with pytest.raises(
        MediaError, match=r"is interlaced; set deinterlace: frame or field, or, if it only says"
    ):
        Plan(found, ClipSettings(), max_pixels=10**6, state={})


def test_check_tells_of_a_build_without_the_filter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daemon.media.deinterlace.FILTER", "bwdif9")
    wanted = config(tmp_path, clip={"deinterlace": "field"})
    (fault,) = (fault for fault in faults(wanted) if "deinterlace" in fault)
    assert fault == (
        "clip: deinterlace: field cannot be done here (this build of FFmpeg is without the filter bwdif9); "
        "set it to refuse, or install av from PyPI's wheel."
    )
    assert not [fault for fault in faults(config(tmp_path)) if "deinterlace" in fault]
