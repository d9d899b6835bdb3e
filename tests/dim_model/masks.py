"""Tiny mask models, made here: what is bright is the subject."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import onnx
from onnx import TensorProto, helper

GAIN, HALF = 20.0, 0.5
"""The subject's probability is sigmoid(GAIN * (mean of the channels - HALF))."""

TFLITE = (
    b"c-oCou?oUK49(TU7CmYQhk_j(9o+O2#L3YgDB@5=5v$<mIEkO<;9g%Yu`PmN;kCJ3-b-E@5z%_Nn%%3adK#hx=LN~PL(LNaW55D0)W(v"
    b"I9Xaaz&>|w5NPYq-8cGSJh!WgJsEIW{1yUdbZmPS_ivu%^_BO5FpP7hywN?)&r+M?m3$*vp-}8*pdn%HnNV%WdKzm8gF7!jZCB?HnfFm"
    b"&1S<l!(rm<CCqMl6cr`)l??Vs9h?!7y|tAY3DS~WbPZTaLlzZRu%cpuF__|=Pd6S9wDbH1Fm-gBmV5YN_ocAjf%4d%T8Vw)lm"
)
"""MEAN over the channels and LOGISTIC, float32 [1, 16, 24, 3] to [1, 16, 24, 1]: a TFLite model of 552 bytes,
written with the classes that the package `tflite` generates from TensorFlow's schema.
"""


def tflite(path: Path) -> Path:
    path.write_bytes(zlib.decompress(base64.b85decode(TFLITE)))
    return path


def onnx_model(
    path: Path,
    *,
    size: tuple[int | str, int | str] = (24, 16),
    channels_last: bool = False,
    gives: Literal["probability", "logit"] = "probability",
    classes: int = 1,
    shape: Literal["4d", "3d", "flat"] = "4d",
    inputs: int = 1,
    kind: int = TensorProto.FLOAT,
    half: float = HALF,
) -> Path:
    """A model that tells bright from dark. size: (width, height), a text where it may be any. classes: 1, or
    2 with the ground first, each with half the score, so that their softmax is the same probability.
    Outputs: ``mask``, and the channels' ``mean`` as the second.
    """
    width, height = size
    axis = 3 if channels_last else 1
    picture = [1, height, width, 3] if channels_last else [1, 3, height, width]
    nodes = [
        helper.make_node("Cast", ["picture"], ["colours"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["colours"], ["mean"], axes=[axis], keepdims=1),
        helper.make_node("Sub", ["mean", "half"], ["over"]),
        helper.make_node("Mul", ["over", "gain"], ["score"]),
    ]
    last = "score"
    if classes == 2:
        nodes += [
            helper.make_node("Sub", ["zero", "score"], ["ground"]),
            helper.make_node("Concat", ["ground", "score"], ["scores"], axis=axis),
        ]
        last = "scores"
    if gives == "probability":
        softmax = helper.make_node("Softmax", [last], ["probability"], axis=axis)
        nodes.append(softmax if classes == 2 else helper.make_node("Sigmoid", [last], ["probability"]))
        last = "probability"
    match shape:
        case "3d":
            nodes.append(helper.make_node("Squeeze", [last, "axis"], ["mask"]))
        case "flat":
            nodes.append(helper.make_node("Flatten", [last], ["mask"]))
        case "4d":
            nodes.append(helper.make_node("Identity", [last], ["mask"]))
    constants = [
        helper.make_tensor("half", TensorProto.FLOAT, [], [half]),
        helper.make_tensor("gain", TensorProto.FLOAT, [], [GAIN / classes]),
        helper.make_tensor("zero", TensorProto.FLOAT, [], [0.0]),
        helper.make_tensor("axis", TensorProto.INT64, [1], [axis]),
    ]
    more = [_tensor(f"state{n}", TensorProto.FLOAT, [1]) for n in range(1, inputs)]
    outputs = [_tensor("mask", TensorProto.FLOAT, None), _tensor("mean", TensorProto.FLOAT, None)]
    graph = helper.make_graph(nodes, "bright", [_tensor("picture", kind, picture), *more], outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, path)
    return path


def _tensor(name: str, kind: int, shape: Sequence[int | str] | None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)
