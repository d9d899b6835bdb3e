"""The progress watchdog: it beats while work comes forward and falls silent when it hangs."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from daemon.engine import Engine
from daemon.life import Life, LifeError
from daemon.media import video_sink
from daemon.metrics_server import MetricsError
from daemon.pulse import Pulse, watchdog_seconds
from tests.daemon.cases import FakeMatter, config, free_port, sequence, still, video, wait_for
from tests.daemon.serving import once, running


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Systemd:
    """Hears what a service tells, in this process."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.setblocking(False)
        self._heard: list[str] = []

    @property
    def heard(self) -> list[str]:
        while True:
            try:
                self._heard += self.socket.recv(4096).decode().splitlines()
            except BlockingIOError:
                return self._heard


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Systemd]:
    made = Systemd(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "60000000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    yield made
    made.socket.close()


def died(state: Path, traces: str = "", instance: str = "9109") -> str | None:
    """A run that ends without a word, or hung; returns how the one before it ended."""
    with suppress(RuntimeError), Life(state, instance) as life:
        if traces:
            life.traces.write_text(traces)
        raise RuntimeError
    return life.last


@contextmanager
def pulse(clock: Clock) -> Iterator[tuple[Pulse, list[str]]]:
    heard: list[str] = []
    with Pulse(heard.append, lambda: 10.0, watchdog=60.0, clock=clock) as made:
        yield made, heard


def test_the_watchdog_is_that_of_this_process_alone() -> None:
    assert watchdog_seconds({"WATCHDOG_USEC": "30000000"}) == 30
    assert watchdog_seconds({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}) == 30
    assert watchdog_seconds({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}) is None
    assert watchdog_seconds({}) is None
    assert watchdog_seconds({"WATCHDOG_USEC": "soon"}) is None


def test_it_beats_while_nothing_is_to_do_and_while_jobs_come_forward() -> None:
    clock = Clock()
    with pulse(clock) as (made, heard):
        assert made.beat() == []
        with made.watching(7):
            for _ in range(5):
                clock.now += 9
                made.moved(7)
                assert made.beat() == []
        clock.now += 100
        made.moved(7)  # a late word of a job that has ended
        assert made.beat() == []
    assert heard == ["WATCHDOG=1"] * 7


def test_one_job_that_hangs_silences_it_though_others_come_forward() -> None:
    clock = Clock()
    with pulse(clock) as (made, heard), made.watching(1), made.watching(2):
        clock.now += 11
        made.moved(2)
        assert made.beat() == [1]
        assert heard == []
        made.moved(1)
        assert made.beat() == []
        assert heard == ["WATCHDOG=1"]


def test_a_service_tells_systemd_of_its_whole_life(tmp_path: Path, engine: Engine, systemd: Systemd) -> None:
    with running(config(tmp_path), engine) as daemon:
        wait_for(lambda: "READY=1" in systemd.heard)
        still(tmp_path / "in")
        wait_for(lambda: daemon.told.done)
        wait_for(lambda: systemd.heard.count("WATCHDOG=1") > 2)
        daemon.service.reload()
        wait_for(lambda: "RELOADING=1" in systemd.heard)
        wait_for(lambda: systemd.heard.count("READY=1") == 2)
    heard = systemd.heard
    assert any(line.startswith("MONOTONIC_USEC=") for line in heard)
    assert any(line.startswith("STATUS=0 running, 0 waiting; v1") for line in heard)
    assert heard[-2] == "STOPPING=1"
    assert heard.index("READY=1") < heard.index("RELOADING=1")


def test_a_stage_that_hangs_is_told_and_the_beat_ends(
    tmp_path: Path, engine: Engine, matter: FakeMatter, systemd: Systemd
) -> None:
    matter.gate.clear()
    sequence(tmp_path / "in")
    settings = config(
        tmp_path, jobs={"stall_seconds": 1.0}, limits={"min_free_gib": 0.0, "decode_seconds": None}
    )
    with running(settings, engine) as daemon:
        wait_for(lambda: daemon.said(f"no frame came forward for 1 s, on its way to {tmp_path / 'out'}; "))
        (line,) = [line for line in daemon.logged if "no frame came forward" in line["event"]]
        assert (line["job"], line["clip"]) == (daemon.jobs()[0].id, "shot")
        assert daemon.service.metrics.registry.get_sample_value("dimd_stalled_jobs") == 1
        beats = systemd.heard.count("WATCHDOG=1")
        scans = daemon.service._vitals.pulse.stalled
        assert scans() == [line["job"]]
        with pytest.raises(AssertionError):
            wait_for(lambda: systemd.heard.count("WATCHDOG=1") > beats, 1)
        matter.gate.set()
        wait_for(lambda: daemon.told.done)
        wait_for(lambda: systemd.heard.count("WATCHDOG=1") > beats)
        assert daemon.service.metrics.registry.get_sample_value("dimd_stalled_jobs") == 0


def test_a_video_that_is_being_joined_is_no_job_that_hangs(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long it takes: each packet is a sign of life."""
    signs: list[int] = []
    given: list[int] = []
    join = video_sink.join

    def joined(*asked: Any) -> None:
        before = len(signs)
        join(*asked)
        given.append(len(signs) - before)

    monkeypatch.setattr(Pulse, "moved", lambda pulse, job_id, begin=False: signs.append(job_id))
    video(tmp_path / "in", frames=10)
    monkeypatch.setattr(video_sink, "join", joined)
    jobs, _ = once(config(tmp_path), engine)
    assert [job.state for job in jobs] == ["done"]
    assert len(given) == 3
    assert min(given) >= 10


def test_a_scan_less_often_than_the_watchdog_bites_does_not_starve_it(
    tmp_path: Path, engine: Engine, systemd: Systemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "900000")
    settings = config(tmp_path, watch={"settle_seconds": 0.0, "scan_seconds": 3600.0, "events": False})
    with running(settings, engine):
        wait_for(lambda: systemd.heard.count("WATCHDOG=1") > 3)


def test_how_a_run_ended_is_known_to_the_next(tmp_path: Path) -> None:
    with Life(tmp_path, "9109") as first:
        assert first.last is None
    assert died(tmp_path) == "stop"
    assert died(tmp_path, "Thread 0x1: decode") == "crash"
    with Life(tmp_path, "9109") as fourth:
        assert fourth.last == "watchdog"
        assert fourth.ends == {"stop": 1, "crash": 1, "watchdog": 1, "boot": 0}
        assert fourth.kept.read_text() == "Thread 0x1: decode"
    with Life(tmp_path, "9110") as other:
        assert other.last is None
        told = tmp_path / "life-9110.json"
        left = json.loads(told.read_text())
    told.write_text(json.dumps(left | {"boot": "another"}))
    with Life(tmp_path, "9110") as after:
        assert after.last == "boot"
    told.write_text("{ torn")
    with Life(tmp_path, "9110") as torn:
        assert torn.last is None


def test_a_state_folder_that_takes_no_note_is_one_sentence_at_the_start_and_fails_no_stop(
    tmp_path: Path,
) -> None:
    with Life(tmp_path, "9109"):
        (tmp_path / "life-9109.tmp").mkdir()
    with pytest.raises(LifeError, match=rf"^{tmp_path}: cannot be written to \(Is a directory\); make room"):
        Life(tmp_path, "9109").__enter__()
    (tmp_path / "life-9109.tmp").rmdir()
    with Life(tmp_path, "9109") as after:
        assert after.last == "crash"


def test_a_start_that_ends_with_a_sentence_is_no_crash(tmp_path: Path, engine: Engine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        busy = {"port": other.getsockname()[1]}
        closed = {"port": free_port(), "token_file": str(tmp_path / "nowhere")}
        for metrics in (busy, closed):
            with running(config(tmp_path, metrics=metrics), engine) as daemon:
                wait_for(lambda daemon=daemon: daemon.broken)
            assert isinstance(daemon.broken, MetricsError)
            with Life(tmp_path / "state", str(metrics["port"])) as following:
                assert following.ends == {"stop": 1, "crash": 0, "watchdog": 0, "boot": 0}


def test_daemons_of_one_name_know_each_its_own_end(tmp_path: Path) -> None:
    with Life(tmp_path, "alone") as first:
        with Life(tmp_path, "alone") as second:
            assert (first.last, second.last) == (None, None)
            assert first.traces != second.traces
        with suppress(RuntimeError), Life(tmp_path, "alone") as second:
            assert second.last == "stop"
            raise RuntimeError
        with Life(tmp_path, "alone") as second:
            assert second.last == "crash"
    with Life(tmp_path, "alone") as first:
        assert first.last == "stop"


HANGS = """
import sys, time
from pathlib import Path
from daemon.life import Life, LifeError
from daemon.pulse import Pulse
with Life(Path(sys.argv[1]), "9109") as life:
    with Pulse(print, lambda: 1.0, watchdog=0.5, traces=life.traces) as pulse:
        pulse.beat()
        def decode_that_hangs(): time.sleep(60)
        decode_that_hangs()
"""


def test_a_process_that_hangs_writes_where_it_stands_and_the_next_counts_it(tmp_path: Path) -> None:
    hung = subprocess.Popen([sys.executable, "-c", HANGS, str(tmp_path)], stdout=subprocess.DEVNULL)
    traces = tmp_path / "hung-9109.txt"
    try:
        wait_for(lambda: traces.exists() and "decode_that_hangs" in traces.read_text())
    finally:
        hung.kill()
        hung.wait(20)
    with Life(tmp_path, "9109") as following:
        assert following.last == "watchdog"
        assert "decode_that_hangs" in following.kept.read_text()


def test_a_stall_that_passed_is_forgotten_and_a_crash_after_it_is_a_crash(tmp_path: Path) -> None:
    with suppress(RuntimeError), Life(tmp_path, "9109") as life:
        with Pulse(lambda _: None, lambda: 1.0, watchdog=1.0, traces=life.traces) as made:
            for _ in range(2):
                made.beat()
                wait_for(lambda: life.traces.stat().st_size)
                assert life.traces.read_bytes().startswith(b"Timeout")
            made.beat()
            assert life.traces.stat().st_size == 0
        raise RuntimeError
    with Life(tmp_path, "9109") as following:
        assert following.last == "crash"


def test_prometheus_is_told_how_earlier_runs_ended(tmp_path: Path, engine: Engine) -> None:
    settings = config(tmp_path)
    (tmp_path / "state").mkdir()
    died(settings.state, "Thread 0x1: decode", "alone")
    with running(settings, engine) as daemon:
        wait_for(lambda: daemon.said("dimd hung and was restarted"))
        registry = daemon.service.metrics.registry
        assert registry.get_sample_value("dimd_restarts_total", {"why": "watchdog"}) == 1
        assert registry.get_sample_value("dimd_restarts_total", {"why": "crash"}) == 0
