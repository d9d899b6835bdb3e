"""A device short of memory, as an operator sees it: the frame is done, the counter is up, the log says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import yaml
from torch import Tensor

import daemon.cli.serve as serving
from daemon.engine import Engine
from dim_model import weights
from dim_model.matter import Matter
from dim_model.runtimes import DeviceError, DeviceLostError
from dim_model.runtimes.torch_runtime import TorchRuntime
from tests.daemon.cases import FakeMatter, config, still, wait_for
from tests.daemon.serving import running


def test_a_frame_is_done_in_smaller_batches_where_memory_runs_out(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rgb, trimap = torch.rand(3, 300, 700), torch.full((1, 300, 700), 0.5)
    matter = Matter.open(root / "v1", device="cpu", runtime="torch", batch=4)
    whole, sizes = TorchRuntime.__call__, list[int]()

    def short(runtime: TorchRuntime, tiles: Tensor) -> Tensor:
        if len(tiles) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        sizes.append(len(tiles))
        return whole(runtime, tiles)

    (undisturbed,) = matter.matte([rgb], [trimap])
    assert matter.halved == 0
    monkeypatch.setattr(TorchRuntime, "__call__", short)
    (alpha,) = matter.matte([rgb], [trimap])
    assert matter.halved == 1
    assert max(sizes) == 2
    assert torch.allclose(alpha, undisturbed, atol=1e-5)


def test_out_of_memory_is_counted_and_said(tmp_path: Path, engine: Engine, matter: FakeMatter) -> None:
    with running(config(tmp_path), engine) as daemon:
        matter.halved = 2
        still(tmp_path / "in")
        wait_for(lambda: daemon.told.done)
        wait_for(lambda: daemon.said("device: out of memory, so batches are halved"))
        counted = daemon.service.metrics.registry.get_sample_value("dimd_device_out_of_memory_total")
        assert counted == 2


def test_the_count_outlives_the_weights(engine: Engine, matter: FakeMatter, root: Path) -> None:
    matter.halved = 3
    weights.point(root, "v2")
    assert engine.refresh()
    assert engine.halved == 3


def test_a_device_that_is_lost_while_weights_are_tried_is_worth_a_start_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """2 is for a fault in the config, which a start anew does not mend."""

    def lost(*arguments: object) -> Engine:
        raise DeviceLostError("device: cuda does not answer any more (unspecified launch failure).")

    monkeypatch.setattr(serving, "open_engine", lost)
    file = tmp_path / "config.yaml"
    for name in ("in", "out"):
        (tmp_path / name).mkdir()
    file.write_text(
        yaml.safe_dump({"folders": [{"in": "in", "out": "out"}], "state": "state", "metrics": {"port": None}})
    )
    assert serving.serve(file, once=True) == serving.LOST == 3


def test_what_keeps_a_service_from_starting_is_a_line_of_its_log_like_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refused(*arguments: object) -> Engine:
        raise DeviceError("device: cuda was asked for; set device: cpu.")

    monkeypatch.setattr(serving, "open_engine", refused)
    file = tmp_path / "config.yaml"
    file.write_text("log: {format: json}\n")
    assert serving.serve(file, once=False) == serving.FAULTY
    (line,) = map(json.loads, capfd.readouterr().err.splitlines())
    assert (line["level"], line["event"]) == ("critical", "device: cuda was asked for; set device: cpu.")
    assert serving.serve(file, once=True) == serving.FAULTY
    assert capfd.readouterr().err == "device: cuda was asked for; set device: cpu.\n"
