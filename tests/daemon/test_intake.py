"""What lies in the folders becomes jobs, and what is gone from them is forgotten; but a folder that cannot be
believed loses nobody's work.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from daemon import intake as intake_module
from daemon import room
from daemon.engine import Engine
from daemon.faults import Faults
from daemon.intake import Intake
from daemon.job import Job
from daemon.ledger import Ledger
from tests.daemon.cases import FakeMatter, config, plate, sequence, still, wait_for, write
from tests.daemon.serving import Running, once, running


def test_clips_wait_while_the_disk_is_nearly_full(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = {"out": 1}
    monkeypatch.setattr(room, "free_bytes", lambda folder: free.get(folder.name, 2 * 1024**3))
    pairs = [{"in": str(tmp_path / i), "out": str(tmp_path / o)} for i, o in (("in", "out"), ("in2", "out2"))]
    still(tmp_path / "in")
    with running(config(tmp_path, folders=pairs, limits={"min_free_gib": 1.0}), engine) as daemon:
        wait_for(lambda: daemon.said("GiB free"))
        still(tmp_path / "in2", "elsewhere")
        wait_for(lambda: daemon.told.done == [tmp_path / "out2/elsewhere"])
        free.clear()
        wait_for(lambda: len(daemon.told.done) == 2)
        free["out"] = 1
        wait_for(lambda: daemon.said("GiB free") == 2)


def set_aside(daemon: Running) -> Job:
    wait_for(lambda: [job.state for job in daemon.jobs()] == ["set_aside"])
    return daemon.jobs()[0]


def test_a_folder_that_is_away_for_a_while_loses_no_job(tmp_path: Path, engine: Engine) -> None:
    still(tmp_path / "in", with_trimap=False)
    with running(config(tmp_path), engine) as daemon:
        job = set_aside(daemon)
        (tmp_path / "in").rename(tmp_path / "away")
        wait_for(lambda: daemon.said("cannot be l"))
        (tmp_path / "away").rename(tmp_path / "in")
        still(tmp_path / "in", "next")
        wait_for(lambda: daemon.told.done)
        assert [j.id for j in daemon.jobs() if j.name == "shot"] == [job.id]


def test_an_unmounted_share_looks_empty_and_loses_no_job(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    still(tmp_path / "in", with_trimap=False)
    with running(config(tmp_path), engine) as daemon:
        job = set_aside(daemon)
        scans: list[Path] = []

        def empty(folder: Path, remark: Callable[[str], None], **_: object) -> list[Any]:
            scans.append(folder)
            return []

        mounted = intake_module._device
        with monkeypatch.context() as unmounted:
            unmounted.setattr(intake_module, "_device", lambda folder: -1 if scans else mounted(folder))
            unmounted.setattr(intake_module, "scan", empty)
            wait_for(lambda: len(scans) >= 2)
        assert [j.id for j in daemon.jobs()] == [job.id]


def test_clips_that_wait_in_vain_since_the_start_are_said_to(tmp_path: Path, engine: Engine) -> None:
    """A share that was not mounted at the boot, or a folder that was cleared while dimd was off."""
    settings = config(tmp_path)
    still(tmp_path / "in")
    once(config(tmp_path, limits={"min_free_gib": 1e9}), engine)
    (tmp_path / "in").rename(tmp_path / "away")
    (tmp_path / "in").mkdir()
    with running(settings, engine) as daemon:
        wait_for(lambda: daemon.said(f"{tmp_path / 'in'}: is empty, though clips that lay in it still wait"))
        assert [job.state for job in daemon.jobs()] == ["waiting"]
        (tmp_path / "in").rmdir()
        (tmp_path / "away").rename(tmp_path / "in")
        wait_for(lambda: daemon.told.done)
        assert daemon.said("is empty") == 1


def test_another_settle_time_loses_no_job(tmp_path: Path, engine: Engine) -> None:
    longer = config(tmp_path, watch={"settle_seconds": 0.5, "scan_seconds": 0.2})
    still(tmp_path / "in", with_trimap=False)
    with running(config(tmp_path), engine, lambda: longer) as daemon:
        job = set_aside(daemon)
        daemon.service.reload()
        wait_for(lambda: daemon.said("config is read again"))
        still(tmp_path / "in", "next")
        wait_for(lambda: daemon.told.done)
        assert [j.id for j in daemon.jobs() if j.name == "shot"] == [job.id]


def hidden(out: Path) -> list[Path]:
    return [path for path in out.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("change", ["taken away", "changed"])
def test_no_unfinished_work_is_left_of_a_clip_that_is_gone(
    change: str, tmp_path: Path, engine: Engine, matter: FakeMatter
) -> None:
    settings = config(tmp_path)
    matter.pace = 0.1
    sequence(tmp_path / "in", numbers=range(1001, 1041))
    still(tmp_path / "in", "other")
    with running(settings, engine) as daemon:
        wait_for(lambda: any(name == "shot" for name, _ in daemon.told.safe))
    matter.pace = 0.0
    (stopped,) = hidden(tmp_path / "out")
    if change == "changed":
        write(tmp_path / "in/shot_trimap.png", np.full((36, 64), 128, np.uint8))
    else:
        for path in (tmp_path / "in").glob("shot*"):
            path.unlink()
    once(settings, engine)
    assert not stopped.exists()
    assert hidden(tmp_path / "out") == []
    assert (tmp_path / "out/shot").is_dir() == (change == "changed")


def test_a_retried_clip_whose_settings_are_still_wrong_is_set_aside_again(
    tmp_path: Path, engine: Engine
) -> None:
    still(tmp_path / "in")
    (tmp_path / "in/shot.yaml").write_text("outptus: {}\n")
    with running(config(tmp_path), engine) as daemon:
        job = set_aside(daemon)
        with Ledger(daemon.state, create=False) as ledger:
            ledger.retry(job.id)
        wait_for(lambda: len(daemon.told.ends) == 2)
        assert set_aside(daemon).error == job.error
    assert not (tmp_path / "out/shot").exists()


def test_a_clip_that_is_set_aside_for_its_settings_is_counted_as_one(tmp_path: Path, engine: Engine) -> None:
    still(tmp_path / "in")
    (tmp_path / "in/shot.yaml").write_text("outputs: {alhpa: {}}\n")
    with running(config(tmp_path), engine) as daemon:
        job = set_aside(daemon)
        wait_for(lambda: daemon.told.ends)
        assert daemon.told.ends == [("set_aside", job.error)]
        registry = daemon.service.metrics.registry
        assert registry.get_sample_value("dimd_jobs_ended_total", {"how": "set_aside"}) == 1


def test_a_clip_among_many_costs_no_look_at_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a look at each, a hundred thousand files at once would take days."""
    for number in range(40):
        write(tmp_path / f"in/c-{chr(97 + number // 26)}{chr(97 + number % 26)}.png", plate())
    settings = config(tmp_path)
    with Ledger(settings.state) as ledger:
        rows: list[int] = []
        read = ledger._file.read

        def counted(query: str, *values: object) -> Any:
            found = read(query, *values)
            rows.append(len(found))
            return found

        monkeypatch.setattr(ledger._file, "read", counted)
        Intake(ledger, lambda job: None, Faults(print), 0).look(settings)
        assert ledger.counts()["waiting"] == 40
    assert sum(rows) < 3 * 40
