"""`decoder:` from the config to the manifest: said at the start, by `dimd check`, and of every clip."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from daemon.check import faults
from daemon.doctor import examine
from daemon.engine import Engine
from daemon.media import Frame, locate, open_sink, open_source
from daemon.media.video_decoders import missing
from tests.daemon.cases import config, trimap, video, wait_for, write
from tests.daemon.serving import once, running


@pytest.fixture(autouse=True)
def no_gpu() -> None:
    if missing() is None:
        pytest.skip("this machine has NVDEC")


def h264(folder: Path) -> None:
    """shot.mov in H.264, with its trimap."""
    made = video(folder / "made", frames=4)
    write(folder / "in/shot_trimap.png", trimap())
    with open_source(locate(made), max_pixels=10**6) as source:
        with open_sink("h264", folder / "in", "shot", source.info, channels=3) as sink:
            for frame in source.frames():
                sink.write(Frame(frame.number, frame.pixels))
            sink.finish()


def test_nvdec_that_is_not_here_is_a_fault_at_check_and_a_note_of_the_doctors(tmp_path: Path) -> None:
    (fault,) = (f for f in faults(config(tmp_path, decoder="nvdec")) if f.startswith("decoder"))
    assert fault.startswith("decoder: nvdec is not here (")
    assert fault.endswith("), so the CPU decodes instead; set it to auto, or see to the GPU's driver.")
    for decoder in ("auto", "software"):
        assert not [f for f in faults(config(tmp_path, decoder=decoder)) if f.startswith("decoder")]
    assert [f.verdict for f in examine([tmp_path]) if f.what.startswith("NVDEC is not here")] == ["note"]


@pytest.mark.parametrize(("decoder", "level"), [("nvdec", "warning"), ("auto", "info"), ("software", None)])
def test_the_log_says_at_the_start_what_decodes(
    tmp_path: Path, engine: Engine, decoder: str, level: str | None
) -> None:
    with running(config(tmp_path, decoder=decoder), engine) as daemon:
        wait_for(lambda: level is None or daemon.said("so the CPU decodes"))
    found = [line for line in daemon.logged if line["event"].startswith("decoder")]
    assert [line["log_level"] for line in found] == ([level] if level else [])


@pytest.mark.parametrize("decoder", ["nvdec", "auto", "software"])
def test_a_clip_has_the_same_mattes_and_tells_when_nvdec_was_asked_for_in_vain(
    tmp_path: Path, engine: Engine, decoder: str
) -> None:
    h264(tmp_path)
    (job,), told = once(config(tmp_path, decoder=decoder), engine)
    assert job.state == "done"
    manifest = json.loads((tmp_path / "out/shot/manifest.json").read_text())
    assert told.warnings == manifest["warnings"]
    found = [w for w in manifest["warnings"] if w.startswith("shot.mov: NVDEC is not here (")]
    assert len(found) == len(manifest["warnings"]) == (decoder == "nvdec")
    assert [figure["frame"] for figure in manifest["figures"]] == [0, 1, 2, 3]
