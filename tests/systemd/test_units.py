"""The systemd files: understood by systemd, hardened, alike, and pointing at a config that is one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from daemon.config import Config, load
from dim_model import weights

UNITS = Path(__file__).parents[2] / "systemd"
SERVICES = ["dimd.service", "dimd@.service", "dim-train.service"]
SERVING = [*SERVICES[:2], "user/dimd.service"]

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
needs_sysusers = pytest.mark.skipif(not shutil.which("systemd-sysusers"), reason="needs systemd-sysusers")
needs_tmpfiles = pytest.mark.skipif(not shutil.which("systemd-tmpfiles"), reason="needs systemd-tmpfiles")

NEW = ("Unknown key 'RestartSteps'", "Unknown key 'RestartMaxDelaySec'")
"""What systemd before 254 says of the back-off, which it leaves out."""


def installed(unit: Path, folder: Path) -> Path:
    """The unit with a program that exists, for `verify` looks for it."""
    copy = folder / unit.name
    program = f"ExecStart={shutil.which('true')}"
    copy.write_text(re.sub("^ExecStart=.*", program, unit.read_text(), flags=re.MULTILINE))
    return copy


def keys(unit: str) -> list[tuple[str, str]]:
    """Every setting, in order."""
    lines = (UNITS / unit).read_text().splitlines()
    return [(line.partition("=")[0], line.partition("=")[2]) for line in lines if re.match(r"\w+=", line)]


@needs_systemd
@pytest.mark.parametrize("unit", [*SERVICES, "dim-train.timer", "user/dimd.service"])
def test_systemd_understands_every_key_of_the_unit(unit: str, tmp_path: Path) -> None:
    copy = installed(UNITS / unit, tmp_path)
    if unit.endswith(".timer"):
        installed(UNITS / unit.replace(".timer", ".service"), tmp_path)
    scope = ["--user"] if "/" in unit else []
    done = subprocess.run(
        ["systemd-analyze", "verify", *scope, str(copy)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.defpath, "XDG_RUNTIME_DIR": str(tmp_path)},
    )
    # It returns 0 for a key that it does not know, so what it says counts too.
    told = [line for line in done.stderr.splitlines() if "dimd" in line or "dim-train" in line]
    assert (done.returncode, [line for line in told if not any(new in line for new in NEW)]) == (0, [])


@needs_systemd
@pytest.mark.parametrize("unit", SERVICES)
def test_the_service_is_exposed_to_little(unit: str) -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(UNITS / unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-200:] + done.stderr


@pytest.mark.parametrize("unit", SERVICES)
def test_it_runs_as_its_own_user_with_no_capability_and_keeps_the_gpu(unit: str) -> None:
    told = keys(unit)
    for setting in (
        ("User", "dimd"),
        ("Group", "dimd"),
        ("UMask", "0002"),
        ("CapabilityBoundingSet", ""),
        ("AmbientCapabilities", ""),
        ("NoNewPrivileges", "yes"),
        ("DevicePolicy", "closed"),
        ("DeviceAllow", "char-nvidia rw"),
        ("DeviceAllow", "char-nvidiactl rw"),
        ("DeviceAllow", "char-nvidia-uvm rw"),
    ):
        assert setting in told
    # Each of these shuts CUDA out, or the compilers that write code and run it.
    assert not {"PrivateDevices", "MemoryDenyWriteExecute", "ProcSubset"} & {key for key, _ in told}


@pytest.mark.parametrize("unit", SERVING)
def test_what_hangs_or_fails_is_restarted_ever_more_slowly_and_never_given_up(unit: str) -> None:
    told = dict(keys(unit))
    assert told["Type"] == "notify"
    assert told["Restart"] == "on-failure"
    assert told["StartLimitIntervalSec"] == "0"
    assert int(told["RestartSec"]) < int(told["RestartMaxDelaySec"])
    assert int(told["RestartSteps"]) > 1
    # Within it the loop must turn, and a network load: a third of it is the longest rest between two beats.
    assert int(told["WatchdogSec"]) >= 300


@pytest.mark.parametrize("unit", SERVING)
def test_it_may_open_more_files_than_the_thousand_that_systemd_allows_by_itself(unit: str) -> None:
    assert int(dict(keys(unit))["LimitNOFILE"]) >= 16_384


def test_the_template_is_the_service_but_for_its_gpu() -> None:
    own = {
        ("Description", "dimd on GPU %i, mattes from clips dropped into a folder"),
        ("Conflicts", "dimd.service"),
        ("ExecStart", "/opt/dimd/bin/dimd --config /etc/dimd/config.yaml --gpu %i"),
    }
    template = [each for each in keys("dimd@.service") if each not in own]
    service = [each for each in keys("dimd.service") if each[0] not in ("Description", "ExecStart")]
    assert len(template) == len(keys("dimd@.service")) - len(own)
    assert template == service


def test_the_config_of_the_service_is_valid_and_within_what_the_unit_may_write() -> None:
    config = load(UNITS / "config.yaml")
    unit = (UNITS / "dimd.service").read_text()
    assert "ReadWritePaths=/srv/dimd\n" in unit
    assert "StateDirectory=dimd\n" in unit
    assert config.state == Path("/var/lib/dimd")
    for pair in config.folders:
        assert pair.in_.is_relative_to("/srv/dimd")
        assert pair.out.is_relative_to("/srv/dimd")


def test_a_gpu_has_its_own_port_and_device_of_a_shared_config() -> None:
    from daemon.cli.serve import on_gpu
    from daemon.config import ConfigError

    second = on_gpu(Config(), 1)
    assert (second.device, second.metrics.port) == ("cuda:1", 9110)
    assert second.state == Config().state
    assert on_gpu(Config.model_validate({"metrics": {"port": None}}), 3).metrics.port is None
    with pytest.raises(ConfigError, match="port: 65535 leaves none for GPU 1"):
        on_gpu(Config.model_validate({"metrics": {"port": 65_535}}), 1)


@pytest.mark.parametrize(
    ("there", "why"),
    [(0, "shows no CUDA device; leave it out"), (2, "shows GPUs 0 to 1, so give one of them")],
)
def test_a_gpu_that_is_not_there_is_told_by_the_option_that_asked_for_it(
    there: int,
    why: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from daemon.cli.serve import FAULTY, serve

    monkeypatch.setattr("torch.cuda.is_available", lambda: there > 0)
    monkeypatch.setattr("torch.cuda.device_count", lambda: there)
    (tmp_path / "config.yaml").touch()
    assert serve(tmp_path / "config.yaml", once=True, gpu=3) == FAULTY
    said = capsys.readouterr().err
    assert said.startswith("--gpu 3: is not there")
    assert why in said


def test_the_training_service_gives_options_that_dim_train_has() -> None:
    from trainer.cli.fit import fit

    told = dict(
        line.split("=", 1) for line in (UNITS / "train.env").read_text().splitlines() if line[:1] != "#"
    )
    given = [word for word in told["FIT"].split() if word.startswith("--")]
    known = {name for option in fit.params for name in option.opts}
    assert given
    assert set(given) <= known
    assert int(told["HOURS"]) < 24
    assert ("EnvironmentFile", "/etc/dimd/train.env") in keys("dim-train.service")


def made(root: Path, *kinds: str) -> str:
    """What systemd makes of our sysusers and tmpfiles in a root of its own; returns its passwd."""
    (root / "etc").mkdir()
    for kind in kinds:
        (root / f"usr/lib/{kind}.d").mkdir(parents=True)
        shutil.copy(UNITS / f"dimd.{kind}", root / f"usr/lib/{kind}.d/dimd.conf")
        create = ["--create"] if kind == "tmpfiles" else []
        subprocess.run([f"systemd-{kind}", f"--root={root}", *create, "dimd.conf"], check=True)
    return (root / "etc/passwd").read_text()


@needs_sysusers
def test_the_user_has_no_shell_and_no_login(tmp_path: Path) -> None:
    (user,) = [line for line in made(tmp_path, "sysusers").splitlines() if line.startswith("dimd:")]
    assert user.endswith("/nologin")
    assert 0 < int(user.split(":")[2]) < 1000


@needs_sysusers
@needs_tmpfiles
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give folders away")
def test_the_folders_are_made_for_the_group_and_keep_it(tmp_path: Path) -> None:
    known = made(tmp_path, "sysusers", "tmpfiles").splitlines()
    (user,) = [line for line in known if line.startswith("dimd:")]
    uid, gid = (int(number) for number in user.split(":")[2:4])
    for folder in ("srv/dimd", "srv/dimd/in", "srv/dimd/out", "var/lib/dimd/weights"):
        stat = (tmp_path / folder).stat()
        assert (stat.st_uid, stat.st_gid, stat.st_mode & 0o7777) == (uid, gid, 0o2775)


def test_the_shipped_weights_are_copied_as_the_docs_say_into_the_folder_that_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()  # as `dimd.tmpfiles` does
    docs = (UNITS.parent / "docs/operations.md").read_text()
    (command,) = [line.strip() for line in docs.splitlines() if "print(SHIPPED)" in line]
    for said, here in (
        ("sudo -u dimd ", ""),
        ("/opt/dimd/bin/python", sys.executable),
        ("/var/lib/dimd/weights", str(folder)),
    ):
        assert said in command
        command = command.replace(said, here)
    subprocess.run(command, shell=True, check=True, cwd=UNITS.parent)
    assert weights.resolve(folder).name == weights.resolve(weights.SHIPPED).name
