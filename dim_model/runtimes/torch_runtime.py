"""PyTorch on the CPU, and what its runtime on CUDA shares with it."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from dim_model.encode import PACK
from dim_model.nets import MattingNetwork
from dim_model.runtimes import DeviceError
from dim_model.runtimes.fused import fuse
from dim_model.weights import Weights

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def prepared(weights: Weights, device: torch.device, precision: str) -> nn.Module:
    """The network for inference on a device, its layers channels last and of ``precision``."""
    network = weights.network()
    fuse(network)
    network.to(device, _DTYPES[precision])
    return network.to(memory_format=torch.channels_last)


def alpha_of(network: nn.Module, tiles: Tensor) -> Tensor:
    """Of packed tiles, float32 [N, 4C, H/2, W/2], their alpha, float32 [N, 1, H, W], 0..1."""
    return F.pixel_shuffle(cast(MattingNetwork, network).tiles(tiles), PACK).clamp_(0, 1)


class TorchRuntime:
    """precision: ``auto`` is bfloat16 on a CPU that multiplies it natively, float32 elsewhere. Raises
    ``DeviceError``.
    """

    pinned = False

    def __init__(self, weights: Weights, precision: str) -> None:
        if precision == "auto":
            able = torch.cpu.get_capabilities()
            native = any(able.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))
            precision = "bfloat16" if native else "float32"
        if precision == "float16":
            raise DeviceError("precision: float16 is slow and rough on a CPU; set bfloat16 or float32.")
        self._network = prepared(weights, torch.device("cpu"), precision)
        self.description = f"cpu, torch {precision}"

    @torch.inference_mode()
    def __call__(self, tiles: Tensor) -> Tensor:
        return alpha_of(self._network, tiles)

    def finish(self) -> None: ...

    def give_back(self) -> None: ...

    def close(self) -> None:
        del self._network
