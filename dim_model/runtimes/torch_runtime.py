"""PyTorch on the CPU or on CUDA."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

from dim_model.runtimes import DeviceError
from dim_model.weights import Weights

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class TorchRuntime:
    """precision: ``auto`` is float16 on CUDA, where it halves the traffic, and float32 on the CPU."""

    def __init__(self, weights: Weights, device: torch.device, precision: str) -> None:
        if precision == "auto":
            precision = "float16" if device.type == "cuda" else "float32"
        if device.type == "cpu" and precision == "float16":
            raise DeviceError("precision: float16 is slow and rough on a CPU; set bfloat16 or float32.")
        self._device, self._dtype = device, _DTYPES[precision]
        self._network = weights.network().to(device).to(memory_format=torch.channels_last)
        self.description = f"{device}, torch {precision}"

    def _cast(self) -> AbstractContextManager[object]:
        if self._dtype == torch.float32:
            return nullcontext()
        return torch.autocast(self._device.type, self._dtype)

    @torch.inference_mode()
    def __call__(self, tiles: Tensor) -> Tensor:
        x = tiles.to(self._device, memory_format=torch.channels_last, non_blocking=True)
        with self._cast():
            alpha: Tensor = self._network(x)["alpha"]
        return alpha.float().clamp(0, 1).cpu()

    def close(self) -> None:
        del self._network
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
