"""The log: one line to an event, JSON where that is set, with the job on every line that belongs to one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from daemon.engine import Engine
from tests.daemon.cases import FakeMatter, config, sequence, wait_for
from tests.daemon.serving import running

SPEAKS = """
import logging, sys, threading, warnings
import structlog
from structlog.contextvars import bound_contextvars
from daemon.config import LogSettings
from daemon.report import configure_log
from daemon.stages import Ahead

def frames():
    logging.getLogger("libav.h264").warning("error while decoding MB 3 4")
    yield 1

configure_log(LogSettings(format=sys.argv[1], level="debug"))
log = configure_log(LogSettings(format=sys.argv[1]))
log.debug("not to be seen")
log.info("watching", folders="/srv/dimd/in")
with bound_contextvars(job=17, clip="shot"):
    log.warning("shot.mov: has 2 video streams")
    with Ahead(frames(), 2, "read") as read:
        list(read)
    logging.getLogger("watchdog").info("not to be seen either")
    warnings.warn("a library's warning")
    log.error("shot\\n2026-11-24T00:00:00Z [info] done  job=99\\x1b[2J\\u202e")
thread = threading.Thread(target=lambda: 1 / 0, name="steady")
thread.start()
thread.join()
"""


def spoken(form: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-W", "default", "-c", SPEAKS, form], capture_output=True, text=True, check=True
    )
    assert done.stdout == ""
    return done.stderr.splitlines()


def test_json_has_the_job_on_every_line_of_a_clip_whoever_writes_it() -> None:
    lines = [json.loads(line) for line in spoken("json")]
    assert [line.get("job") for line in lines] == [None, 17, 17, 17, 17, None]
    assert [line["level"] for line in lines] == ["info", "warning", "warning", "warning", "error", "error"]
    assert all(line["timestamp"].endswith("Z") for line in lines)
    assert [line.get("logger") for line in lines[2:4]] == ["libav.h264", "py.warnings"]
    assert lines[4]["event"] == "shot\n2026-11-24T00:00:00Z [info] done  job=99\x1b[2J\u202e"
    assert lines[5]["event"] == "thread steady ended by an error"
    assert "ZeroDivisionError" in lines[5]["exception"]


def test_a_name_draws_no_line_of_its_own_in_a_log_for_people() -> None:
    lines = spoken("console")
    (forged,) = [line for line in lines if "job=99" in line]
    assert "shot\\x0a2026" in forged
    assert "\\x1b[2J\\u202e" in forged
    assert forged.endswith("clip=shot job=17")
    assert not any("\x1b" in line or "\u202e" in line for line in lines)


def test_what_a_worker_and_its_stages_log_bears_the_job(
    tmp_path: Path, engine: Engine, matter: FakeMatter, monkeypatch: pytest.MonkeyPatch
) -> None:
    from structlog.contextvars import get_contextvars

    from daemon import run

    seen: set[tuple[str, int]] = set()
    reading, writing = run._read, run._write

    def read(*arguments: object) -> object:
        for each in reading(*arguments):  # type: ignore[arg-type]
            seen.add(("read", get_contextvars()["job"]))
            yield each

    def write(*arguments: object) -> None:
        seen.add(("write", get_contextvars()["job"]))
        writing(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(run, "_read", read)
    monkeypatch.setattr(run, "_write", write)
    with running(config(tmp_path), engine) as daemon:
        sequence(tmp_path / "in")
        wait_for(lambda: daemon.told.done)
        job = daemon.jobs()[0].id
    assert seen == {("read", job), ("write", job)}


@pytest.mark.parametrize("form", ["console", "json"])
def test_a_log_that_takes_no_line_ends_nothing(form: str) -> None:
    """As on a full disk; or a terminal that is gone, for whoever began it there and logged out."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", SPEAKS + "\nprint('it goes on')", form],
            stdout=subprocess.PIPE,
            stderr=full,
            text=True,
            timeout=60,
        )
    assert done.stdout == "it goes on\n"
