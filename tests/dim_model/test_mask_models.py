"""Mask models of any usual shape run, on the CPU by OpenVINO, on CUDA by ONNX Runtime, or are refused in one
sentence.
"""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pytest
import torch
from onnx import TensorProto, load
from onnx.reference import ReferenceEvaluator

from dim_model.runtimes.mask_models import open_model
from dim_model.segmenters import Entry, Recipe, Segmenter, SegmenterError
from tests.dim_model.masks import GAIN, HALF, onnx_model, tflite

VIEW = torch.rand(3, 48, 72, generator=torch.Generator().manual_seed(0))
WIDTH, HEIGHT = 24, 16


def masked(path: Path, recipe: Recipe | None = None, output: int | str | None = None) -> torch.Tensor:
    recipe = recipe or Recipe()
    return Segmenter(open_model(path, "cpu", None, recipe.size, output), recipe).mask(VIEW)


def expected() -> torch.Tensor:
    small = torch.nn.functional.interpolate(
        VIEW[None], (HEIGHT, WIDTH), mode="bilinear", antialias=True, align_corners=False
    )
    return torch.sigmoid(GAIN * (small.mean(1, keepdim=True) - HALF))


@pytest.mark.parametrize("channels_last", [False, True], ids=["nchw", "nhwc"])
@pytest.mark.parametrize("gives", ["probability", "logit"])
@pytest.mark.parametrize(("classes", "shape"), [(1, "4d"), (1, "3d"), (2, "4d")])
def test_any_usual_model_gives_the_same_mask(
    tmp_path: Path, channels_last: bool, gives: Any, classes: int, shape: Any
) -> None:
    path = onnx_model(
        tmp_path / "m.onnx", channels_last=channels_last, gives=gives, classes=classes, shape=shape
    )
    torch.testing.assert_close(masked(path), expected())


def test_a_tflite_model_runs_too(tmp_path: Path) -> None:
    made = masked(tflite(tmp_path / "m.tflite"))
    assert made.shape == (1, 1, HEIGHT, WIDTH)
    torch.testing.assert_close(
        GAIN * (torch.logit(made) - HALF), torch.logit(expected()), atol=1e-3, rtol=1e-3
    )


def test_a_model_of_any_size_gets_the_presets_or_what_is_asked(tmp_path: Path) -> None:
    path = onnx_model(tmp_path / "m.onnx", size=("w", "h"))
    assert open_model(path, "cpu", None, (40, 32), None).entry == Entry((40, 32), channels_last=False)
    model = open_model(path, "cpu", (WIDTH, HEIGHT), (40, 32), None)
    torch.testing.assert_close(Segmenter(model, Recipe()).mask(VIEW), expected())
    with pytest.raises(
        SegmenterError,
        match=r"m\.onnx: takes any size; give one as segmenter: size: \[width, height\], or a preset",
    ):
        open_model(path, "cpu", None, None, None)


def test_a_model_of_one_size_keeps_it_against_its_preset_but_not_against_a_person(tmp_path: Path) -> None:
    path = onnx_model(tmp_path / "m.onnx")
    assert open_model(path, "cpu", None, (320, 320), None).entry.size == (WIDTH, HEIGHT)
    with pytest.raises(
        SegmenterError, match=r"takes pictures of 24x16 .* size: is \[320, 320\]; take that key"
    ):
        open_model(path, "cpu", (320, 320), None, None)


def test_an_output_is_found_by_position_or_name(tmp_path: Path) -> None:
    path = onnx_model(tmp_path / "m.onnx")
    torch.testing.assert_close(masked(path, output=1), masked(path, output="mean"))
    torch.testing.assert_close(masked(path, output="mask"), expected())
    for output in (2, "alpha"):
        with pytest.raises(SegmenterError, match=rf"has no output {output}; set .* to one of mask, mean\.$"):
            masked(path, output=output)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"shape": "flat"}, r"its output has the shape 1x384, which is no mask of one subject"),
        ({"inputs": 4}, r"takes 4 inputs; give segmenter: model: one that takes a picture and nothing else"),
        (
            {"kind": TensorProto.UINT8},
            r"takes a picture of uint8; give segmenter: model: its float32 version",
        ),
    ],
)
def test_what_is_no_mask_model_is_told_in_one_sentence(
    tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(SegmenterError, match=sentence) as caught:
        masked(onnx_model(tmp_path / "m.onnx", **changes))
    assert str(caught.value).startswith(str(tmp_path / "m.onnx"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["m.onnx", "m.tflite"])
def test_a_file_that_is_missing_or_broken_is_told(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with pytest.raises(SegmenterError, match=r"does not exist; put the model there"):
        open_model(path, "cpu", None, None, None)
    path.write_bytes(b"this was to be a model")
    with pytest.raises(
        SegmenterError, match=r"OpenVINO cannot read it as a model \(.*\); fetch it again"
    ) as caught:
        open_model(path, "cpu", None, None, None)
    assert "\n" not in str(caught.value)


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.pth").write_bytes(b"pickle")
    with pytest.raises(SegmenterError, match=r"m\.pth: is no \.onnx or \.tflite file"):
        open_model(tmp_path / "m.pth", "cpu", None, None, None)


def test_a_model_gives_the_same_twice(tmp_path: Path) -> None:
    path = onnx_model(tmp_path / "m.onnx")
    assert torch.equal(masked(path), masked(path))


class FakeRuntime(types.ModuleType):
    """The part of onnxruntime that is used, on ONNX's own reference evaluator."""

    def __init__(self, providers: list[str], active: list[str] | None = None) -> None:
        super().__init__("onnxruntime")
        self.opened: list[Any] = []
        self.SessionOptions = types.SimpleNamespace
        fake = self

        class InferenceSession:
            def __init__(self, path: str, options: Any, providers: Any) -> None:
                fake.opened.append((path, options, providers))
                self._model = load(path)
                self._evaluator = ReferenceEvaluator(self._model)

            def get_providers(self) -> list[str]:
                return fake.active

            def get_inputs(self) -> list[Any]:
                return [
                    types.SimpleNamespace(
                        name=each.name,
                        type="tensor(float)",
                        shape=[d.dim_param or d.dim_value for d in each.type.tensor_type.shape.dim],
                    )
                    for each in self._model.graph.input
                ]

            def get_outputs(self) -> list[Any]:
                return [types.SimpleNamespace(name=each.name) for each in self._model.graph.output]

            def run(self, names: list[str], feeds: dict[str, Any]) -> list[Any]:
                return self._evaluator.run(names, feeds)

        self.active = active or providers
        self.InferenceSession = InferenceSession
        self.get_available_providers = lambda: providers


CUDA = ["CUDAExecutionProvider", "CPUExecutionProvider"]


def test_cuda_goes_through_onnx_runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeRuntime(CUDA)
    monkeypatch.setitem(sys.modules, "onnxruntime", fake)
    path = onnx_model(tmp_path / "m.onnx", size=("w", "h"), gives="logit")
    model = open_model(path, "cuda:1", None, (WIDTH, HEIGHT), None)
    torch.testing.assert_close(Segmenter(model, Recipe()).mask(VIEW), expected(), atol=1e-5, rtol=1e-5)
    assert model.description == "ONNX Runtime on cuda:1"
    ((_, options, providers),) = fake.opened
    assert options.use_deterministic_compute
    assert providers[0][1]["device_id"] == "1"


@pytest.mark.parametrize(
    ("runtime", "sentence"),
    [
        (
            None,
            r"device: cuda needs ONNX Runtime, which is not installed; pip install onnxruntime-gpu, or",
        ),
        (FakeRuntime(CUDA[1:]), r"needs ONNX Runtime with CUDA, and the one here has none; pip install"),
        (
            FakeRuntime(CUDA, CUDA[1:]),
            r"cannot use CUDA for segmenter: device: cuda; install the CUDA and cuDNN",
        ),
    ],
)
def test_cuda_never_falls_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runtime: Any, sentence: str
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", runtime)
    with pytest.raises(SegmenterError, match=sentence):
        open_model(onnx_model(tmp_path / "m.onnx"), "cuda", None, None, None)


def test_tflite_is_for_the_cpu(tmp_path: Path) -> None:
    with pytest.raises(
        SegmenterError, match=r"m\.tflite: runs on the CPU alone, but segmenter: device: is cuda"
    ):
        open_model(tflite(tmp_path / "m.tflite"), "cuda", None, None, None)
