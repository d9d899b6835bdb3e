"""ONNX Runtime mattes as torch does, says what it lacks, and never takes another device unasked."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from dim_model import encode, weights
from dim_model.matter import Matter
from dim_model.runtimes import DeviceError, DeviceLostError, open_runtime
from dim_model.runtimes.guarded import GuardedRuntime
from dim_model.runtimes.onnx_runtime import OnnxRuntime

pytest.importorskip("onnxruntime")

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def shipped() -> weights.Weights:
    return weights.load(weights.resolve(weights.SHIPPED))


def test_it_mattes_as_torch_does(shipped: weights.Weights) -> None:
    rng = np.random.default_rng(1)
    rgb = torch.from_numpy(rng.random((3, 150, 260), np.float32))
    trimap = torch.full((1, 150, 260), 0.5)
    trimap[..., :90], trimap[..., 170:] = 0.0, 1.0
    alphas = []
    for runtime in ("torch", "onnxruntime"):
        matter = Matter.open(shipped.folder, device="cpu", runtime=runtime, precision="float32")
        alphas += matter.matte([rgb], [trimap])
        matter.close()
    assert float((alphas[0] - alphas[1]).abs().max()) < 1e-3
    assert "onnxruntime float32" in matter.description


def test_where_memory_runs_short_the_batch_is_halved_and_nothing_is_lost(
    shipped: weights.Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = OnnxRuntime(shipped, CPU, "onnxruntime", "auto")
    session = inner._session

    class Small:
        """Holds two tiles."""

        def run(self, names: None, given: dict[str, Any]) -> Any:
            if len(given["encoded"]) > 2:
                raise RuntimeError("Failed to allocate memory for requested buffer of size 1")
            return session.run(names, given)

    tiles = encode.empty_tiles(4, (112, 64), "sampled")
    tiles.copy_(torch.rand(tiles.shape, generator=torch.Generator().manual_seed(2)))
    (whole,) = GuardedRuntime(inner)([tiles])
    monkeypatch.setattr(inner, "_session", Small())
    guarded = GuardedRuntime(inner)
    (parts,) = guarded([tiles])
    assert guarded.halved == 1
    assert torch.allclose(parts, whole, atol=1e-5)


def test_a_gpu_that_went_away_is_told_as_lost(
    shipped: weights.Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone:
        def run(self, names: None, given: dict[str, Any]) -> Any:
            raise Exception("CUDA failure 719: unspecified launch failure ; GPU=0")

    inner = OnnxRuntime(shipped, CPU, "onnxruntime", "auto")
    monkeypatch.setattr(inner, "_session", Gone())
    with pytest.raises(DeviceLostError, match="does not answer any more"):
        GuardedRuntime(inner)([encode.empty_tiles(1, (112, 64), "sampled").zero_()])


@pytest.mark.parametrize(
    ("runtime", "precision", "told"),
    [
        (
            "onnxruntime",
            "bfloat16",
            "precision: bfloat16 is none that runtime: onnxruntime has; set float32.",
        ),
        (
            "tensorrt",
            "auto",
            "runtime: tensorrt runs on CUDA, not on cpu; set runtime: auto, or device: cuda.",
        ),
    ],
)
def test_what_it_cannot_do_is_refused(
    shipped: weights.Weights, runtime: str, precision: str, told: str
) -> None:
    with pytest.raises(DeviceError) as refused:
        open_runtime(shipped, "cpu", runtime, precision)
    assert str(refused.value) == told


def test_a_gpu_that_its_package_cannot_use_is_told_and_no_cpu_taken(shipped: weights.Weights) -> None:
    import onnxruntime  # type: ignore[import-untyped]

    for runtime, provider in (("onnxruntime", "CUDA"), ("tensorrt", "Tensorrt")):
        if f"{provider}ExecutionProvider" in onnxruntime.get_available_providers():
            pytest.skip("its package has CUDA here")
        with pytest.raises(DeviceError, match=f"{provider}ExecutionProvider, and the one here has none"):
            OnnxRuntime(shipped, torch.device("cuda", 0), runtime, "auto")


def test_weights_without_their_onnx_are_named_with_the_mend(shipped: weights.Weights, tmp_path: Path) -> None:
    folder = tmp_path / shipped.card.version
    shutil.copytree(shipped.folder, folder)
    (folder / f"{shipped.card.version}.onnx").unlink()
    with pytest.raises(DeviceError, match=r"\.onnx: is not there, .* publish the weights with --onnx"):
        OnnxRuntime(weights.load(folder), CPU, "onnxruntime", "auto")
    (folder / f"{shipped.card.version}.onnx").write_bytes(b"no model")
    with pytest.raises(DeviceError, match="ONNX Runtime cannot open it"):
        OnnxRuntime(weights.load(folder), CPU, "onnxruntime", "auto")


def test_without_its_package_it_says_what_to_install(
    shipped: weights.Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(DeviceError, match="is not installed; pip install onnxruntime-gpu"):
        OnnxRuntime(shipped, CPU, "onnxruntime", "auto")
