"""Runs mask models out of ONNX and TFLite files: OpenVINO on the CPU, ONNX Runtime on CUDA.

A model file is data to both: they build the graph that it describes, and run no code of its own.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dim_model.segmenters import Array, Entry, MaskModel, SegmenterError, Size

_SUFFIXES = (".onnx", ".tflite")


def open_model(
    path: Path, device: str, asked: Size | None, usual: Size | None, output: int | str | None
) -> MaskModel:
    """The model in ``path`` on ``device``: cpu, cuda or cuda:N; never falls back.

    asked, usual: see ``Entry.of``. output: its position or name; None: the first. Raises SegmenterError.
    """
    if path.suffix.lower() not in _SUFFIXES:
        raise SegmenterError(f"{path}: is no .onnx or .tflite file; give segmenter: model: one of these.")
    if not path.is_file():
        raise SegmenterError(f"{path}: does not exist; put the model there or correct segmenter: model:.")
    if device == "cpu":
        return OpenVinoModel(path, asked, usual, output)
    return OnnxRuntimeModel(path, device, asked, usual, output)


class OpenVinoModel:
    """float32 throughout, also where the processor has bfloat16: a mask's thresholds are to fall alike on
    every machine of a farm.
    """

    def __init__(self, path: Path, asked: Size | None, usual: Size | None, output: int | str | None) -> None:
        import openvino  # type: ignore[import-untyped]  # a second to import, so only where it is used
        from openvino import properties

        core = openvino.Core()
        try:
            model = core.read_model(path)
        except RuntimeError as error:
            raise _unreadable(path, "OpenVINO", error) from error
        _one_picture(path, [str(each.get_element_type().to_dtype()) for each in model.inputs])
        self.label = str(path)
        self.entry = Entry.of(str(path), _lengths(model.input(0).get_partial_shape()), asked, usual)
        index = _pick(path, [sorted(each.get_names()) for each in model.outputs], output)
        try:
            if model.is_dynamic():
                model.reshape(list(self.entry.shape))
            compiled = core.compile_model(
                model,
                "CPU",
                {
                    properties.hint.inference_precision: openvino.Type.f32,
                    properties.hint.performance_mode: properties.hint.PerformanceMode.LATENCY,
                    # Bound to cores, the threads of two daemons would share the first ones.
                    properties.hint.enable_cpu_pinning: False,
                },
            )
        except RuntimeError as error:
            raise _unfit(path, self.entry, error) from error
        self._request = compiled.create_infer_request()
        self._output = compiled.output(index)
        self.description = "OpenVINO on the CPU"

    def __call__(self, picture: Array) -> Array:
        try:
            made: Array = self._request.infer([picture], share_inputs=True)[self._output].copy()
        except RuntimeError as error:
            raise _unfit(Path(self.label), self.entry, error) from error
        return made


class OnnxRuntimeModel:
    """Needs the package onnxruntime-gpu, which dimd does not bring. ONNX Runtime takes the CPU unasked where
    CUDA does not come up; that is an error here.
    """

    def __init__(
        self, path: Path, device: str, asked: Size | None, usual: Size | None, output: int | str | None
    ) -> None:
        if path.suffix.lower() != ".onnx":
            raise SegmenterError(
                f"{path}: runs on the CPU alone, but segmenter: device: is {device}; set it to cpu, or give "
                "an .onnx model."
            )
        ort = _onnxruntime(device)
        options = ort.SessionOptions()
        options.use_deterministic_compute = True
        # The exhaustive search for the fastest convolution can find another one, and other last bits, at the
        # next start; TF32 keeps ten bits of the mantissa.
        cuda = {
            "device_id": device.partition(":")[2] or "0",
            "cudnn_conv_algo_search": "HEURISTIC",
            "use_tf32": "0",
        }
        try:
            self._session = ort.InferenceSession(
                str(path), options, providers=[("CUDAExecutionProvider", cuda), "CPUExecutionProvider"]
            )
        except Exception as error:  # its exceptions have no base of their own
            raise _unreadable(path, "ONNX Runtime", error) from error
        if "CUDAExecutionProvider" not in self._session.get_providers():
            raise SegmenterError(
                f"{path}: ONNX Runtime cannot use CUDA for segmenter: device: {device}; install the CUDA and "
                "cuDNN that its version wants, or set cpu."
            )
        inputs = self._session.get_inputs()
        _one_picture(path, [each.type.removeprefix("tensor(").removesuffix(")") for each in inputs])
        shape = [each if isinstance(each, int) else None for each in inputs[0].shape]
        self.label = str(path)
        self.entry = Entry.of(str(path), shape, asked, usual)
        self._input = inputs[0].name
        names = [each.name for each in self._session.get_outputs()]
        self._output = names[_pick(path, [[name] for name in names], output)]
        self.description = f"ONNX Runtime on {device}"

    def __call__(self, picture: Array) -> Array:
        try:
            (made,) = self._session.run([self._output], {self._input: picture})
        except Exception as error:
            raise _unfit(Path(self.label), self.entry, error) from error
        found: Array = made
        return found


def _onnxruntime(device: str) -> Any:
    mend = "pip install onnxruntime-gpu, or set cpu"
    try:
        ort = importlib.import_module("onnxruntime")
    except ImportError as error:
        raise SegmenterError(
            f"segmenter: device: {device} needs ONNX Runtime, which is not installed; {mend}."
        ) from error
    if "CUDAExecutionProvider" not in ort.get_available_providers():
        raise SegmenterError(
            f"segmenter: device: {device} needs ONNX Runtime with CUDA, and the one here has none; {mend}."
        )
    return ort


def _lengths(shape: Any) -> list[int | None]:
    """OpenVINO's partial shape as Entry wants it; of an unknown number of dimensions: four of any length."""
    if shape.rank.is_dynamic:
        return [None] * 4
    return [each.get_length() if each.is_static else None for each in shape]


def _one_picture(path: Path, types: Sequence[str]) -> None:
    """Raise SegmenterError unless there is one input, of float32."""
    if len(types) != 1:
        raise SegmenterError(
            f"{path}: takes {len(types)} inputs; give segmenter: model: one that takes a picture and nothing "
            "else."
        )
    if types[0] not in ("float", "float32"):
        raise SegmenterError(
            f"{path}: takes a picture of {types[0]}; give segmenter: model: its float32 version."
        )


def _pick(path: Path, names: Sequence[Sequence[str]], output: int | str | None) -> int:
    """The position of the output that was named. names: of each output, which may have none or several."""
    if output is None:
        return 0
    if isinstance(output, int) and output < len(names):
        return output
    for position, known in enumerate(names):
        if output in known:
            return position
    shown = ", ".join(known[0] if known else str(position) for position, known in enumerate(names))
    raise SegmenterError(f"{path}: has no output {output}; set segmenter: output: to one of {shown}.")


def _unreadable(path: Path, what: str, error: Exception) -> SegmenterError:
    return SegmenterError(
        f"{path}: {what} cannot read it as a model ({reason(error)}); fetch it again, or give another."
    )


def _unfit(path: Path, entry: Entry, error: Exception) -> SegmenterError:
    width, height = entry.size
    return SegmenterError(
        f"{path}: does not run with pictures of {width}x{height} ({reason(error)}); set segmenter: size: to "
        "what the model was made for, or give another."
    )


def reason(error: Exception) -> str:
    """The last line of what a library says: before it come the places in its own source."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].rstrip(".")[:200] if lines else type(error).__name__
