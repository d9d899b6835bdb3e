"""`dimd status`: what it says of jobs beside their state."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from daemon.cli import main
from daemon.ledger import Ledger
from daemon.owner import owner_name
from tests.daemon.ledger_cases import clip


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "config.yaml"
    file.write_text("folders: [{in: in, out: out}]\nstate: state\n")
    return file


def lines(config: Path) -> list[str]:
    """What it gives to a pipe, without the headings."""
    told = CliRunner().invoke(main, ["status", "--config", str(config)])
    assert told.exit_code == 0, told.output
    return told.stdout.splitlines()[1:]


def test_a_job_is_one_line_to_a_pipe_however_long_its_sentence(config: Path, tmp_path: Path) -> None:
    sentence = "shot: " + 30 * "has no hint [of what] is foreground, " + "so supply one."
    with Ledger(tmp_path / "state") as ledger:
        for name in ("shot", "next"):
            ledger.offer(clip(name, tmp_path / "in"), name)
        ledger.set_aside(1, sentence)

    newer, older = lines(config)
    assert newer.split() == ["2", "next", "waiting"]
    assert newer == newer.rstrip()
    assert older.endswith(f"  {sentence}")


def test_a_job_is_one_line_whatever_its_name_draws(config: Path, tmp_path: Path) -> None:
    with Ledger(tmp_path / "state") as ledger:
        ledger.offer(clip("shot\n  7  forged  done\x1b[2J\x9b2J\u202e[b]", tmp_path / "in"), "shot")

    (line,) = lines(config)
    assert line.split(maxsplit=1)[1] == r"shot\x0a  7  forged  done\x1b[2J\x9b2J\u202e[b]  waiting"


def test_a_clip_whose_folder_left_the_config_is_said_to(config: Path, tmp_path: Path) -> None:
    with Ledger(tmp_path / "state") as ledger:
        for name, folder in (("here", "in"), ("left", "before")):
            ledger.offer(clip(name, tmp_path / folder), name)

    newer, older = lines(config)
    assert older.split() == ["1", "here", "waiting"]
    assert newer.endswith(
        f"its folder {tmp_path / 'before'} is none of this config any more; name it there again, or give "
        "the clip up: dimd cancel 2"
    )


def killed() -> str:
    host, place, _, *rest = owner_name().split("/")
    return "/".join((host, place, str(2**22 + 1), *rest))  # above the kernel's highest pid


@pytest.mark.parametrize(
    ("owner", "lease", "says"),
    [
        (owner_name, 60, ""),
        (owner_name, -1, "its daemon is gone; the next that is started goes on with it"),
        (killed, 60, "its daemon is gone; the next that is started goes on with it"),
    ],
    ids=["alive", "lease run out", "killed"],
)
def test_a_job_whose_daemon_was_killed_is_said_to_be_nobodys(
    config: Path, tmp_path: Path, owner: Callable[[], str], lease: float, says: str
) -> None:
    with Ledger(tmp_path / "state") as ledger:
        ledger.offer(clip("shot", tmp_path / "in"), "shot")
        ledger.claim(owner(), lease, time.time())
        (line,) = lines(config)

    assert line.split() == ["1", "shot", "running", *says.split()]
