"""OpenVINO on the CPU: the same network, compiled for the processor it runs on.

Tiles are run one by one, as many beside each other as there are threads: what a tile leaves between two
layers stays in a core's own cache, where that of a whole batch would not.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import cast

import numpy as np
import openvino  # type: ignore[import-untyped]
import torch
from openvino import properties
from torch import Tensor, nn

from dim_model import encode
from dim_model.arrays import Floats
from dim_model.nets import MattingNetwork, channels_of
from dim_model.runtimes import DeviceError
from dim_model.runtimes.fused import fuse
from dim_model.runtimes.lowering import Tiles, lowered
from dim_model.weights import Weights

_TYPES = {"float32": openvino.Type.f32, "bfloat16": openvino.Type.bf16}


class OpenVinoRuntime:
    """precision: ``auto`` is bfloat16 where the processor multiplies it natively, float32 elsewhere. Raises
    ``DeviceError``, ``UnknownOperationError``.
    """

    halved = 0
    batches = False

    def __init__(self, weights: Weights, precision: str) -> None:
        self._core = openvino.Core()
        if precision == "auto":
            native = "BF16" in self._core.get_property("CPU", properties.device.capabilities)
            precision = "bfloat16" if native else "float32"
        if precision not in _TYPES:
            raise DeviceError(
                f"precision: {precision} does not run on OpenVINO's CPU device; set bfloat16 or float32."
            )
        network = cast(MattingNetwork, weights.network())
        fuse(cast(nn.Module, network))
        self._tiles, self._precision = Tiles(cast(nn.Module, network)), _TYPES[precision]
        self._threads = torch.get_num_threads()
        self._requests: dict[tuple[int, ...], list[openvino.InferRequest]] = {}
        # Whether it can be run at all is told now, on the least tile that there could be.
        lowered(self._tiles, (1, encode.CELL * channels_of(network.inputs), network.stride, network.stride))
        self.description = f"cpu, openvino {precision}"

    def room(self, count: int, size: tuple[int, int], inputs: encode.Inputs) -> Tensor:
        return encode.empty_tiles(count, size, inputs)

    def __call__(self, batches: Sequence[Tensor]) -> list[Tensor]:
        made = [
            np.empty((len(some), 1, encode.PACK * some.shape[2], encode.PACK * some.shape[3]), np.float32)
            for some in batches
        ]
        running: deque[tuple[openvino.InferRequest, Floats, Tensor]] = deque()
        try:
            for n, (tiles, alpha) in enumerate(zip(batches, made, strict=True)):
                requests = self._of(tuple(tiles.shape))
                while len(running) >= len(requests):
                    _end(*running.popleft())
                request = requests[n % len(requests)]
                # What ``start_async`` does with an array is as dear as beginning the request.
                laid = tiles.permute(0, 2, 3, 1).contiguous()
                request.set_input_tensor(openvino.Tensor(laid.numpy(), shared_memory=True))
                request.start_async()
                running.append((request, alpha, laid))
        finally:
            while running:
                _end(*running.popleft())
        return [torch.from_numpy(alpha) for alpha in made]

    def _of(self, shape: tuple[int, ...]) -> list[openvino.InferRequest]:
        """The requests for tiles of one shape: twice as many as run at once, so that a stream has its next
        while what it did is read.
        """
        if shape not in self._requests:
            compiled = self._compiled(shape)
            self._requests[shape] = [compiled.create_infer_request() for _ in range(2 * self._threads)]
        return self._requests[shape]

    def _compiled(self, shape: tuple[int, ...]) -> openvino.CompiledModel:
        """For tiles of one shape, which is faster than for any."""
        return self._core.compile_model(
            lowered(self._tiles, shape),
            "CPU",
            {
                properties.hint.inference_precision: self._precision,
                properties.inference_num_threads: self._threads,
                properties.num_streams: self._threads,
                # Bound to cores, the streams of two daemons would share the first ones.
                properties.hint.enable_cpu_pinning: False,
            },
        )

    def close(self) -> None:
        del self._requests


def _end(request: openvino.InferRequest, alpha: Floats, laid: Tensor) -> None:
    """Fill ``alpha`` by what becomes of ``laid``, which has to be there until then."""
    # No callback of OpenVINO's own queue: its thread would want the GIL, which whoever closes the runtime
    # holds while he waits for that thread.
    request.wait()
    alpha[...] = request.get_output_tensor(0).data
