"""Kernels: compiled once for all processes, not by each."""

from __future__ import annotations

import json
import subprocess
import sys

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
