"""OpenVINO on the CPU: the same network, compiled for the processor it runs on."""

from __future__ import annotations

from typing import cast

import openvino  # type: ignore[import-untyped]
import torch
from openvino import properties
from openvino.preprocess import PrePostProcessor  # type: ignore[import-untyped]
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from dim_model import encode
from dim_model.runtimes import DeviceError
from dim_model.weights import Weights

_TYPES = {"float32": openvino.Type.f32, "bfloat16": openvino.Type.bf16}


class _AlphaOnly(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        alpha: Tensor = self.network.tiles(x)  # type: ignore[operator]
        return alpha.clamp(0, 1)


class OpenVinoRuntime:
    """precision: ``auto`` is bfloat16 where the processor multiplies it natively, float32 elsewhere."""

    halved = 0

    def __init__(self, weights: Weights, precision: str, shape: tuple[int, int]) -> None:
        core = openvino.Core()
        if precision == "auto":
            native = "BF16" in core.get_property("CPU", properties.device.capabilities)
            precision = "bfloat16" if native else "float32"
        if precision not in _TYPES:
            raise DeviceError(
                f"precision: {precision} does not run on OpenVINO's CPU device; set bfloat16 or float32."
            )
        count, side = shape
        network = weights.network()
        example = encode.empty_tiles(count, (side, side), cast(encode.Inputs, weights.card.inputs))
        with torch.no_grad():
            exported = torch.export.export(_AlphaOnly(network), (example.contiguous(),))
        prepared = PrePostProcessor(openvino.convert_model(exported))
        prepared.input().tensor().set_layout(openvino.Layout("NHWC"))
        prepared.input().model().set_layout(openvino.Layout("NCHW"))
        self._compiled = core.compile_model(
            prepared.build(),
            "CPU",
            {
                properties.hint.inference_precision: _TYPES[precision],
                properties.hint.performance_mode: properties.hint.PerformanceMode.LATENCY,
            },
        )
        self._request = self._compiled.create_infer_request()
        self.description = f"cpu, openvino {precision}"

    def __call__(self, tiles: Tensor) -> Tensor:
        out = self._request.infer([tiles.permute(0, 2, 3, 1).contiguous().numpy()], share_inputs=True)
        return F.pixel_shuffle(torch.from_numpy(out[self._compiled.output(0)]), encode.PACK)

    def close(self) -> None:
        del self._request, self._compiled
