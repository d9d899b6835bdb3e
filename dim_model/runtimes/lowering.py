"""A torch network as OpenVINO has it, operation by operation, without PyTorch's exporter: that takes three
seconds for what is here done in a twentieth of one, and a daemon pays for it at every start and reload.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import openvino  # type: ignore[import-untyped]
import torch
from numpy.typing import NDArray
from openvino import opset13 as ops
from torch import Tensor, fx, nn
from torch.nn import functional as F  # noqa: N812

from dim_model.encode import PACK

Node = Any
"""An ``openvino.Output``: what an operation made."""


class UnknownOperationError(NotImplementedError):
    """A network does what has no counterpart here. The message names it, as a part of a sentence."""


class Tiles(nn.Module):
    """What a matting network makes of packed tiles: their alpha, 0..1."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        alpha: Tensor = self.network.tiles(x)  # type: ignore[operator]
        return F.pixel_shuffle(alpha, PACK).clamp(0, 1)


def lowered(network: nn.Module, shape: Sequence[int]) -> openvino.Model:
    """``network``, which takes and gives one tensor, for inputs of ``shape``, [N, C, H, W]: a model of
    float32 that takes them channels last, [N, H, W, C], and gives what the network does.

    Raises ``UnknownOperationError``.
    """
    try:
        graph = fx.symbolic_trace(network)
    except fx.proxy.TraceError as error:
        raise UnknownOperationError(str(error)) from error
    given = ops.parameter([shape[0], *shape[2:], shape[1]], np.float32)
    lowering = _Lowering(graph)
    lowering.extra_traceback = False  # an error is to be a part of a sentence
    made = lowering.run(ops.transpose(given, np.array([0, 3, 1, 2])).output(0))
    return openvino.Model([made], [given])


class _Lowering(fx.Interpreter):
    """Runs a traced network on OpenVINO's nodes in the place of tensors, which builds the model."""

    def call_module(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        layer = self.fetch_attr(target)
        match layer:
            case nn.Conv2d():
                return _convolution(layer, *args)
            case nn.ReLU():
                return ops.relu(*args).output(0)
            case nn.Identity():
                return args[0]
        raise UnknownOperationError(type(layer).__name__)

    def call_function(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if target is getattr and isinstance(args[0], Tensor):  # of a layer's, such as the type of its weights
            return getattr(*args)
        return _made(_FUNCTIONS.get(target), target, args, kwargs)

    def call_method(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return _made(_METHODS.get(target), target, args, kwargs)


def _made(how: Callable[..., Node] | None, what: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Node:
    if how is None:
        raise UnknownOperationError(getattr(what, "__name__", what))
    return how(*args, **kwargs).output(0) if how is not _same else args[0]


def _same(x: Node, *_: object, **__: object) -> Node:
    """Where a tensor lies, and of what type it is, OpenVINO decides itself."""
    return x


def _number(value: float | NDArray[np.float32]) -> Node:
    return ops.constant(np.asarray(value, np.float32))


def _array(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.detach().float().numpy()


def _convolution(layer: nn.Conv2d, x: Node) -> Node:
    if layer.groups != 1 or isinstance(layer.padding, str) or layer.padding_mode != "zeros":
        raise UnknownOperationError(repr(layer))
    weights, pads = _number(_array(layer.weight)), list(layer.padding)
    made = ops.convolution(x, weights, list(layer.stride), pads, pads, list(layer.dilation))
    if layer.bias is not None:
        made = ops.add(made, _number(_array(layer.bias)[None, :, None, None]))
    return made.output(0)


def _binary(how: Callable[[Node, Node], Node]) -> Callable[[Node, Node | float], Node]:
    return lambda x, y: how(x, _number(y) if isinstance(y, int | float) else y)


def _part(x: Node, where: tuple[slice, ...]) -> Node:
    """``x[:, first:last, …]``."""
    kept = [(axis, part) for axis, part in enumerate(where) if part != slice(None)]
    if any(part.step not in (None, 1) for _, part in kept):
        raise UnknownOperationError(f"a part {where}")
    lengths = x.get_shape()
    first = [part.start or 0 for _, part in kept]
    last = [lengths[axis] if part.stop is None else part.stop for axis, part in kept]
    axes = [axis for axis, _ in kept]
    before, order = _laid(x)
    there = [order[axis] for axis in axes]
    taken = ops.slice(before, np.array(first), np.array(last), np.ones(len(kept), np.int64), np.array(there))
    return ops.transpose(taken, np.array(order)) if before is not x else taken


def _laid(x: Node) -> tuple[Node, list[int]]:
    """What ``x`` is a transposition of, and the axes of that in its order. A part of a transposed input is
    taken from the input, and transposed: so the whole need never be laid anew for its sake.
    """
    node = x.get_node()
    if node.get_type_name() != "Transpose":
        return x, list(range(len(x.get_shape())))
    return node.input_value(0), [int(axis) for axis in node.input_value(1).get_node().get_data()]


def _unflattened(x: Node, axis: int, lengths: Sequence[int]) -> Node:
    shape = list(x.get_shape())
    return ops.reshape(x, np.array([*shape[:axis], *lengths, *shape[axis + 1 :]]), special_zero=False)


def _enlarged(x: Node, *, scale_factor: float, mode: str, align_corners: bool, **_: object) -> Node:
    if mode != "bilinear" or align_corners:
        raise UnknownOperationError(f"interpolate by {mode}")
    return ops.interpolate(
        x,
        np.array([scale_factor, scale_factor], np.float32),
        mode="linear_onnx",
        shape_calculation_mode="scales",
        coordinate_transformation_mode="pytorch_half_pixel",
        axes=np.array([2, 3]),
    )


_METHODS: dict[str, Callable[..., Node]] = {
    "to": _same,
    "contiguous": _same,
    "sum": lambda x, axis: ops.reduce_sum(x, np.array([axis])),
    "clamp": ops.clamp,
}

_FUNCTIONS: dict[Any, Callable[..., Node]] = {
    operator.add: _binary(ops.add),
    operator.sub: _binary(ops.subtract),
    operator.mul: _binary(ops.multiply),
    operator.truediv: _binary(ops.divide),
    operator.getitem: _part,
    torch.cat: lambda some, axis: ops.concat(list(some), axis),
    torch.softmax: ops.softmax,
    torch.unflatten: _unflattened,
    F.relu: lambda x, **_: ops.relu(x),
    F.interpolate: _enlarged,
    F.pixel_shuffle: lambda x, by: ops.depth_to_space(x, "depth_first", by),
}
