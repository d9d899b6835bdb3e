"""PyTorch on CUDA: a batch is one copy to the device, one graph and one copy back, none waited for.

Of a network this small a GPU is done before the CPU has launched its thirty kernels one by one, and an
ordinary copy holds up the thread that asks for it. So the kernels of each shape of batch are recorded once
(CUDA graphs), tiles are written where the device can read them itself (pinned memory), and only after all
batches of a call are under way is there anything to wait for.
"""

from __future__ import annotations

import threading
from typing import NamedTuple

import torch
from torch import Tensor

from dim_model.runtimes.torch_runtime import alpha_of, prepared
from dim_model.weights import Weights

_WARM_UPS = 2
"""Runs before a graph is recorded, in which libraries choose their kernels and take their workspaces."""

_ALONE = threading.Lock()
"""Held while a graph is recorded, and while memory is given back: CUDA bears one recording to a process, and
no emptied cache beside it. New weights are tried in one thread while another mattes.
"""


class _Recorded(NamedTuple):
    """For batches of one shape: where a batch is to lie, what is run on it, where its alpha lies then."""

    tiles: Tensor
    graph: torch.cuda.CUDAGraph
    alpha: Tensor


class CudaRuntime:
    """precision: ``auto`` is float16, which halves the traffic."""

    pinned = True

    def __init__(self, weights: Weights, device: torch.device, precision: str) -> None:
        precision = "float16" if precision == "auto" else precision
        self._device = device
        self._network = prepared(weights, device, precision)
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._stream.wait_stream(torch.cuda.current_stream(device))  # on which the weights are laid
        self._forget()
        self.description = f"{device}, torch {precision}"

    def _forget(self) -> None:
        self._recorded: dict[torch.Size, _Recorded] = {}
        # Graphs run one after the other, and each one's alpha is copied before the next: they share memory.
        # It is theirs alone: what held some that are gone is not to be asked for again.
        self._memory = torch.cuda.graph_pool_handle()

    @torch.inference_mode()
    def __call__(self, tiles: Tensor) -> Tensor:
        """As ``Unguarded``: what it returns is not there before ``finish``."""
        with torch.cuda.device(self._device), torch.cuda.stream(self._stream):
            if tiles.shape not in self._recorded:
                with _ALONE:
                    self._recorded[tiles.shape] = self._record(tiles)
            there, graph, alpha = self._recorded[tiles.shape]
            there.copy_(tiles, non_blocking=True)
            graph.replay()
            return torch.empty(alpha.shape, pin_memory=True).copy_(alpha, non_blocking=True)

    def _record(self, like: Tensor) -> _Recorded:
        tiles = torch.zeros_like(like, device=self._device)
        for _ in range(_WARM_UPS):
            alpha_of(self._network, tiles)
        self._stream.synchronize()
        graph = torch.cuda.CUDAGraph()
        # Other threads may ask the device for its memory meanwhile: only this one's calls are recorded.
        with torch.cuda.graph(
            graph, pool=self._memory, stream=self._stream, capture_error_mode="thread_local"
        ):
            alpha = alpha_of(self._network, tiles)
        return _Recorded(tiles, graph, alpha)

    def finish(self) -> None:
        self._stream.synchronize()

    def give_back(self) -> None:
        self.finish()
        with _ALONE:
            self._forget()
            torch.cuda.empty_cache()

    def close(self) -> None:
        del self._network
        self.give_back()
