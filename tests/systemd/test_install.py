"""`make install` and `make uninstall`, under a DESTDIR: what a packager and an operator get."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
OFFLINE = "--no-deps --no-build-isolation --no-index"
"""What dimd needs is there already, in the environment that runs this test."""

pytestmark = [
    pytest.mark.skipif(shutil.which("make") is None, reason="needs make"),
]


def make(target: str, destination: Path, prefix: str = "/opt/mattes") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", target, f"DESTDIR={destination}", f"PREFIX={prefix}"]
        + [f"PYTHON={sys.executable}", f"PIP_FLAGS={OFFLINE}"],
        cwd=destination.parent / "source",
        env=os.environ | {"PYTHONPATH": sysconfig.get_path("purelib")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    """Where to install to; the source lies beside it, so that building leaves nothing in the repository."""
    source = tmp_path / "source"
    source.mkdir()
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("daemon", "dim_model", "trainer", "systemd", "monitoring", "docs"):
        shutil.copytree(ROOT / name, source / name, symlinks=True, ignore=ignored)
    for file in ROOT.iterdir():
        if file.is_file() and not file.name.startswith("."):
            shutil.copy(file, source)
    return tmp_path / "destination"


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


def test_what_is_installed_is_whole_runs_and_goes_again(destination: Path) -> None:
    done = make("install", destination)
    assert done.returncode == 0, done.stdout + done.stderr
    home = destination / "opt/mattes"
    for path in (
        "etc/systemd/system/dimd.service",
        "etc/systemd/system/dimd@.service",
        "etc/systemd/system/dim-train.service",
        "etc/systemd/system/dim-train.timer",
        "etc/sysusers.d/dimd.conf",
        "etc/tmpfiles.d/dimd.conf",
        "etc/dimd/config.yaml",
        "opt/mattes/share/doc/dimd/operations.md",
        "opt/mattes/share/dimd/monitoring/alerts.yaml",
        "opt/mattes/share/dimd/monitoring/dashboard.json",
    ):
        assert (destination / path).is_file(), path

    # Every program and document that a unit names is there, and none lies under the staging folder.
    for unit in (destination / "etc/systemd/system").iterdir():
        text = unit.read_text()
        assert "/opt/dimd" not in text
        for named in re.findall(r"/opt/mattes/\S+", text):
            assert (destination / named[1:]).is_file(), named
    for script in ("dimd", "dim-train"):
        assert (home / "bin" / script).read_text().startswith("#!/opt/mattes/bin/python")
        assert os.access(home / "bin" / script, os.X_OK)
    assert str(destination) not in (home / "pyvenv.cfg").read_text()
    # As every command in the documents is typed.
    for command in ("dimd", "dim-train"):
        assert (destination / "usr/local/bin" / command).readlink() == Path("/opt/mattes/bin", command)

    version = subprocess.run(
        [home / "bin/python", "-m", "daemon", "--version"],
        cwd=destination,
        env={"PYTHONPATH": sysconfig.get_path("purelib"), "PATH": os.defpath},
        capture_output=True,
        text=True,
        check=False,
    )
    assert version.stdout.startswith("dimd, version "), version.stderr

    config = destination / "etc/dimd/config.yaml"
    config.write_text("device: cpu\n")
    (destination / "etc/systemd/system/other.service").touch()
    own = destination / "usr/local/bin/dim-train"
    own.unlink()
    own.write_text("somebody else's")
    assert make("install", destination).returncode == 0
    assert own.read_text() == "somebody else's"
    assert config.read_text() == "device: cpu\n"

    done = make("uninstall", destination)
    assert done.returncode == 0, done.stdout + done.stderr
    assert files(destination) == {
        "etc/dimd/config.yaml",
        "etc/systemd/system/other.service",
        "usr/local/bin/dim-train",
    }
    assert not home.exists()


def test_a_folder_that_is_not_dimds_is_neither_filled_nor_removed(destination: Path) -> None:
    (destination / "usr/local/bin").mkdir(parents=True)
    (destination / "usr/local/bin/other").touch()
    for target in ("install", "uninstall"):
        done = make(target, destination, "/usr/local")
        assert done.returncode != 0
        assert "/usr/local is " in done.stderr
    assert files(destination) == {"usr/local/bin/other"}
    assert "must be a folder of dimd's own" in make("install", destination, "/").stderr


def test_the_lock_names_versions_and_no_address() -> None:
    pinned = {}
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        if not line.startswith("#"):
            match = re.fullmatch(r"([A-Za-z0-9._-]+)==([A-Za-z0-9.!+]+)", line)
            assert match, line
            pinned[match[1].lower().replace("_", "-")] = match[2]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["train"]]
    for requirement in map(Requirement, [*wanted, *project["optional-dependencies"]["dev"]]):
        name = requirement.name.lower().replace("_", "-")
        assert name in pinned, f"{name} is not in requirements.lock; run make lock"
        assert requirement.specifier.contains(pinned[name])
