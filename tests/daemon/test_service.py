"""The service in one process: drop a clip, get a matte; what cannot be done is said in one sentence."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
import structlog
import torch
from structlog.testing import capture_logs

from daemon import service as service_module
from daemon.config import Config, ConfigError
from daemon.engine import Engine
from daemon.job import Job
from daemon.ledger import Ledger
from daemon.metrics import MetricsServer
from daemon.service import Service
from dim_model import nets, weights
from tests.daemon.cases import (
    FakeMatter,
    Told,
    config,
    jobs_in,
    plate,
    sequence,
    still,
    trimap,
    video,
    wait_for,
    write,
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    state = nets.build("swift").state_dict()
    for version in ("v1", "v2"):
        weights.publish(folder, weights.Card(version, "swift", "sampled", "x", [], {}), state)
    weights.point(folder, "v1")
    return folder


@pytest.fixture
def matter() -> FakeMatter:
    return FakeMatter("v1")


@pytest.fixture
def engine(root: Path, matter: FakeMatter) -> Iterator[Engine]:
    weights.point(root, "v1")
    with Engine(lambda folder: matter if folder.name == "v1" else FakeMatter(folder.name), root) as made:
        yield made


class Running:
    """A service in a thread, its ledger, and what it told."""

    def __init__(self, settings: Config, engine: Engine, reload: Callable[[], Config]) -> None:
        self.told = Told()
        log = structlog.get_logger()
        self.service = Service(settings, engine, self.told, log, reload=reload)
        self.thread = threading.Thread(target=self.service.run)
        self.state = settings.state

    def jobs(self) -> list[Job]:
        return jobs_in(self.state)


@contextmanager
def running(
    settings: Config, engine: Engine, reload: Callable[[], Config] | None = None
) -> Iterator[Running]:
    made = Running(settings, engine, reload or (lambda: settings))
    with capture_logs():
        made.thread.start()
        try:
            yield made
        finally:
            made.service.stop()
            made.thread.join(20)
            assert not made.thread.is_alive()


def once(settings: Config, engine: Engine) -> tuple[list[Job], Told]:
    told = Told()
    with capture_logs():
        made = Service(settings, engine, told, structlog.get_logger(), reload=lambda: settings, once=True)
        return made.run(), told


def test_a_dropped_clip_leaves_as_a_matte(tmp_path: Path, engine: Engine) -> None:
    settings = config(tmp_path)
    with running(settings, engine) as daemon:
        still(tmp_path / "in")
        wait_for(lambda: daemon.told.done)
        wait_for(lambda: [job.state for job in daemon.jobs()] == ["done"])
    assert (tmp_path / "out/shot/shot_alpha.png").is_file()
    assert daemon.told.done == [tmp_path / "out/shot"]


def test_a_clip_is_done_once_and_again_when_it_changes(tmp_path: Path, engine: Engine) -> None:
    settings = config(tmp_path)
    still(tmp_path / "in")
    once(settings, engine)
    jobs, _ = once(settings, engine)
    assert len(jobs) == 1
    assert not (tmp_path / "out/shot_v2").exists()
    write(tmp_path / "in/shot.png", plate(9))
    once(settings, engine)
    assert (tmp_path / "out/shot_v2/shot_alpha.png").is_file()


def test_everything_that_lies_there_is_done_by_once(tmp_path: Path, engine: Engine) -> None:
    settings = config(tmp_path, jobs={"parallel": 2, "chunk_frames": 3})
    still(tmp_path / "in", "one")
    sequence(tmp_path / "in", "two")
    video(tmp_path / "in", "three")
    jobs, told = once(settings, engine)
    assert {job.name: job.state for job in jobs} == {"one": "done", "two": "done", "three": "done"}
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["one", "three", "two"]
    assert {name for name, _ in told.begun} == {"one", "two", "three"}


def test_a_gap_in_a_sequence_is_told(tmp_path: Path, engine: Engine) -> None:
    sequence(tmp_path / "in", numbers=(1001, 1002, 1004))
    _, told = once(config(tmp_path), engine)
    assert told.warnings == ["shot.####.png: frame 1003 is missing, and will be so in the result."]


def test_a_clips_own_settings_count(tmp_path: Path, engine: Engine) -> None:
    settings = config(tmp_path)
    still(tmp_path / "in")
    (tmp_path / "in/shot.yaml").write_text("outputs: {alpha: {format: exr}}\n")
    once(settings, engine)
    assert sorted(p.name for p in (tmp_path / "out/shot").iterdir()) == ["manifest.json", "shot_alpha.exr"]


def test_a_stopped_clip_goes_on_where_it_was(tmp_path: Path, engine: Engine, matter: FakeMatter) -> None:
    settings = config(tmp_path)
    matter.pace = 0.1
    sequence(tmp_path / "in", numbers=range(1001, 1041))
    with running(settings, engine) as daemon:
        wait_for(lambda: daemon.told.safe)
    (job,) = daemon.jobs()
    assert job.state == "waiting"
    assert 0 < job.frames_done < 40
    _, told = once(settings, engine)
    assert told.begun == [("shot", job.frames_done)]
    assert len(list((tmp_path / "out/shot/alpha").iterdir())) == 40


def test_a_clip_whose_work_is_gone_begins_anew(tmp_path: Path, engine: Engine, matter: FakeMatter) -> None:
    settings = config(tmp_path)
    matter.pace = 0.1
    sequence(tmp_path / "in", numbers=range(1001, 1041))
    with running(settings, engine) as daemon:
        wait_for(lambda: daemon.told.safe)
    (hidden,) = (p for p in (tmp_path / "out").iterdir() if p.name.startswith("."))
    hidden.rename(tmp_path / "elsewhere")
    jobs, told = once(settings, engine)
    assert told.begun == [("shot", 0)]
    assert jobs[0].state == "done"


def test_new_weights_are_taken_up_while_it_runs(tmp_path: Path, engine: Engine, root: Path) -> None:
    with running(config(tmp_path), engine) as daemon:
        weights.point(root, "v2")
        wait_for(lambda: engine.version == "v2")
        still(tmp_path / "in")
        wait_for(lambda: daemon.told.done)
    assert '"version": "v2"' in (tmp_path / "out/shot/manifest.json").read_text()


def test_a_cancelled_job_stops_and_leaves_nothing(tmp_path: Path, engine: Engine, matter: FakeMatter) -> None:
    settings = config(tmp_path, jobs={"lease_seconds": 5.0})
    matter.gate.clear()
    sequence(tmp_path / "in")
    with running(settings, engine) as daemon:
        wait_for(lambda: daemon.told.begun)
        with Ledger(settings.state, create=False) as ledger:
            ledger.cancel(daemon.jobs()[0].id)
        matter.gate.set()
        wait_for(lambda: daemon.told.ends)
    assert daemon.told.ends[0][0] == "superseded"
    assert list((tmp_path / "out").iterdir()) == []


def test_work_that_another_daemon_took_over_is_left_to_it(
    tmp_path: Path, engine: Engine, matter: FakeMatter
) -> None:
    settings = config(tmp_path, jobs={"lease_seconds": 5.0})
    matter.pace = 0.1
    sequence(tmp_path / "in", numbers=range(1001, 1101))
    with running(settings, engine) as daemon:
        wait_for(lambda: daemon.told.safe)
        with Ledger(settings.state, create=False) as other:
            taken = other.claim("another", 60, time.time() + 3600)
            assert taken is not None
            wait_for(lambda: daemon.told.ends)
            assert daemon.told.ends[0][0] == "superseded"
            assert [p.name for p in (tmp_path / "out").iterdir()] == [f".shot.dimd-{taken.key[:8]}"]


def test_a_failure_is_tried_again_and_then_given_up(
    tmp_path: Path, engine: Engine, matter: FakeMatter
) -> None:
    matter.error = RuntimeError("the device is confused")
    still(tmp_path / "in")
    with running(config(tmp_path), engine) as daemon:
        wait_for(lambda: [job.state for job in daemon.jobs()] == ["failed"])
    assert [how for how, _ in daemon.told.ends] == ["retry", "failed"]
    assert daemon.jobs()[0].error == "shot: RuntimeError: the device is confused; please report this."


def test_a_bad_config_is_refused_and_the_old_stays(tmp_path: Path, engine: Engine) -> None:
    def broken() -> Config:
        raise ConfigError("config.yaml: devise is no key; did you mean device?")

    with running(config(tmp_path), engine, broken) as daemon:
        daemon.service.reload()
        still(tmp_path / "in")
        wait_for(lambda: daemon.told.done)


def test_a_new_config_reaches_the_next_clip(tmp_path: Path, engine: Engine) -> None:
    settings = config(tmp_path)
    alpha_only = config(tmp_path, clip={"outputs": {"alpha": {"format": "png"}}})
    with running(settings, engine, lambda: alpha_only) as daemon:
        daemon.service.reload()
        wait_for(lambda: daemon.service._config.clip == alpha_only.clip)
        still(tmp_path / "in")
        wait_for(lambda: daemon.told.done)
    assert sorted(p.name for p in (tmp_path / "out/shot").iterdir()) == ["manifest.json", "shot_alpha.png"]


def test_clips_wait_while_the_disk_is_nearly_full(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = [1]
    monkeypatch.setattr(service_module, "free_bytes", lambda folder: free[0])
    still(tmp_path / "in")
    with running(config(tmp_path, limits={"min_free_gib": 1.0}), engine) as daemon:
        wait_for(lambda: any("GiB free" in said for said in daemon.service._said))
        assert not daemon.told.begun
        free[0] = 2 * 1024**3
        wait_for(lambda: daemon.told.done)


def test_once_does_not_wait_for_room_on_the_disk(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_module, "free_bytes", lambda folder: 1)
    still(tmp_path / "in")
    jobs, _ = once(config(tmp_path, limits={"min_free_gib": 1.0}), engine)
    assert [job.state for job in jobs] == ["waiting"]


def test_a_clip_that_is_taken_out_of_its_folder_is_forgotten(tmp_path: Path, engine: Engine) -> None:
    picture = still(tmp_path / "in", with_trimap=False)
    with running(config(tmp_path), engine) as daemon:
        wait_for(lambda: [job.state for job in daemon.jobs()] == ["set_aside"])
        picture.unlink()
        wait_for(lambda: daemon.jobs() == [])


def test_prometheus_is_told(tmp_path: Path, engine: Engine) -> None:
    import urllib.request

    from prometheus_client.parser import text_string_to_metric_families

    with running(config(tmp_path), engine) as daemon:
        sequence(tmp_path / "in")
        wait_for(lambda: [job.state for job in daemon.jobs()] == ["done"])
        with MetricsServer(daemon.service.metrics, "127.0.0.1", 0) as server:
            port = server._server.server_port
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
                text = answer.read().decode()
    found = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert found["dimd_jobs", (("state", "done"),)] == 1
    assert found["dimd_frames_total", ()] == 10
    assert found["dimd_unknown_fraction_count", ()] == 10
    assert found["dimd_stage_seconds_count", (("stage", "write"),)] == 10
    assert found["dimd_disk_free_bytes", (("folder", str(tmp_path / "out")),)] > 0
    assert abs(found["dimd_last_success_timestamp_seconds", ()] - time.time()) < 60
    assert any(name == "dimd_weights_info" and ("version", "v1") in labels for name, labels in found)


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def bad_truncated(folder: Path) -> None:
    truncated(still(folder))


def bad_video(folder: Path) -> None:
    truncated(video(folder))


def bad_empty(folder: Path) -> None:
    still(folder).write_bytes(b"")


def bad_text(folder: Path) -> None:
    still(folder).write_text("this is no picture")


def bad_bomb(folder: Path) -> None:
    """A PNG whose header claims 40,000 x 40,000 pixels."""
    import struct
    import zlib

    path = still(folder)
    data = path.read_bytes()
    header = b"IHDR" + struct.pack(">II", 40_000, 40_000) + data[24:29]
    path.write_bytes(
        data[:8] + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header)) + data[33:]
    )


def bad_mask(folder: Path) -> None:
    still(folder, with_trimap=False)
    write(folder / "shot_mask.png", trimap((99, 99)))


def bad_nothing(folder: Path) -> None:
    still(folder, with_trimap=False)


def bad_settings(folder: Path) -> None:
    still(folder)
    (folder / "shot.yaml").write_text("outptus: {}\n")


BAD = {
    bad_truncated: ("shot.png", "copy it again"),
    bad_video: ("shot.mov", ";"),
    bad_empty: ("shot.png: is empty", ";"),
    bad_text: ("shot.png", ";"),
    bad_bomb: ("shot.png", "export it again"),
    bad_mask: ("shot_mask.png: is 99x99, its plate 64x36", "supply it at the plate's size"),
    bad_nothing: ("shot.png: has nothing to derive a trimap from", "put shot_trimap or shot_mask beside it"),
    bad_settings: ("shot.yaml", "outputs"),
}


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.__name__)
def test_bad_input_gets_one_sentence_and_the_next_clip_is_done(
    bad: Callable[[Path], None], tmp_path: Path, engine: Engine
) -> None:
    settings = config(tmp_path, jobs={"attempts": 1})
    bad(tmp_path / "in")
    before = {p.name: p.read_bytes() for p in (tmp_path / "in").iterdir()}
    still(tmp_path / "in", "zz_good")
    jobs, _ = once(settings, engine)
    state = {job.name: job for job in jobs}
    assert state["zz_good"].state == "done"
    assert state["shot"].state in ("set_aside", "failed")
    sentence = state["shot"].error or ""
    names, mend = BAD[bad]
    assert names in sentence
    assert mend in sentence
    assert sentence.count("\n") == 0
    assert sentence.endswith((".", "?"))
    assert {name: (tmp_path / "in" / name).read_bytes() for name in before} == before
    assert [p.name for p in (tmp_path / "out").iterdir() if not p.name.startswith(".")] == ["zz_good"]


def test_one_pixel_is_a_picture_too(tmp_path: Path, engine: Engine) -> None:
    write(tmp_path / "in/dot.png", np.full((1, 1, 3), 90, np.uint8))
    write(tmp_path / "in/dot_trimap.png", np.full((1, 1), 128, np.uint8))
    jobs, _ = once(config(tmp_path), engine)
    assert [job.state for job in jobs] == ["done"]
    assert cv2.imread(str(tmp_path / "out/dot/dot_alpha.png"), cv2.IMREAD_UNCHANGED).shape == (1, 1)
