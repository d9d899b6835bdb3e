"""A codec's crash, hang or hunger costs one clip, wherever in it: the daemon goes on with the next."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from daemon.config import Config
from daemon.engine import Engine
from tests.daemon.cases import FakeMatter, config, plate, sequence, still, trimap, video, wait_for, write
from tests.daemon.media.apart_cases import POISON
from tests.daemon.serving import Running, once, running


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daemon.media.decoders._START", POISON)


def film_in(folder: Path, frames: int = 10) -> Path:
    """A video in a folder of its own, with its trimap: the folder of the video."""
    made = video(folder.parent.parent / "made", folder.name, frames)
    (folder / "plate").mkdir(parents=True)
    made.rename(folder / "plate" / made.name)
    write(folder / "trimap/trimap.png", trimap())
    return folder / "plate"


@pytest.mark.usefixtures("poisoned")
@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("crash", "crashes its decoder (signal 11) at frame 7; export it again, or leave it out."),
        (
            "spin",
            "takes longer than limits: decode_seconds (2) for frame 7; export it again, or leave it out",
        ),
        (
            "bomb",
            "takes more memory than limits: decode_gib (2) for frame 7; export it again, or leave it out",
        ),
    ],
)
def test_a_clip_that_harms_its_decoder_midway_is_set_aside_and_the_next_is_done(
    tmp_path: Path, engine: Engine, how: str, says: str
) -> None:
    (film_in(tmp_path / "in/bad") / "harm").write_text(f"{how} 7")
    film_in(tmp_path / "in/good")
    limits = {"min_free_gib": 0.0, "decode_seconds": 2.0 if how == "spin" else 60.0, "decode_gib": 2.0}
    jobs, told = once(config(tmp_path, limits=limits), engine)
    states = {job.name: (job.state, job.error or "") for job in jobs}
    assert states["good"] == ("done", "")
    assert states["bad"][0] == "set_aside"
    assert states["bad"][1].startswith(f"bad.mov: {says}")
    assert [path.name for path in told.done] == ["good"]


@pytest.mark.usefixtures("poisoned")
@pytest.mark.parametrize("role", ["trimap", "clean", "bg"])
def test_what_stands_beside_the_plate_is_decoded_likewise(tmp_path: Path, engine: Engine, role: str) -> None:
    film_in(tmp_path / "in/bad")
    if role != "bg":
        shutil.rmtree(tmp_path / "in/bad/trimap")
    write(tmp_path / f"in/bad/{role}/picture.png", trimap() if role == "trimap" else plate(5))
    (tmp_path / f"in/bad/{role}/harm").write_text("crash 0")
    still(tmp_path / "in", "good")
    jobs, _ = once(config(tmp_path), engine)
    states = {job.name: (job.state, job.error) for job in jobs}
    assert states["good"] == ("done", None)
    assert states["bad"] == (
        "set_aside",
        "picture.png: crashes its decoder (signal 11); export it again, or leave it out.",
    )


def mended_after_a_try(settings: Config, engine: Engine, folder: Path) -> tuple[Running, str]:
    """A daemon that has done the clip in `folder` once the harm to it was gone, and what it said before."""
    with running(settings, engine) as daemon:
        wait_for(lambda: daemon.told.ends)
        (folder / "harm").unlink()
        wait_for(lambda: daemon.told.done)
        how, why = daemon.told.ends[0]
    assert how == "retry"
    return daemon, why


@pytest.mark.usefixtures("poisoned")
def test_a_decoder_that_is_killed_costs_a_try_and_the_rest_has_the_bytes_of_an_undisturbed_run(
    tmp_path: Path, engine: Engine
) -> None:
    film_in(tmp_path / "calm/in/shot", 24)
    once(config(tmp_path / "calm"), engine)
    folder = film_in(tmp_path / "in/shot", 24)
    (folder / "harm").write_text("kill 20")
    jobs = {"retry_seconds": 0.2, "attempts": 9, "chunk_frames": 3}
    daemon, why = mended_after_a_try(config(tmp_path, jobs=jobs), engine, folder)
    assert why.startswith(
        "shot.mov: the process that decodes it was killed at frame 20; see the system's log"
    )
    assert daemon.told.begun[-1][1] > 0
    made, calm = (
        {path.name: path.read_bytes() for path in (home / "out/shot").iterdir()}
        for home in (tmp_path, tmp_path / "calm")
    )
    del made["manifest.json"], calm["manifest.json"]  # the key in it is of the clip's path and time
    assert made == calm


@pytest.mark.usefixtures("poisoned")
@pytest.mark.parametrize("drop", [film_in, lambda folder: still(folder.parent).parent])
def test_a_file_that_its_disk_does_not_give_at_the_moment_costs_a_try(
    tmp_path: Path, engine: Engine, drop: Callable[[Path], Path]
) -> None:
    folder = drop(tmp_path / "in/shot")
    (folder / "harm").write_text("stale 0")
    jobs = {"retry_seconds": 0.2, "attempts": 9}
    _, why = mended_after_a_try(config(tmp_path, jobs=jobs), engine, folder)
    assert why.endswith(
        ": is not given at the moment (Stale file handle); see to the disk or mount that it is on."
    )


def test_nothing_of_a_clip_is_opened_or_decoded_by_the_daemon(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless it is asked for: `limits: decode_seconds: null`."""

    def forbidden(*_: object) -> None:
        raise AssertionError("decoded in the daemon")

    monkeypatch.setattr("daemon.media.video_source.VideoSource.__init__", forbidden)
    for module in ("stills", "sequence"):
        monkeypatch.setattr(f"daemon.media.{module}.read_header", forbidden)
        monkeypatch.setattr(f"daemon.media.{module}.read_still", forbidden)
    film_in(tmp_path / "in/film")
    write(tmp_path / "in/film/bg/bg.png", plate(3))
    sequence(tmp_path / "in", "run")
    still(tmp_path / "in", "one")
    jobs, _ = once(config(tmp_path), engine)
    assert [job.state for job in jobs] == ["done", "done", "done"]
    still(tmp_path / "here/in", "one")
    jobs, _ = once(config(tmp_path / "here", limits={"min_free_gib": 0.0, "decode_seconds": None}), engine)
    assert "decoded in the daemon" in (jobs[0].error or "")


def test_decoders_are_gone_between_clips(tmp_path: Path, engine: Engine, matter: FakeMatter) -> None:
    sequence(tmp_path / "in", "run", range(1, 31))
    matter.pace = 0.03
    with running(config(tmp_path), engine) as daemon:
        wait_for(_decoding)
        wait_for(lambda: daemon.told.done)
        wait_for(lambda: not _decoding())
    assert matter.calls


def _decoding() -> list[int]:
    """Processes that decode for this one."""
    return [child for server in _children(os.getpid()) for child in _children(server)]


def _children(process: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{process}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that ended meanwhile has none
            found += map(int, (task / "children").read_text().split())
    return found
