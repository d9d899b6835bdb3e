"""A network as ONNX, for programs that are not dimd: encoded frames in, alpha out; or pictures in, and how
probable background, unknown and foreground are.

Encoding (``dim_model.encode``) stands outside, as it does for every runtime: it has nothing to learn, and
needs the whole frame.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import warnings
from collections.abc import Iterator
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.export import Dim

from dim_model.nets import Network, channels_of, is_matting
from dim_model.weights import Weights

OPSET = 18
"""The lowest that PyTorch's exporter writes: runtimes of 2023 and later read it."""

TOLERANCE = 1e-3
"""Largest difference of alpha, or of a probability, from the torch network's."""

_PACKAGES = ("onnx", "onnxscript")


class ExportError(RuntimeError):
    """One sentence: what hinders the export, how to mend it."""


class _Alpha(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, encoded: Tensor) -> Tensor:
        alpha: Tensor = self.network(encoded)["alpha"]
        return alpha.clamp(0, 1)


class _Probabilities(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, picture: Tensor) -> Tensor:
        return torch.softmax(self.network(picture)["logits"], 1)


def available() -> bool:
    """Whether the packages that write ONNX are installed."""
    return all(importlib.util.find_spec(name) for name in _PACKAGES)


def to_onnx(weights: Weights) -> bytes:
    """The network of ``weights`` as an ONNX model: ``encoded`` float32 [batch, C, H, W] to ``alpha`` float32
    [batch, 1, H, W], 0..1; of the trimap network, ``picture`` float32 [batch, 3, H, W], display-referred RGB,
    0..1, to ``probabilities`` float32 [batch, 3, H, W] of background, unknown, foreground. Batch, H and W are
    free, H and W multiples of the network's stride.

    The result was run by OpenVINO and agrees with torch to ``TOLERANCE``. Raises ``ExportError``.
    """
    if not available():
        raise ExportError("--onnx: needs onnx and onnxscript; run pip install 'dimd[train]'.")
    network = weights.network()
    stride = cast(Network, network).stride
    mattes = is_matting(weights.card.network)
    model = (_Alpha(network) if mattes else _Probabilities(network)).eval()
    given, made = ("encoded", "alpha") if mattes else ("picture", "probabilities")
    channels = channels_of(cast(Network, network).inputs)
    free = {0: Dim("batch"), 2: stride * Dim("rows"), 3: stride * Dim("columns")}
    with _quiet():
        program: Any = torch.onnx.export(
            model,
            (torch.zeros(2, channels, 4 * stride, 6 * stride),),
            input_names=[given],
            output_names=[made],
            dynamic_shapes={given: free},
            opset_version=OPSET,
            verbose=False,
            dynamo=True,
        )
    _forget_where(program.model)
    card = weights.card
    about = {"version": card.version, "network": card.network, "inputs": card.inputs, "licence": card.licence}
    program.model.metadata_props.update(about)
    data: bytes = program.model_proto.SerializeToString()
    # Neither batch nor size is the example's, so what was fixed by mistake shows.
    noise = torch.rand(3, channels, 8 * stride, 5 * stride, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        apart = float((run(data, noise) - model(noise)).abs().max())
    if not apart <= TOLERANCE:
        raise ExportError(
            f"{card.version}: its ONNX differs from the network by {apart:.2g}, more than {TOLERANCE}; "
            "publish with --no-onnx."
        )
    return data


def _forget_where(model: Any) -> None:
    """The exporter notes at every node which line of which file it comes from: a machine's paths, which are
    nobody's business where the weights go.
    """
    for graph in (model.graph, *(function for function in model.functions.values())):
        for node in graph.all_nodes():
            node.metadata_props.clear()
            for value in node.outputs:
                value.metadata_props.clear()


def run(data: bytes, encoded: Tensor) -> Tensor:
    """What an ONNX model makes of its input, in float32 by OpenVINO on the CPU."""
    import openvino  # type: ignore[import-untyped]  # a second to import, so only where it is used
    from openvino import properties

    core = openvino.Core()
    exact = {properties.hint.inference_precision: openvino.Type.f32}
    compiled = core.compile_model(core.read_model(data, b""), "CPU", exact)
    return torch.from_numpy(compiled([encoded.numpy()])[compiled.output(0)].copy())


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The exporter talks of its own parts on every channel; what goes wrong it raises."""
    talk = logging.getLogger("onnx_ir")
    level = talk.level
    talk.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        talk.setLevel(level)
