"""Results that go to a mount which hangs in the midst of it: the whole way by the watchdog to the result."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from daemon.job import Job
from tests.daemon.cases import sequence, still, tree, wait_for
from tests.daemon.hung import Hung
from tests.e2e.forked import Forked, Hand, make_home

pytestmark = pytest.mark.slow

FOLDERS = """
limits: {min_free_gib: 0, decode_seconds: null}
folders:
  - {in: far-in, out: far-out}
  - {in: in, out: out}
"""


def job_of(daemon: Forked, name: str) -> Job | None:
    return next((job for job in daemon.jobs() if job.name == name), None)


def is_done(daemon: Forked, name: str) -> bool:
    job = job_of(daemon, name)
    return job is not None and job.state == "done"


def test_it_is_named_others_go_on_and_after_the_restart_its_clip_waits_and_resumes(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", jobs=", stall_seconds: 2, parallel: 2", more=FOLDERS)
    for name in ("far-in", "far-out", "in"):
        (home / name).mkdir()
    with Forked(home, Hand(pace=0.1)) as daemon:
        sequence(home / "far-in", "far", range(1, 41))
        wait_for(lambda: [job for job in daemon.jobs() if job.frames_done > 2], 60)
        with Hung(home / "far-out") as hung:
            still(home / "in", "near")
            wait_for(lambda: is_done(daemon, "near"), 60)
            told = f"no frame came forward for 2 s, on its way to {home / 'far-out'}; "
            wait_for(lambda: told in daemon.log, 60)
            far = job_of(daemon, "far")
            assert far is not None
            assert 0 < far.frames_done < 40
            daemon.send(signal.SIGABRT)  # as systemd's watchdog does
            assert daemon.wait(30) == -signal.SIGABRT
            with Forked(home) as again:
                still(home / "in", "nearer")
                wait_for(lambda: is_done(again, "nearer"), 100)
                assert job_of(again, "far") == far
                hung.back()
                wait_for(lambda: is_done(again, "far"), 60)
    made = tree(home / "far-out")
    assert len([name for name in made if name.startswith("far/alpha/")]) == 40
    assert not [name for name in made if name.startswith(".")]
    calm = make_home(tmp_path / "calm")
    sequence(calm / "in", "far", range(1, 41))
    with Forked(calm, Hand(once=True)) as daemon:
        assert daemon.wait(60) == 0
    for name, data in tree(calm / "out").items():
        assert name == "far/manifest.json" or made[name] == data
