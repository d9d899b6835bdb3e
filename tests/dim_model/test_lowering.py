"""A network on OpenVINO is the network that torch runs."""

from __future__ import annotations

from pathlib import Path

import openvino  # type: ignore[import-untyped]
import pytest
import torch
from openvino import properties
from torch import Tensor, nn

from dim_model import nets, weights
from dim_model.encode import empty_tiles
from dim_model.runtimes import DeviceError, open_runtime
from dim_model.runtimes.fused import fuse
from dim_model.runtimes.lowering import Tiles, UnknownOperationError, lowered
from dim_model.runtimes.openvino_runtime import OpenVinoRuntime

EXACT = {properties.hint.inference_precision: openvino.Type.f32}


def run(model: openvino.Model, x: Tensor) -> Tensor:
    request = openvino.Core().compile_model(model, "CPU", EXACT).create_infer_request()
    return torch.from_numpy(request.infer([x.permute(0, 2, 3, 1).contiguous().numpy()])[0].copy())


@pytest.mark.parametrize("shape", [(1, 64, 56, 32), (1, 64, 56, 80), (3, 64, 16, 24)])
def test_swift_is_the_same_on_openvino(shape: tuple[int, ...]) -> None:
    shipped, lowering = (weights.load(weights.resolve(weights.SHIPPED)).network() for _ in range(2))
    fuse(lowering)
    x = torch.rand(shape, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        known = Tiles(shipped)(x)
    found = run(lowered(Tiles(lowering), shape), x)
    assert found.shape == known.shape == (shape[0], 1, 2 * shape[2], 2 * shape[3])
    assert known.std() > 0.1
    assert torch.allclose(found, known, atol=1e-4)


def test_a_part_of_a_transposed_input_is_that_part() -> None:
    class Part(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x[:, 1:3, :, 4:] - x[:, :2, :, : x_columns - 4] / 2

    x_columns = 9
    x = torch.rand(2, 5, 7, x_columns)
    assert torch.allclose(run(lowered(Part(), x.shape), x), Part()(x), atol=1e-6)


@pytest.mark.parametrize(
    ("layer", "named"),
    [
        (nn.MaxPool2d(2), "MaxPool2d"),
        (nn.Conv2d(4, 4, 3, groups=2), "groups=2"),
        (nn.Conv2d(4, 4, 3, padding="same"), "padding=same"),
        (nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect"), "reflect"),
    ],
)
def test_what_has_no_counterpart_is_named(layer: nn.Module, named: str) -> None:
    with pytest.raises(UnknownOperationError, match=named):
        lowered(nn.Sequential(layer), (1, 4, 8, 8))


def test_streams_are_bound_to_no_cores() -> None:
    """Two daemons on a machine, each with a thread or two, would share its first cores."""
    runtime = OpenVinoRuntime(weights.load(weights.resolve(weights.SHIPPED)), "float32")
    runtime([empty_tiles(1, (64, 64), "sampled").zero_()])
    ((request, *_),) = runtime._requests.values()
    assert request.get_compiled_model().get_property(properties.hint.enable_cpu_pinning) is False
    runtime.close()


def test_auto_takes_what_runs_the_network(tmp_path: Path) -> None:
    """OpenVINO for the default network, torch for what OpenVINO cannot run; asked for, that is refused."""
    classic = nets.build("dim-vgg16").state_dict()
    weights.publish(tmp_path, weights.Card("classic", "dim-vgg16", "plain", "x", [], {}), classic)
    loaded = weights.load(tmp_path / "classic")
    assert open_runtime(loaded, "cpu", "auto", "float32").description == "cpu, torch float32"
    swift = weights.load(weights.resolve(weights.SHIPPED))
    assert open_runtime(swift, "cpu", "auto", "float32").description == "cpu, openvino float32"
    with pytest.raises(DeviceError, match=r"cannot run 'dim-vgg16', which asks for .*; set runtime: torch"):
        open_runtime(loaded, "cpu", "openvino", "float32")
