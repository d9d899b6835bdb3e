"""What else a user could run, on the frame that dimd is given: seconds to a frame.

RobustVideoMatting and IS-Net are not ours to bring (GPL; weights): a file of one is timed where it is named.
Without one, its architecture is, with random weights (``bench.rvm``, ``bench.isnet``).
"""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import openvino  # type: ignore[import-untyped]
import torch

from bench import isnet
from bench.footage import HD, Raster, frame
from bench.rvm import DOWNSAMPLE, Rvm
from dim_model import nets
from dim_model.arrays import Floats


def once(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def original(raster: Raster = HD) -> float:
    """``dim-vgg16`` on one full frame, torch float32, as the original's predict_trimap.py ran it."""
    network = nets.build("dim-vgg16").eval()
    x = torch.rand(1, 4, *raster)
    with torch.inference_mode():
        network(x[..., :64, :64])
        return once(lambda: network(x))


def rvm(raster: Raster = HD) -> Callable[[], object]:
    """RobustVideoMatting's architecture, frame after frame, torch float32."""
    network, x = Rvm().eval(), torch.rand(1, 3, *raster)

    def run() -> object:
        with torch.inference_mode():
            return network(x)

    return run


def closed_form(share: float, limit: float, raster: Raster = HD) -> float | None:
    """pymatting's closed-form matting of one frame; None: it took longer than ``limit`` seconds, and was
    ended. In a process of its own, for it cannot be interrupted.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_closed_form, args=(theirs, share, tuple(raster)), daemon=True)
    process.start()
    try:
        if not (ours.poll(limit) and ours.recv() == "ready"):  # what it has to compile is not counted
            return None
        return float(ours.recv()) if ours.poll(limit) else None
    finally:
        process.kill()
        process.join()


def _closed_form(told: Connection[Any, Any], share: float, raster: tuple[int, int]) -> None:
    from pymatting import estimate_alpha_cf

    for size in (Raster(54, 96), Raster(*raster)):
        rgb, trimap = frame(share, size)
        image, known = rgb.permute(1, 2, 0).double().numpy(), trimap[0].double().numpy()
        if size != raster:
            estimate_alpha_cf(image, known)
            told.send("ready")
        else:
            told.send(once(lambda image=image, known=known: estimate_alpha_cf(image, known)))  # type: ignore[misc]


class OnnxModel:
    """An ONNX file on the CPU, a frame at a time, in float32 as its own program runs it: by OpenVINO, which
    takes as long for it as ONNX Runtime. A model that takes ``downsample_ratio``, as RobustVideoMatting does,
    is given 1080p; another the square that IS-Net takes, where it takes any size.
    """

    def __init__(self, path: Path) -> None:
        core = openvino.Core()
        model = core.read_model(path)
        names = [each.get_any_name() for each in model.inputs]
        self.is_video = "downsample_ratio" in names
        self._given: dict[str, Floats] = {}
        for name, each in zip(names, model.inputs, strict=True):
            free = HD if self.is_video else Raster(isnet.SIDE, isnet.SIDE)
            self._given[name] = _input(name, each.get_partial_shape(), free)
        model.reshape({name: list(value.shape) for name, value in self._given.items()})
        if self.is_video:
            self._given["downsample_ratio"][:] = DOWNSAMPLE
        self._model = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def __call__(self) -> object:
        return self._model(self._given)


def still(side: int = isnet.SIDE) -> OnnxModel:
    """IS-Net's architecture on a square, still after still, as a file of it is timed."""
    with tempfile.TemporaryDirectory(prefix="dimd-bench-") as folder:
        return OnnxModel(isnet.written(Path(folder), side))


def _input(name: str, shape: Any, free: Raster) -> Floats:
    """Random pixels for the picture; zeros for what a recurrent network remembers."""
    sides = [None if side.is_dynamic else side.get_length() for side in shape]
    if len(sides) == 4 and sides[1] == 3:
        filled = [side or wanted for side, wanted in zip(sides, (1, 3, *free), strict=True)]
        return np.random.default_rng(0).random(filled, np.float32)
    return np.zeros([side or 1 for side in sides], np.float32)


ARCHITECTURES: dict[str, Callable[[Raster], Callable[[], object]]] = {
    "RVM": rvm,
    "IS-Net": lambda raster: still(),
}
"""What is timed where no file of it is given, built for frames of a raster."""
