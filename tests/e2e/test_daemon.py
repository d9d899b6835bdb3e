"""The daemon as a process, with the network that is shipped: what a user and a machine's operator see."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daemon.job import Job
from dim_model import nets, weights
from tests.daemon.cases import free_port, jobs_in, sequence, still, tree, video, wait_for

DIMD = [sys.executable, "-m", "daemon"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with a config, and weights of its own that can be moved on."""
    shipped = weights.load(weights.resolve(weights.SHIPPED))
    root = tmp_path / "weights"
    for version in ("one", "two"):
        card = weights.Card(version, "swift", "sampled", "x", [], {})
        weights.publish(root, card, shipped.state if version == "one" else nets.build("swift").state_dict())
    weights.point(root, "one")
    (tmp_path / "config.yaml").write_text(
        "weights: weights\n"
        "runtime: torch\n"
        "batch: 1\n"
        "watch: {settle_seconds: 0.3, scan_seconds: 0.5}\n"
        "jobs: {chunk_frames: 2, retry_seconds: 0.5}\n"
        "limits: {min_free_gib: 0}\n"
        "metrics: {port: null}\n"
        "log: {format: json}\n"
    )
    (tmp_path / "in").mkdir()
    return tmp_path


class Daemon:
    """A running `dimd --config`."""

    def __init__(self, home: Path, *more: str) -> None:
        self._home = home
        self._log = (home / "log").open("ab")
        self.process = subprocess.Popen(
            [*DIMD, "--config", str(home / "config.yaml"), *more], stderr=self._log, stdout=self._log
        )

    @property
    def log(self) -> str:
        return (self._home / "log").read_text()

    def jobs(self) -> list[Job]:
        return jobs_in(self._home / "state")

    def states(self) -> dict[str, str]:
        return {job.name: job.state for job in self.jobs()}

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(30)

    def __enter__(self) -> Daemon:
        return self

    def __exit__(self, *exc: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(30)
        self._log.close()


def command(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*DIMD, *arguments, "--config", str(home / "config.yaml")], capture_output=True, text=True, timeout=90
    )


@pytest.fixture
def daemon(home: Path) -> Iterator[Daemon]:
    with Daemon(home) as running:
        wait_for(lambda: "watching" in running.log, 60)
        yield running


def test_drop_a_clip_get_a_matte_and_leave_on_sigterm(home: Path, daemon: Daemon) -> None:
    still(home / "in")
    wait_for(lambda: daemon.states() == {"shot": "done"}, 60)
    assert (home / "out/shot/shot_alpha.png").is_file()
    told = json.loads(command(home, "status", "--json").stdout)
    assert [(job["name"], job["state"], job["frames_done"]) for job in told] == [("shot", "done", 1)]
    assert daemon.stop() == 0
    assert '"event": "stopped"' in daemon.log


@pytest.mark.parametrize("kind", [sequence, video])
def test_killed_in_the_middle_and_started_again_it_makes_the_same_bytes(home: Path, kind: Any) -> None:
    many = {"numbers": range(1001, 1041)} if kind is sequence else {"frames": 40}
    kind(home / "in", **many)
    with Daemon(home, "--once") as undisturbed:
        assert undisturbed.process.wait(90) == 0, undisturbed.log
    expected = tree(home / "out")
    for folder in ("out", "state"):
        (home / folder).rename(home / f"{folder}-undisturbed")
    with Daemon(home, "--once") as killed:
        wait_for(lambda: any(job.frames_done >= 4 for job in killed.jobs()), 60)
        killed.process.send_signal(signal.SIGKILL)
        killed.process.wait(30)
        (job,) = killed.jobs()
    assert 4 <= job.frames_done < 40
    assert [p.name for p in (home / "out").iterdir() if not p.name.startswith(".")] == []
    with Daemon(home, "--once") as resumed:
        assert resumed.process.wait(90) == 0, resumed.log
    assert tree(home / "out") == expected


def test_a_second_signal_leaves_at_once_with_nothing_half_published(home: Path, daemon: Daemon) -> None:
    sequence(home / "in", numbers=range(1, 400))
    wait_for(lambda: daemon.states() == {"shot": "running"}, 60)
    daemon.process.send_signal(signal.SIGINT)
    daemon.process.send_signal(signal.SIGTERM)
    assert daemon.process.wait(30) in (0, 128 + signal.SIGTERM, 128 + signal.SIGINT)
    assert [p.name for p in (home / "out").iterdir() if not p.name.startswith(".")] == []


def test_sighup_reads_the_config_again_and_refuses_a_bad_one(home: Path, daemon: Daemon) -> None:
    good = (home / "config.yaml").read_text()
    (home / "config.yaml").write_text("devise: cpu\n")
    daemon.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "The config stays as it was" in daemon.log)
    (home / "config.yaml").write_text(good + "clip: {outputs: {alpha: {format: png}}}\n")
    daemon.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "config is read again" in daemon.log)
    still(home / "in")
    wait_for(lambda: daemon.states() == {"shot": "done"}, 60)
    assert sorted(p.name for p in (home / "out/shot").iterdir()) == ["manifest.json", "shot_alpha.png"]


def test_another_log_format_reaches_what_is_wrong_with_the_folders_too(home: Path, daemon: Daemon) -> None:
    config = home / "config.yaml"
    config.write_text(config.read_text().replace("format: json", "format: console"))
    daemon.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "config is read again" in daemon.log, 30)
    (home / "in/notes.xyz").touch()
    wait_for(lambda: "notes.xyz" in daemon.log, 30)
    (line,) = (line for line in daemon.log.splitlines() if "notes.xyz" in line)
    assert "[warning" in line


def test_weights_are_taken_up_when_current_moves(home: Path, daemon: Daemon) -> None:
    weights.point(home / "weights", "two")
    wait_for(lambda: "took up weights" in daemon.log)
    still(home / "in")
    wait_for(lambda: daemon.states() == {"shot": "done"}, 60)
    assert json.loads((home / "out/shot/manifest.json").read_text())["weights"]["version"] == "two"


def test_once_leaves_with_1_when_a_clip_failed_and_says_why(home: Path) -> None:
    still(home / "in", with_trimap=False)
    done = command(home, "--once")
    assert done.returncode == 1
    assert "put shot_trimap, shot_mask or shot_clean beside it" in done.stderr

    again = command(home, "--once")
    assert again.returncode == 1
    assert "put shot_trimap, shot_mask or shot_clean beside it" in again.stderr
    assert "'dimd retry 1' takes it up again." in again.stderr


def test_a_job_is_tried_again_when_told(home: Path) -> None:
    still(home / "in", with_trimap=False)
    command(home, "--once")
    assert "job 1: shot is waiting." in command(home, "retry", "1").stdout
    assert "job 1: shot is cancelled." in command(home, "cancel", "1").stdout
    lost = command(home, "retry", "7")
    assert lost.returncode == 1
    assert "job 7: is not in the ledger" in lost.stderr


def test_prometheus_and_systemd_are_served_for_a_whole_life(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    text = (home / "config.yaml").read_text().replace("port: null", f"port: {port}")
    (home / "config.yaml").write_text(text)
    heard: list[str] = []

    def figures() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
            return str(answer.read().decode())

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(home / "notify"))
        systemd.settimeout(60)

        def hears(line: str) -> None:
            while line not in heard:
                heard.extend(systemd.recv(4096).decode().splitlines())

        monkeypatch.setenv("NOTIFY_SOCKET", str(home / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "30000000")
        with Daemon(home) as first:
            hears("READY=1")
            assert 'dimd_jobs{state="waiting"} 0.0' in figures()
            first.process.kill()
        heard.clear()
        with Daemon(home) as second:
            hears("READY=1")
            hears("WATCHDOG=1")
            assert 'dimd_restarts_total{why="crash"} 1.0' in figures()
            (home / "made").mkdir()
            still(home / "made")
            for name in ("shot.png", "shot_trimap.png"):  # a trimap by itself is told of, and has no job
                (home / "made" / name).rename(home / "in" / name)
            wait_for(lambda: second.states() == {"shot": "done"}, 60)
            heard.clear()
            second.process.send_signal(signal.SIGHUP)
            hears("RELOADING=1")
            hears("READY=1")
            heard.clear()
            hears("WATCHDOG=1")
            second.process.send_signal(signal.SIGTERM)
            hears("STOPPING=1")
            assert second.process.wait(30) == 0
            lines = [json.loads(line) for line in second.log.splitlines()]
    of_the_clip = [line["event"] for line in lines if line.get("job") == 1]
    assert of_the_clip == ["started", "done"]
    assert [line for line in lines if "shot" in line["event"] and "job" not in line] == []
    assert "dimd did not leave in order the last time" in second.log
