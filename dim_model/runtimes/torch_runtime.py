"""PyTorch on the CPU or on CUDA."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from dim_model.encode import PACK
from dim_model.nets import MattingNetwork
from dim_model.runtimes import DeviceError
from dim_model.runtimes.fused import fuse
from dim_model.weights import Weights

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def _precision(device: torch.device) -> str:
    """float16 on CUDA, where it halves the traffic; bfloat16 on a CPU that multiplies it natively."""
    if device.type == "cuda":
        return "float16"
    able = torch.cpu.get_capabilities()
    return "bfloat16" if any(able.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16")) else "float32"


class TorchRuntime:
    """precision: ``auto`` is float16 on CUDA, on the CPU bfloat16 where it multiplies that natively and
    float32 elsewhere.
    """

    def __init__(self, weights: Weights, device: torch.device, precision: str) -> None:
        if precision == "auto":
            precision = _precision(device)
        if device.type == "cpu" and precision == "float16":
            raise DeviceError("precision: float16 is slow and rough on a CPU; set bfloat16 or float32.")
        self._device = device
        network = weights.network()
        fuse(network)
        network.to(device, _DTYPES[precision])
        self._network = network.to(memory_format=torch.channels_last)
        self.description = f"{device}, torch {precision}"

    @torch.inference_mode()
    def __call__(self, tiles: Tensor) -> Tensor:
        alpha = cast(MattingNetwork, self._network).tiles(tiles.to(self._device, non_blocking=True))
        return F.pixel_shuffle(alpha, PACK).clamp_(0, 1).cpu()

    def close(self) -> None:
        del self._network
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
