"""OpenVINO on the CPU: the same network, compiled for the processor it runs on."""

from __future__ import annotations

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

    def __init__(self, weights: Weights, precision: str) -> None:
        self._core = openvino.Core()
        if precision == "auto":
            native = "BF16" in self._core.get_property("CPU", properties.device.capabilities)
            precision = "bfloat16" if native else "float32"
        if precision not in _TYPES:
            raise DeviceError(
                f"precision: {precision} does not run on OpenVINO's CPU device; set bfloat16 or float32."
            )
        self._network, self._precision = weights.network(), _TYPES[precision]
        self._requests: dict[torch.Size, openvino.InferRequest] = {}
        self.description = f"cpu, openvino {precision}"

    def __call__(self, tiles: Tensor) -> Tensor:
        if tiles.shape not in self._requests:
            self._requests[tiles.shape] = self._compiled(tiles)
        request = self._requests[tiles.shape]
        request.infer([tiles.permute(0, 2, 3, 1).contiguous().numpy()], share_inputs=True)
        return F.pixel_shuffle(torch.from_numpy(request.get_output_tensor(0).data.copy()), encode.PACK)

    def _compiled(self, example: Tensor) -> openvino.InferRequest:
        """For batches of one shape, which is faster than for any."""
        with torch.no_grad():
            exported = torch.export.export(_AlphaOnly(self._network), (example.contiguous(),))
        prepared = PrePostProcessor(openvino.convert_model(exported))
        prepared.input().tensor().set_layout(openvino.Layout("NHWC"))
        prepared.input().model().set_layout(openvino.Layout("NCHW"))
        compiled = self._core.compile_model(
            prepared.build(),
            "CPU",
            {
                properties.hint.inference_precision: self._precision,
                properties.hint.performance_mode: properties.hint.PerformanceMode.LATENCY,
            },
        )
        return compiled.create_infer_request()

    def close(self) -> None:
        del self._requests
