"""`dimd check` and `dimd doctor`: what is wrong, and the mend, before anything starts."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from daemon import check as check_module
from daemon.check import faults
from daemon.cli import main
from daemon.doctor import _writable, examine
from daemon.patience import Patience
from dim_model import canary, nets, weights
from tests.daemon.cases import config
from tests.daemon.hung import Hung


@pytest.fixture
def root(tmp_path: Path) -> Path:
    card = weights.Card("v1", "swift", "sampled", "x", [], {})
    weights.publish(tmp_path / "weights", card, nets.build("swift").state_dict())
    weights.point(tmp_path / "weights", "v1")
    return tmp_path / "weights"


def test_a_sound_config_has_no_faults(tmp_path: Path, root: Path) -> None:
    assert list(faults(config(tmp_path, weights=str(root), runtime="torch"))) == []


def test_weights_that_are_not_there_are_a_fault(tmp_path: Path) -> None:
    (fault,) = faults(config(tmp_path, weights=str(tmp_path / "none")))
    assert "has no weights 'current'" in fault


def test_a_device_that_is_not_there_is_a_fault(tmp_path: Path, root: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    (fault,) = faults(config(tmp_path, weights=str(root), device="cuda"))
    assert fault == (
        "device: cuda was asked for, but this machine shows no CUDA device; set device: cpu or auto."
    )


@pytest.mark.parametrize(
    ("metrics", "says"),
    [
        (
            {"token_file": "nosuch"},
            "metrics: token_file: nosuch cannot be read (No such file or directory); ",
        ),
        (
            {"certificate": "nosuch.pem"},
            "metrics: certificate: nosuch.pem cannot be read (No such file or directory); ",
        ),
        (
            {"certificate": "config.yaml", "key": "no.key"},
            "metrics: key: no.key cannot be read (No such file or directory); ",
        ),
    ],
)
def test_what_the_figures_need_and_is_not_there_is_a_fault(
    tmp_path: Path, root: Path, metrics: dict[str, str], says: str
) -> None:
    (tmp_path / "config.yaml").touch()
    given = {key: str(tmp_path / name) for key, name in metrics.items()}
    (fault,) = faults(config(tmp_path, weights=str(root), runtime="torch", metrics=given))
    assert fault.replace(f"{tmp_path}/", "").startswith(says)
    off = given | {"port": None}
    assert list(faults(config(tmp_path, weights=str(root), runtime="torch", metrics=off))) == []


@pytest.mark.parametrize(
    ("outputs", "says"),
    [
        (
            {"layers": {"format": "tiff"}},
            "clip: layers need an EXR; set outputs: layers: format: to exr or auto.",
        ),
        (
            {"foreground": {"format": "jpeg"}},
            (
                "clip: a JPEG holds no alpha, so foreground cannot be one; "
                "set outputs: foreground: format: to png, tiff or exr."
            ),
        ),
        ({"layers": {"bits": 8}}, "clip: layers has no 8 bits as exr; give 16 or 32 for exr."),
    ],
)
def test_an_output_that_its_format_cannot_hold_is_a_fault(
    tmp_path: Path, root: Path, outputs: dict[str, object], says: str
) -> None:
    settings = config(tmp_path, weights=str(root), runtime="torch", clip={"outputs": outputs})
    assert list(faults(settings)) == [says]


def test_weights_that_fail_the_canary_are_a_fault(tmp_path: Path, root: Path) -> None:
    known = canary.answer(torch.full((1, 160, 160), 2.0), "sampled")
    card = weights.Card("v2", "swift", "sampled", "x", [], {}, canary=known)
    weights.publish(root, card, nets.build("swift").state_dict())
    weights.point(root, "v2")
    (fault,) = faults(config(tmp_path, weights=str(root), runtime="torch"))
    assert fault.startswith(f"{root / 'v2'}: answer the canary picture otherwise than their card says")


def test_a_file_where_a_folder_belongs_is_a_fault(tmp_path: Path, root: Path) -> None:
    (tmp_path / "out").write_text("")
    (fault,) = faults(config(tmp_path, weights=str(root), runtime="torch"))
    assert fault.startswith(f"folders: out: {tmp_path / 'out'} cannot be a folder")


def test_a_folder_that_is_closed_to_us_is_a_fault(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_module.os, "access", lambda path, mode: Path(path) != tmp_path / "in")
    (fault,) = faults(config(tmp_path, weights=str(root), runtime="torch"))
    assert "is closed to this user; give it leave to read" in fault


@pytest.mark.parametrize(
    ("folder", "free", "says"),
    [
        ("out", 2.9, "folders: out: {} has less than 3 GiB free; make room, or lower limits: min_free_gib"),
        ("state", 0.0, "state: {} has less than 0.05 GiB free; make room, for where the ledger cannot grow"),
    ],
)
def test_a_disk_without_room_is_a_fault(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch, folder: str, free: float, says: str
) -> None:
    def free_bytes(path: Path) -> float:
        return (free if path == tmp_path / folder else 3.0) * 2**30

    monkeypatch.setattr(check_module, "free_bytes", free_bytes)
    settings = config(tmp_path, weights=str(root), runtime="torch", limits={"min_free_gib": 3.0})
    (fault,) = faults(settings)
    assert fault.startswith(says.format(tmp_path / folder))


def test_a_disk_that_is_mounted_read_only_is_a_fault(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, out = os.statvfs, tmp_path / "out"
    out.mkdir()

    def statvfs(path: Path) -> os.statvfs_result:
        look = real(path)
        return os.statvfs_result((*look[:8], os.ST_RDONLY, look[9])) if path == out else look

    monkeypatch.setattr(check_module.os, "statvfs", statvfs)
    (fault,) = faults(config(tmp_path, weights=str(root), runtime="torch"))
    assert fault.startswith(f"folders: out: {out} is on a disk that is mounted read-only; have it mounted")


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Path]:
    """A folder that this process may not look into, whoever runs it."""
    folder, user = tmp_path / "closed", os.geteuid()
    folder.mkdir(mode=0o700)
    if user == 0:
        for above in (tmp_path, *tmp_path.parents[:2]):  # pytest's own are closed to others, too
            above.chmod(0o755)
        os.seteuid(65534)
    else:
        folder.chmod(0)
    yield folder
    os.seteuid(user)
    folder.chmod(0o700)


def test_a_folder_in_one_that_is_closed_to_us_is_a_fault(closed: Path) -> None:
    asked = closed / "inside" / "out"
    (said,) = check_module._folder(asked, "folders: out", os.W_OK)
    assert said == (
        f"folders: out: {asked} cannot be looked at (Permission denied); give this user access to its folder."
    )
    assert _writable(asked).verdict == "fault"


def written(tmp_path: Path, text: str) -> str:
    (tmp_path / "config.yaml").write_text(text)
    return str(tmp_path / "config.yaml")


def test_an_unknown_key_is_named_and_leaves_with_2(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["check", "--config", written(tmp_path, "devise: cpu\n")])
    assert done.exit_code == 2
    assert "devise" in done.stderr
    assert "device" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [["check"], ["status"], []])
def test_a_config_that_is_not_there_leaves_with_2(tmp_path: Path, arguments: list[str]) -> None:
    done = CliRunner().invoke(main, [*arguments, "--config", str(tmp_path / "none.yaml")])
    assert done.exit_code == 2
    assert "none.yaml" in done.stderr


def test_the_config_may_stand_before_the_command(tmp_path: Path, root: Path) -> None:
    path = written(tmp_path, f"weights: {root}\nruntime: torch\n")
    done = CliRunner().invoke(main, ["--config", path, "check"])
    assert (done.exit_code, done.stdout) == (0, "All is well.\n")


def test_a_mount_that_hangs_is_a_fault_and_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_module, "_MOUNTS", Patience(0.2))
    monkeypatch.setattr("daemon.doctor._MOUNTS", Patience(0.2))
    with Hung(tmp_path):
        (said,) = check_module._folder(tmp_path / "out", "folders: out", os.W_OK)
        found = _writable(tmp_path / "out")
    assert said == (
        f"folders: out: {tmp_path / 'out'} does not answer within 10 s; see to its mount, or name another."
    )
    assert (found.verdict, found.mend) == ("fault", "see to its mount")


def test_doctor_looks_at_everything_and_says_the_mend(tmp_path: Path) -> None:
    found = {finding.what: finding for finding in examine([tmp_path])}
    assert any(what.startswith("torch ") for what in found)
    assert any("prores_ks" in what for what in found)
    assert any(str(tmp_path) in what and "writable" in what for what in found)
    assert all(finding.mend for finding in found.values() if finding.verdict != "ok")


def test_doctor_finds_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    verdicts = [f.verdict for f in examine([tmp_path / "file"])]
    assert verdicts[-1] == "fault"


def test_doctor_has_the_mend_for_a_disk_that_is_mounted_read_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(folder: Path) -> int:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("daemon.doctor._free_for_us", closed)
    found = _writable(tmp_path)
    assert (found.verdict, found.mend) == ("fault", "have its disk mounted for writing")


def test_doctor_looks_at_the_weights_of_the_config(tmp_path: Path) -> None:
    path = written(tmp_path, "weights: none\n")
    done = CliRunner().invoke(main, ["doctor", "--config", path])
    assert done.exit_code == 1
    assert f"fault {tmp_path / 'none'}: has no weights 'current' (there: none)" in done.stdout
