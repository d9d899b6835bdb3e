"""A daemon that lost its claim (it stood still for longer than its lease, or a person cancelled) at the worst
moments: just before it publishes, between being allowed to begin and beginning, as it stops or fails.
"""

from __future__ import annotations

import errno
import time
from pathlib import Path
from typing import Any

import pytest

from daemon import manifest, publish
from daemon.engine import Engine
from daemon.ledger import Ledger
from tests.daemon.cases import FakeMatter, config, still, wait_for
from tests.daemon.serving import running


def test_a_result_whose_claim_has_passed_on_is_not_published(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, write = config(tmp_path), manifest.write
    with Ledger(settings.state) as other:

        def taken_over(*arguments: Any, **named: Any) -> None:
            write(*arguments, **named)
            assert other.claim("another", 60, time.time() + 3600) is not None

        monkeypatch.setattr(manifest, "write", taken_over)
        still(tmp_path / "in")
        with running(settings, engine) as daemon:
            wait_for(lambda: daemon.told.ends)
            assert daemon.told.ends[0][0] == "superseded"
            assert [job.state for job in daemon.jobs()] == ["running"]
    assert [path.name for path in (tmp_path / "out").iterdir() if not path.name.startswith(".")] == []


def test_one_who_begins_after_another_is_done_leaves_nothing_behind(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, sync = config(tmp_path), publish.sync_folder
    with Ledger(settings.state) as other:

        def done_by_another(folder: Path) -> None:
            sync(folder)
            if (job := other.claim("another", 60, time.time() + 3600)) is not None:
                other.done(job.id, folder / "shot")

        monkeypatch.setattr(publish, "sync_folder", done_by_another)
        still(tmp_path / "in")
        with running(settings, engine) as daemon:
            wait_for(lambda: daemon.told.ends)
            assert daemon.told.ends[0][0] == "superseded"
    assert list((tmp_path / "out").iterdir()) == []


def test_what_one_begins_while_another_is_at_it_is_gone_when_that_is_done(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, write = config(tmp_path), manifest.write

    def begun_by_another(*arguments: Any, **named: Any) -> None:
        write(*arguments, **named)
        (ours,) = (tmp_path / "out").iterdir()
        ours.with_name(ours.name[:-6] + "000000").mkdir()

    monkeypatch.setattr(manifest, "write", begun_by_another)
    still(tmp_path / "in")
    with running(settings, engine) as daemon:
        wait_for(lambda: daemon.told.done)
        wait_for(lambda: [path.name for path in (tmp_path / "out").iterdir()] == ["shot"])


def test_one_who_is_stopped_when_its_clip_has_passed_on_leaves_nothing_behind(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, stamp = config(tmp_path), manifest.stamp
    with Ledger(settings.state) as other:

        def done_by_another(*arguments: Any) -> dict[str, str]:
            job = other.claim("another", 60, time.time() + 3600)
            assert job is not None
            (ours,) = (tmp_path / "out").iterdir()
            ours.rmdir()
            other.done(job.id, ours.with_name("shot"))
            daemon.service.stop()
            time.sleep(0.5)  # until it is told
            return stamp(*arguments)

        monkeypatch.setattr(manifest, "stamp", done_by_another)
        with running(settings, engine) as daemon:
            still(tmp_path / "in")
            wait_for(lambda: daemon.told.ends)
    assert [how for how, _ in daemon.told.ends] == ["superseded"]
    assert list((tmp_path / "out").iterdir()) == []


def test_what_fails_after_it_was_cancelled_leaves_nothing_behind(
    tmp_path: Path, engine: Engine, matter: FakeMatter
) -> None:
    settings = config(tmp_path)
    matter.gate.clear()
    still(tmp_path / "in")
    with running(settings, engine) as daemon:
        wait_for(lambda: list(tmp_path.glob("out/*")))
        with Ledger(settings.state, create=False) as ledger:
            ledger.cancel(daemon.jobs()[0].id)
        matter.error = OSError(errno.EIO, "Input/output error")
        matter.gate.set()
        wait_for(lambda: daemon.told.ends)
    assert [how for how, _ in daemon.told.ends] == ["superseded"]
    assert list((tmp_path / "out").iterdir()) == []
