"""Where a run computes: GPUs by their number, several processes by torchrun, the largest batch by trying."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from torch.distributed.run import get_args_parser

from trainer.checkpoint import read
from trainer.cli import main
from trainer.largest import largest, largest_batch
from trainer.placement import PlacementError, device_of, placement

TWO = """
import json, os, pathlib, sys
from trainer.fit import Run, fit
from trainer.module import Matting

photos, folder = map(pathlib.Path, sys.argv[1:])
seen, step = [], Matting.training_step

def noted(self, batch, index):
    seen.append(float(batch.float().sum()))
    return step(self, batch, index)

def ended(self):
    weights = [round(float(p.double().sum()), 9) for p in self.network.parameters()]
    name = "rank" + os.environ["RANK"] + ".json"
    (folder / name).write_text(json.dumps({"seen": seen, "weights": weights}))

Matting.training_step, Matting.on_train_end = noted, ended
small = {"batch": 1, "crop": 64, "scene": 96, "validation": 1, "workers": 0, "epoch": 2, "pool": 1}
fit(Run("swift", photos, folder, 2, precision="32-true", **small), progress=False)
"""
"""What each of the two processes runs: a short training that notes what it saw and where it ended."""


@pytest.fixture
def four_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)


@pytest.mark.usefixtures("four_gpus")
def test_a_gpu_other_than_the_first_is_the_one_that_is_used() -> None:
    assert placement([2])["devices"] == [2]
    assert placement([1, 3]) == {"accelerator": "gpu", "devices": [1, 3], "strategy": "ddp"}


@pytest.mark.usefixtures("four_gpus")
def test_a_gpu_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(PlacementError, match="GPU 4 is not there: this machine shows GPUs 0 to 3"):
        placement([0, 4])


def under_torchrun(patch: pytest.MonkeyPatch, processes: int, rank: int, machines: int = 1) -> None:
    patch.setenv("LOCAL_WORLD_SIZE", str(processes))
    patch.setenv("LOCAL_RANK", str(rank))
    patch.setenv("GROUP_WORLD_SIZE", str(machines))
    patch.setenv("WORLD_SIZE", str(machines * processes))


@pytest.mark.usefixtures("four_gpus")
def test_under_torchrun_gpus_other_than_the_first_are_those_that_are_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    under_torchrun(monkeypatch, 2, 1)
    assert placement([])["devices"] == 2
    assert placement([2, 3])["devices"] == [2, 3]


@pytest.mark.usefixtures("four_gpus")
@pytest.mark.parametrize(("processes", "gpus", "most"), [(6, [], 4), (4, [1, 2], 2), (1, [1, 2], 2)])
def test_processes_and_gpus_that_do_not_go_together_are_one_sentence(
    processes: int, gpus: list[int], most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    under_torchrun(monkeypatch, processes, 0, machines=2)
    with pytest.raises(
        PlacementError, match=f"^{processes} processes .* give torchrun --nproc-per-node {most}"
    ):
        placement(gpus)


def test_machines_with_a_process_each_train_one_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    under_torchrun(monkeypatch, 1, 0, machines=2)
    made = placement([])
    assert (made["devices"], made["num_nodes"], made["strategy"].process_group_backend) == (1, 2, "gloo")


@pytest.mark.usefixtures("four_gpus")
def test_auto_tries_the_gpu_of_its_own_process(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert str(device_of([2, 3])) == "cuda:2"
    monkeypatch.setenv("LOCAL_RANK", "1")  # as Lightning's own processes have it
    assert str(device_of([2, 3])) == "cuda:3"
    under_torchrun(monkeypatch, 2, 1)
    assert str(device_of([])) == "cuda:1"
    given = ["fit", "--photos", str(photos), "--run", str(tmp_path), "--batch-size-per-gpu", "auto"]
    done = CliRunner().invoke(main, [*given, "--gpus", "3", "7"])
    assert "Error: GPU 7 is not there: this machine shows GPUs 0 to 3." in done.output


@pytest.mark.parametrize("words", [["--gpus", "0", "1"], ["--gpus", "0,1"], ["--gpus", "0 1"]])
def test_gpus_without_a_gpu_are_refused_and_never_fall_back(
    words: list[str], photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    done = CliRunner().invoke(main, ["fit", "--photos", str(photos), "--run", str(tmp_path), *words])
    assert done.exit_code == 1
    assert "GPU 0 is not there: this machine shows no GPU; leave --gpus out" in done.output


@pytest.mark.parametrize(("most", "found"), [(0, 0), (1, 1), (5, 4), (6, 6), (7, 6), (100, 96), (5000, 1024)])
def test_the_largest_batch_is_found_by_trying(most: int, found: int) -> None:
    tried: list[int] = []

    def fits(size: int) -> bool:
        tried.append(size)
        return size <= most

    assert largest(fits) == found
    assert len(tried) <= 13


def test_a_processor_gets_the_usual_batch() -> None:
    assert largest_batch("swift", 256, torch.device("cpu")) == 16


def test_auto_leaves_room_for_the_frames_of_clips(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []

    class Full(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> None:
            tried.append(len(x))
            raise torch.OutOfMemoryError

    monkeypatch.setattr("trainer.largest.build", lambda _: Full())
    monkeypatch.setattr(torch, "autocast", lambda *_: nullcontext())
    monkeypatch.setattr("trainer.placement.device_of", lambda _: torch.device("meta"))
    for clips, crops in (("0", 2), ("0.1", 4)):
        given = ["fit", "--photos", str(photos), "--run", str(tmp_path), "--clips", clips]
        done = CliRunner().invoke(main, [*given, "--batch-size-per-gpu", "auto"])
        assert "Not one crop of 336 pixels fits; give a smaller --crop." in done.output
        assert tried.pop() == crops


@pytest.mark.parametrize("page", ["training.md", "training.zh-CN.md"])
def test_torchrun_takes_the_command_that_the_docs_name(page: str, photos: Path, tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / page).read_text(encoding="utf-8")
    (command,) = re.findall(r"`torchrun (.*) …`", text)
    given = ["--photos", str(photos), "--run", str(tmp_path), "--epoch", "0"]
    asked = get_args_parser().parse_args([*command.split(), *given])
    assert (asked.module, asked.training_script) == (True, "trainer")
    # This one is refused once all before it have been read.
    assert "'--epoch': 0" in CliRunner().invoke(main, asked.training_script_args).output


def test_two_processes_train_one_network(photos: Path, tmp_path: Path) -> None:
    """torchrun, gloo: both see different crops, and their weights stay the same."""
    script = tmp_path / "two.py"
    script.write_text(TWO)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*torchrun, str(script), str(photos), str(tmp_path / "run")],
        capture_output=True,
        text=True,
        timeout=220,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    first, second = (json.loads((tmp_path / "run" / f"rank{n}.json").read_text()) for n in (0, 1))
    assert first["weights"] == second["weights"]
    assert set(first["seen"]).isdisjoint(second["seen"])
    assert read(tmp_path / "run" / "last.ckpt").step == 2
