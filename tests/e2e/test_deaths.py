"""What kills a daemon, or takes its device away: the clip is not lost, and no restart loops on it."""

from __future__ import annotations

import json
from pathlib import Path

from daemon.ledger import Ledger
from tests.daemon.cases import plate, still, trimap, wait_for, write
from tests.e2e.forked import Forked, Hand, make_home


def test_a_clip_that_kills_the_process_is_set_aside_and_the_others_are_done(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    poisonous = (36, 72)
    write(home / "in/bad_trimap.png", trimap(poisonous))
    write(home / "in/bad.png", plate(0, poisonous))
    still(home / "in", "good")
    deaths = 0
    while True:  # as systemd does
        with Forked(home, Hand(poison=72)) as daemon:
            wait_for(
                lambda: (
                    daemon.process.exitcode is not None
                    or {job.name: job.state for job in daemon.jobs()} == {"bad": "set_aside", "good": "done"}
                ),
                60,
            )
            if daemon.process.exitcode is None:
                daemon.listens()
                assert daemon.stop() == 0
                break
            deaths += 1
            assert deaths < 10, daemon.log
    assert deaths == 5
    lines = [json.loads(line) for line in daemon.log.splitlines()]
    (told,) = [line for line in lines if line["event"] == "set aside"]
    assert told["clip"] == "bad"
    assert "dimd died 5 times after frame 0 of this clip; see the system log" in told["why"]
    assert [path.name for path in (home / "out").iterdir() if not path.name.startswith(".")] == ["good"]


def test_a_device_that_goes_away_ends_the_process_and_the_clip_waits(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    still(home / "in")
    with Forked(home, Hand(device_lost=True)) as daemon:
        assert daemon.wait(60) == 3, daemon.log
        (job,) = daemon.jobs()
        assert (job.state, job.attempts) == ("waiting", 0)
        lines = [json.loads(line) for line in daemon.log.splitlines()]
        (told,) = [line for line in lines if line["level"] == "critical"]
        assert told["event"].startswith("device: cuda does not answer any more")
        assert "Traceback" not in daemon.log
    with Forked(home) as again:
        wait_for(lambda: [job.state for job in again.jobs()] == ["done"], 60)
        with Ledger(home / "state", create=False) as ledger:
            assert ledger.jobs()[0].attempts == 1
