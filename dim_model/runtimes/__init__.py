"""What runs a network on a device: one runtime to a file, chosen by name or by what the machine has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from dim_model.encode import Inputs
from dim_model.weights import Weights

RUNTIMES = ("torch", "openvino", "onnxruntime", "tensorrt")


class DeviceError(RuntimeError):
    """One sentence: which device was asked for, why it is not to be had, what to set instead."""


class DeviceLostError(DeviceError):
    """The device was there and is not any more: only a new process can have it again. One sentence."""


class Runtime(Protocol):
    """Runs encoded tiles through a network. A tile's result depends on it and its batch's size alone."""

    description: str
    batches: bool
    """Whether a batch of many tiles is run at once, and its size fixed; else tiles are to come one by one."""
    halved: int
    """How often the device was out of memory, and the batch was halved; 0 for one that never is."""

    def room(self, count: int, size: tuple[int, int], inputs: Inputs) -> Tensor:
        """Of ``encode.empty_tiles``, where the device is quick to read them. Raises ``DeviceLostError``."""
        ...

    def __call__(self, batches: Sequence[Tensor]) -> list[Tensor]:
        """Of each batch, packed tiles of ``room``, float32 [N, 4C, H/2, W/2] on the CPU, their
        alpha, float32 [N, 1, H, W] on the CPU, 0..1. Batches are of few shapes, for each of which a runtime
        may prepare itself.
        """
        ...

    def close(self) -> None: ...


def pick_device(device: str) -> torch.device:
    """``auto``, ``cpu``, ``cuda`` or ``cuda:N`` as a device that is there. Raises ``DeviceError``; never
    falls back.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
    except RuntimeError:
        chosen = torch.device("meta")
    if chosen.type not in ("cpu", "cuda"):
        raise DeviceError(f"device: {device} is not one that dimd knows; set auto, cpu, cuda or cuda:N.")
    if chosen.type == "cuda":
        if not torch.cuda.is_available():
            raise DeviceError(
                f"device: {device} was asked for, but this machine shows no CUDA device; "
                "set device: cpu or auto."
            )
        if (chosen.index or 0) >= torch.cuda.device_count():
            raise DeviceError(
                f"device: {device} was asked for, but there are only {torch.cuda.device_count()} GPUs; "
                "set a lower number."
            )
    return chosen


def open_runtime(weights: Weights, device: str, runtime: str, precision: str) -> Runtime:
    """``auto`` is OpenVINO on a CPU, for networks that it can run, and torch elsewhere. Raises
    ``DeviceError``.
    """
    chosen = pick_device(device)
    if runtime not in ("auto", *RUNTIMES):
        raise DeviceError(
            f"runtime: {runtime} is not one that dimd has; set {', '.join(('auto', *RUNTIMES))}."
        )
    if runtime == "openvino" and chosen.type != "cpu":
        raise DeviceError(
            f"runtime: openvino runs on the CPU, not on {chosen}; set runtime: torch or device: cpu."
        )
    if runtime == "tensorrt" and chosen.type != "cuda":
        raise DeviceError(
            f"runtime: tensorrt runs on CUDA, not on {chosen}; set runtime: auto, or device: cuda."
        )
    # Each runtime is imported where it is used: a machine has no use for all.
    if runtime in ("auto", "openvino") and chosen.type == "cpu":
        from dim_model.runtimes.lowering import UnknownOperationError
        from dim_model.runtimes.openvino_runtime import OpenVinoRuntime

        try:
            return OpenVinoRuntime(weights, precision)
        except UnknownOperationError as error:
            if runtime == "openvino":
                raise DeviceError(
                    f"runtime: openvino cannot run {weights.card.network!r}, which asks for {error}; "
                    "set runtime: torch."
                ) from None
    from dim_model.runtimes.guarded import GuardedRuntime

    if runtime in ("onnxruntime", "tensorrt"):
        from dim_model.runtimes.onnx_runtime import OnnxRuntime

        return GuardedRuntime(OnnxRuntime(weights, chosen, runtime, precision))
    if chosen.type == "cuda":
        from dim_model.runtimes.cuda_runtime import CudaRuntime

        return GuardedRuntime(CudaRuntime(weights, chosen, precision))
    from dim_model.runtimes.torch_runtime import TorchRuntime

    return GuardedRuntime(TorchRuntime(weights, precision))
