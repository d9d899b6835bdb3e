"""ONNX Runtime: the network out of the ONNX file beside its weights, by CPU or CUDA kernels of its own, or by
engines that TensorRT builds.

For machines whose GPUs are served by it already. Its package is not dimd's to bring: there is one for CUDA
and one without.
"""

from __future__ import annotations

import importlib
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from dim_model.encode import PACK
from dim_model.runtimes import DeviceError
from dim_model.runtimes.mask_models import reason
from dim_model.weights import Weights

_FULL = ("Failed to allocate memory", "out of memory")
"""How its errors tell that memory ran short."""


class OnnxRuntime:
    """runtime: ``onnxruntime``, or ``tensorrt``, which builds an engine for each shape of tiles when it first
    sees it. precision: float32; of TensorRT also float16, which ``auto`` is there. Raises ``DeviceError``;
    never falls back, as ONNX Runtime does by itself.
    """

    pinned = False

    def __init__(self, weights: Weights, device: torch.device, runtime: str, precision: str) -> None:
        engines = runtime == "tensorrt"
        if precision == "auto":
            precision = "float16" if engines else "float32"
        if precision not in (("float16", "float32") if engines else ("float32",)):
            able = "float16 or float32" if engines else "float32"
            raise DeviceError(f"precision: {precision} is none that runtime: {runtime} has; set {able}.")
        options: dict[str, Any] = {}
        if device.type == "cuda":
            # The exhaustive search may find another convolution, and other last bits, at the next start.
            options = {"device_id": device.index or 0}
            options |= (
                {"trt_fp16_enable": precision == "float16"}
                if engines
                else {"cudnn_conv_algo_search": "HEURISTIC", "use_tf32": 0}
            )
        kernels = {"cpu": "CPU", "cuda": "CUDA"}[device.type]
        provider = f"{'Tensorrt' if engines else kernels}ExecutionProvider"
        self._session = _session(weights, runtime, provider, options)
        self.description = f"{device}, {runtime} {precision}"

    def __call__(self, tiles: Tensor) -> Tensor:
        encoded = F.pixel_shuffle(tiles, PACK).contiguous().numpy()
        try:
            (alpha,) = self._session.run(None, {"encoded": encoded})
        except Exception as error:  # its exceptions have no base of their own, nor one that torch's have
            full = any(sign in str(error) for sign in _FULL)
            raise (torch.OutOfMemoryError if full else RuntimeError)(str(error)) from error
        return torch.from_numpy(alpha)

    def finish(self) -> None: ...

    def give_back(self) -> None: ...

    def close(self) -> None:
        del self._session


def _session(weights: Weights, runtime: str, provider: str, options: dict[str, Any]) -> Any:
    """The network, run by ``provider`` alone. Raises ``DeviceError``."""
    path = weights.folder / f"{weights.card.version}.onnx"
    if not path.is_file():
        raise DeviceError(
            f"{path}: is not there, and runtime: {runtime} runs it; publish the weights with --onnx, or set "
            "runtime: auto."
        )
    mend = "pip install onnxruntime-gpu (onnxruntime where there is no GPU), or set runtime: auto"
    try:
        ort = importlib.import_module("onnxruntime")
    except ImportError as error:
        raise DeviceError(
            f"runtime: {runtime} needs ONNX Runtime, which is not installed; {mend}."
        ) from error
    if provider not in ort.get_available_providers():
        raise DeviceError(
            f"runtime: {runtime} needs ONNX Runtime's {provider}, and the one here has none; {mend}."
        )
    asked = ort.SessionOptions()
    asked.intra_op_num_threads = torch.get_num_threads()
    asked.use_deterministic_compute = True
    # Threads that wait by spinning take the cores of those that decode and encode.
    asked.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = ort.InferenceSession(str(path), asked, providers=[(provider, options)])
    except Exception as error:  # its exceptions have no base of their own
        raise DeviceError(
            f"{path}: ONNX Runtime cannot open it ({reason(error)}); publish the weights again, or set "
            "runtime: auto."
        ) from error
    if session.get_providers()[0] != provider:
        raise DeviceError(
            f"runtime: {runtime} did not come up ({provider} is not in use); install the CUDA, cuDNN and "
            "TensorRT that its version wants, or set runtime: auto."
        )
    return session
