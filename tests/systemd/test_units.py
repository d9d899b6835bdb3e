"""The systemd files: understood by systemd, hardened, and pointing at a config that is one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from daemon.config import load

UNITS = Path(__file__).parents[2] / "systemd"

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")


def installed(unit: Path, folder: Path) -> Path:
    """The unit with a program that exists, for `verify` looks for it."""
    copy = folder / unit.name
    program = f"ExecStart={shutil.which('true')}"
    copy.write_text(re.sub("^ExecStart=.*", program, unit.read_text(), flags=re.MULTILINE))
    return copy


@needs_systemd
@pytest.mark.parametrize("unit", ["dimd.service", "user/dimd.service"])
def test_systemd_understands_every_key_of_the_unit(unit: str, tmp_path: Path) -> None:
    copy = installed(UNITS / unit, tmp_path)
    scope = ["--user"] if "/" in unit else []
    done = subprocess.run(
        ["systemd-analyze", "verify", *scope, str(copy)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.defpath, "XDG_RUNTIME_DIR": str(tmp_path)},
    )
    # It returns 0 for a key that it does not know, so what it says counts too.
    complaints = [line for line in done.stderr.splitlines() if "dimd" in line]
    assert (done.returncode, complaints) == (0, [])


@needs_systemd
def test_the_service_is_exposed_to_little() -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(UNITS / "dimd.service")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-200:] + done.stderr


def test_the_config_of_the_service_is_valid_and_within_what_the_unit_may_write() -> None:
    config = load(UNITS / "config.yaml")
    unit = (UNITS / "dimd.service").read_text()
    assert "ReadWritePaths=/srv/dimd\n" in unit
    assert "StateDirectory=dimd\n" in unit
    assert config.state == Path("/var/lib/dimd")
    for pair in config.folders:
        assert pair.in_.is_relative_to("/srv/dimd")
        assert pair.out.is_relative_to("/srv/dimd")
