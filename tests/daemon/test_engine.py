"""The engine: one device for all jobs, and a job ends on the weights it began with."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from daemon.engine import Engine, EngineClosedError
from dim_model import nets, weights
from dim_model.weights import Card, WeightsError
from tests.daemon.cases import FakeMatter, wait_for

RGB, UNKNOWN = torch.zeros(3, 8, 8), torch.full((1, 8, 8), 0.5)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    state = nets.build("swift").state_dict()
    for version in ("v1", "v2"):
        weights.publish(tmp_path, Card(version, "swift", "sampled", "x", [], {}), state)
    weights.point(tmp_path, "v1")
    return tmp_path


@pytest.fixture
def opened() -> dict[str, FakeMatter]:
    return {}


@pytest.fixture
def engine(root: Path, opened: dict[str, FakeMatter]) -> Iterator[Engine]:
    def open_matter(folder: Path) -> FakeMatter:
        opened[folder.name] = FakeMatter(folder.name)
        return opened[folder.name]

    with Engine(open_matter, root, together=3) as made:
        yield made


def test_frames_that_wait_are_done_together(engine: Engine, opened: dict[str, FakeMatter]) -> None:
    opened["v1"].gate.clear()
    with engine.lease() as first, engine.lease() as second:
        futures = [lease.matte(RGB, UNKNOWN) for lease in (first, second) * 4]
        opened["v1"].gate.set()
        assert all(f.result(10).shape == (1, 8, 8) for f in futures)
    assert sum(opened["v1"].calls) == 8
    assert max(opened["v1"].calls) == 3


def test_a_running_clip_ends_on_its_weights_and_the_next_has_the_new(
    engine: Engine, root: Path, opened: dict[str, FakeMatter]
) -> None:
    with engine.lease() as old:
        weights.point(root, "v2")
        assert engine.refresh()
        assert old.version == "v1"
        old.matte(RGB, UNKNOWN).result(10)
        with engine.lease() as new:
            assert new.version == "v2"
            new.matte(RGB, UNKNOWN).result(10)
        assert not opened["v1"].closed
    wait_for(lambda: opened["v1"].closed)
    assert opened["v1"].calls == opened["v2"].calls == [1]
    assert not engine.refresh()


def test_weights_that_cannot_be_taken_up_leave_the_old_in_place(engine: Engine, root: Path) -> None:
    (root / "current").unlink()
    (root / "current").symlink_to("v3")
    with pytest.raises(WeightsError):
        engine.refresh()
    with engine.lease() as lease:
        assert lease.version == "v1"


def test_a_resumed_clip_gets_the_version_it_asks_for(engine: Engine, opened: dict[str, FakeMatter]) -> None:
    with engine.lease("v2") as lease:
        assert lease.version == "v2"
    wait_for(lambda: opened["v2"].closed)
    with pytest.raises(WeightsError, match="no weights 'v9'"):
        engine.lease("v9")


def test_a_resumed_clip_gets_its_weights_though_their_folder_was_renamed(root: Path) -> None:
    (root / "v1").rename(root / "production")
    weights.point(root, "production")
    with Engine(lambda folder: FakeMatter(weights.load_card(folder).version), root) as engine:
        with engine.lease() as lease:
            noted = lease.version
        with engine.lease(noted) as resumed:
            assert resumed.version == noted == "v1"


def test_an_error_reaches_the_job_that_asked_and_no_other(
    engine: Engine, opened: dict[str, FakeMatter]
) -> None:
    with engine.lease() as lease:
        opened["v1"].error = RuntimeError("out of memory")
        with pytest.raises(RuntimeError, match="out of memory"):
            lease.matte(RGB, UNKNOWN).result(10)
        opened["v1"].error = None
        lease.matte(RGB, UNKNOWN).result(10)


def test_a_closed_engine_takes_nothing_more(root: Path) -> None:
    engine = Engine(lambda folder: FakeMatter(), root)
    lease = engine.lease()
    engine.close()
    with pytest.raises(EngineClosedError):
        lease.matte(RGB, UNKNOWN)


def test_weights_are_not_closed_under_a_frame_that_waits(
    engine: Engine, root: Path, opened: dict[str, FakeMatter]
) -> None:
    """A job that was cancelled leaves frames behind."""
    opened["v1"].gate.clear()
    with engine.lease() as lease:
        futures = [lease.matte(RGB, UNKNOWN) for _ in range(4)]
        weights.point(root, "v2")
        engine.refresh()
    assert not opened["v1"].closed
    opened["v1"].gate.set()
    assert [f.result(10).shape for f in futures] == [(1, 8, 8)] * 4
    wait_for(lambda: opened["v1"].closed)


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_weights_that_cannot_be_freed_hold_up_nobody(
    engine: Engine, root: Path, opened: dict[str, FakeMatter], monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> None:
        opened["v1"].closed = True
        raise RuntimeError("CUDA error: unspecified launch failure")

    monkeypatch.setattr(opened["v1"], "close", gone)
    weights.point(root, "v2")
    assert engine.refresh()
    wait_for(lambda: opened["v1"].closed)
    with engine.lease() as lease:
        assert lease.matte(RGB, UNKNOWN).result(5).shape == (1, 8, 8)


def test_jobs_that_resume_on_the_same_old_weights_share_them(root: Path) -> None:
    opened: list[str] = []

    def open_slowly(folder: Path) -> FakeMatter:
        opened.append(folder.name)
        time.sleep(0.1)
        return FakeMatter(folder.name)

    with Engine(open_slowly, root) as engine, ThreadPoolExecutor(2) as jobs:

        def job(_: int) -> None:
            with engine.lease("v2") as lease:
                lease.matte(RGB, UNKNOWN).result(10)

        list(jobs.map(job, range(2)))
        assert opened.count("v2") <= 2  # once together, or one after the other
        with engine.lease("v2"), engine.lease("v2"):
            before = len(opened)
            jobs.submit(job, 0).result(10)
            assert len(opened) == before


def test_an_answer_that_does_not_fit_fails_its_frames_and_the_engine_goes_on(
    engine: Engine, opened: dict[str, FakeMatter], monkeypatch: pytest.MonkeyPatch
) -> None:
    with engine.lease() as lease:
        with monkeypatch.context() as broken:
            broken.setattr(opened["v1"], "matte", lambda rgb, trimap, clean: [])
            with pytest.raises(ValueError, match="argument 2 is shorter"):
                lease.matte(RGB, UNKNOWN).result(10)
        lease.matte(RGB, UNKNOWN).result(10)
