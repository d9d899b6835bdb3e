"""Kernels: compiled once for all processes, not by each."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import dim_model

_MATTED = """
import hashlib, json
import numpy as np
import torch
from numba.core import event
from dim_model import encode, foreground
from dim_model.temporal import Steadier

trimap = np.zeros((96, 160), np.float32)
trimap[:, 30:110], trimap[:, 110:] = 0.5, 1
random = np.random.default_rng(0)
alpha = torch.from_numpy(np.where(trimap == 0.5, random.random(trimap.shape, np.float32), trimap))[None]
rgb = torch.from_numpy(random.random((3, 96, 160), np.float32))
with event.install_recorder("numba:run_pass") as passes:
    made = [encode.encode(rgb[None], torch.from_numpy(trimap)[None, None])]
    made.append(foreground.estimate(rgb[None], alpha[None]))
    steadier = Steadier(1)
    steadied = [*steadier.take(0, rgb, alpha), *steadier.take(1, rgb * 0.99, 0.98 * alpha), *steadier.rest()]
    made += [steady.alpha for _, steady in steadied]
print(json.dumps({
    "compiled": sorted({told.data["qualname"] for _, told in passes.buffer}),
    "bytes": [hashlib.sha256(tensor.numpy().tobytes()).hexdigest() for tensor in made],
}))
"""


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """What two processes compiled for a frame's inputs, colours and steadiness, one after another where no
    kernel was there before; and what they made.
    """
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path_factory.mktemp("kernels"))}

    def told() -> dict[str, list[str]]:
        done = subprocess.run(
            [sys.executable, "-c", _MATTED],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=280,
        )
        found: dict[str, list[str]] = json.loads(done.stdout)
        return found

    return told(), told()


def test_a_second_process_compiles_nothing(processes: tuple[dict[str, list[str]], ...]) -> None:
    first, second = processes
    assert first["compiled"]
    assert second["compiled"] == []


def test_a_process_that_compiles_makes_the_bytes_of_those_that_follow(
    processes: tuple[dict[str, list[str]], ...],
) -> None:
    """A clip that is begun right after an upgrade may be ended by the next start. A kernel that calls others
    is linked otherwise out of the cache, so where order of summation counts it has to hold them itself.
    """
    first, second = processes
    assert second["bytes"] == first["bytes"]


_CLAMPED = """
import os
from dim_model import clamped
folder = os.environ["NUMBA_CACHE_DIR"]
assert os.listdir(folder), "nothing is kept there"
print(folder)
"""


def test_where_no_folder_for_them_can_be_had_a_temporary_one_serves(tmp_path: Path) -> None:
    """As where the package is another user's and there is no home: a container, cron."""
    there = Path(dim_model.__file__).parent
    shutil.copytree(there, tmp_path / "dim_model", ignore=shutil.ignore_patterns("__pycache__", "weights"))
    (tmp_path / "dim_model/__pycache__").touch()  # a file where a folder belongs stops root, too
    (tmp_path / "home").touch()
    (tmp_path / "tmp").mkdir()
    away = ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "PYTHONPATH")
    kept = {name: value for name, value in os.environ.items() if name not in away}
    environment = {"HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "tmp")}
    done = subprocess.run(
        [sys.executable, "-c", _CLAMPED],
        cwd=tmp_path,
        env=kept | environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).parent == tmp_path / "tmp"
    assert list((tmp_path / "tmp").iterdir()) == []


_CALLED = """
import resource, sys
import torch
limit = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
from dim_model import clamped
print(clamped.clamped(torch.tensor([-1.0, 0.5, 2.0]).reshape(3, 1, 1)).tolist())
"""


def called(cache: Path, largest: int = -1) -> str:
    """What a process says that compiles a kernel or loads it. largest: bytes of a file that it may write."""
    cache.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", _CALLED, str(largest)],
        env=os.environ | {"NUMBA_CACHE_DIR": str(cache)},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_kernel_that_cannot_be_kept_is_used_all_the_same(tmp_path: Path) -> None:
    """As on a full disk: there are names for files, and no room for what is in them."""
    assert called(tmp_path / "full", largest=0) == called(tmp_path / "free")


@pytest.mark.parametrize(("kind", "share"), [("nbi", 0.0), ("nbc", 0.5)])
def test_a_kernel_that_is_kept_damaged_is_compiled_and_kept_anew(
    tmp_path: Path, kind: str, share: float
) -> None:
    """As after a power cut."""
    whole = called(tmp_path)
    kept = sorted(tmp_path.rglob(f"*.{kind}"))
    sizes = [path.stat().st_size for path in kept]
    assert kept
    for path, size in zip(kept, sizes, strict=True):
        os.truncate(path, int(size * share))
    assert called(tmp_path) == whole
    assert [path.stat().st_size for path in kept] == sizes
