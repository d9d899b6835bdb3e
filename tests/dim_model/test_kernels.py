"""Kernels: compiled once for all processes, not by each."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import dim_model

_EXPLAINED = """
import json
import numpy as np
import torch
from numba.core import event
from dim_model import encode, foreground

trimap = np.zeros((64, 64), np.float32)
trimap[:, 20:40], trimap[:, 40:] = 0.5, 1
rgb = torch.from_numpy(np.random.default_rng(0).random((3, 64, 64), np.float32))
with event.install_recorder("numba:run_pass") as passes:
    encode.encode(rgb[None], torch.from_numpy(trimap)[None, None])
    foreground.estimate(rgb[None], torch.from_numpy(trimap)[None, None])
print(json.dumps(sorted({told.data["qualname"] for _, told in passes.buffer})))
"""


def compiled() -> list[str]:
    """What a new process compiles on its way to a frame's inputs and colours."""
    told = subprocess.run(
        [sys.executable, "-c", _EXPLAINED], capture_output=True, text=True, check=True, timeout=240
    )
    found: list[str] = json.loads(told.stdout)
    return found


def test_a_second_process_compiles_nothing() -> None:
    compiled()
    assert compiled() == []


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
