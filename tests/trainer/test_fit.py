"""Training: a run leaves weights that can be read, goes on where it stopped, and says what is wrong."""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor

from dim_model import weights
from dim_model.losses import losses
from trainer.checkpoint import CheckpointError, read
from trainer.cli import main
from trainer.durable import DurableCheckpoints
from trainer.fit import Run, fit
from trainer.module import Matting
from trainer.stream import CropStream, unpack

pytestmark = [
    # Lightning's advice on settings that are meant as they are; each is about speed, none about results.
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture(scope="module")
def checkpoint(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three steps of swift, stopped, and three more."""
    folder = tmp_path_factory.mktemp("run")
    for steps in (3, 6):
        run = Run(
            "swift",
            photos,
            folder,
            steps,
            batch=2,
            crop=64,
            scene=96,
            validation=2,
            workers=0,
            epoch=3,
            pool=2,
        )
        last = fit(run, progress=False)
    return last


def test_a_stopped_run_goes_on_to_its_last_step(checkpoint: Path) -> None:
    found = read(checkpoint)
    assert found.step == 6
    assert found.network == "swift"


def test_the_averaged_weights_fit_the_network_and_have_moved(checkpoint: Path) -> None:
    state = read(checkpoint).state
    assert state["gate.weight"].abs().sum() > 0  # it starts at zero


def test_a_run_is_watched_in_tensorboard(checkpoint: Path) -> None:
    """Loss terms, learning rate, the field's measures and a gallery."""
    scalars, images = set(), set()
    for file in checkpoint.parent.glob("events.out.tfevents.*"):
        events = EventAccumulator(str(file))
        events.Reload()
        scalars |= set(events.Tags()["scalars"])
        images |= set(events.Tags()["images"])
    assert {"train/total", "train/gradient", "valid/sad", "valid/mse", "valid/grad"} <= scalars
    assert any(name.startswith("lr-") for name in scalars)
    assert images == {"gallery"}


def test_what_was_asked_for_is_recorded(checkpoint: Path) -> None:
    runs = [json.loads(line) for line in (checkpoint.parent / "runs.jsonl").read_text().splitlines()]
    assert [(run["from_step"], run["steps"], run["seed"]) for run in runs] == [(0, 3, 1), (3, 6, 1)]


def small(photos: Path, folder: Path, **changes: Any) -> Run:
    own = {"batch": 2, "crop": 64, "scene": 96, "validation": 2, "workers": 0, "epoch": 2, "pool": 2}
    return Run(**{"network": "swift", "photos": photos, "folder": folder, "steps": 6} | own | changes)


def stop_at(monkeypatch: pytest.MonkeyPatch, step: int, do: Callable[[], Tensor]) -> None:
    """Let training reach ``step`` and then ``do`` instead."""
    whole = Matting.training_step
    monkeypatch.setattr(
        Matting,
        "training_step",
        lambda self, batch, index: do() if self.global_step == step else whole(self, batch, index),
    )


def power_cut() -> Tensor:
    raise RuntimeError("power cut")


def test_a_killed_run_ends_on_the_weights_of_an_undisturbed_one(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = torch.load(fit(small(photos, tmp_path / "whole"), progress=False))
    killed = small(photos, tmp_path / "killed")
    with monkeypatch.context() as patch:
        stop_at(patch, 5, power_cut)
        with pytest.raises(RuntimeError, match="power cut"):
            fit(killed, progress=False)
    assert read(killed.folder / "last.ckpt").step == 4
    resumed = torch.load(fit(killed, progress=False))
    for part in ("state_dict", "current_model_state"):
        for name, tensor in whole[part].items():
            assert torch.equal(tensor, resumed[part][name]), name


def test_a_run_that_goes_on_counts_its_steps_from_the_first_to_the_last(
    photos: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    fit(small(photos, tmp_path, steps=3), progress=False)
    capfd.readouterr()
    fit(small(photos, tmp_path, steps=6))
    assert re.search(r"Training.* 6/6 ", capfd.readouterr().out)


def test_a_full_disk_leaves_the_checkpoint_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "last.ckpt"
    DurableCheckpoints().save_checkpoint({"step": torch.tensor(1)}, place)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("torch.save", full)
    with pytest.raises(CheckpointError, match=r"No space left on device.*free some space"):
        DurableCheckpoints().save_checkpoint({"step": torch.tensor(2)}, place)
    assert torch.load(place)["step"] == 1
    assert [p.name for p in tmp_path.iterdir()] == ["last.ckpt"]


@pytest.fixture
def cutouts(tmp_path: Path) -> Path:
    """An index of two discs, cut out."""
    y, x = np.mgrid[:120, :120]
    disc = (np.clip(40 - np.hypot(y - 60, x - 60), 0, 1) * 255).astype(np.uint8)
    for n, colour in enumerate(([0, 0, 255], [255, 80, 0])):
        picture = np.dstack([np.broadcast_to(np.uint8(colour), (120, 120, 3)), disc])
        cv2.imwrite(str(tmp_path / f"disc_{n}.png"), picture)
    command = ["prepare", str(tmp_path), "--layout", "cutouts", "--valid", "0", "--test", "0"]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    return tmp_path / "index.jsonl"


def test_steps_on_moving_clips_are_scored_for_steadiness(photos: Path, tmp_path: Path) -> None:
    fit(small(photos, tmp_path, steps=2, clips=0.5), progress=False)
    (file,) = tmp_path.glob("events.out.tfevents.*")
    events = EventAccumulator(str(file))
    events.Reload()
    assert len(events.Scalars("train/temporal")) == 1
    assert events.Scalars("train/temporal")[0].value > 0
    assert len(events.Scalars("train/total")) == 1


def test_foregrounds_of_an_index_are_trained_on(photos: Path, cutouts: Path) -> None:
    stream = CropStream(photos, 64, 1, scene=96, pool=1, indexes=[cutouts], share=0.999)
    _, truth = unpack(torch.stack(list(islice(stream, 12))), "sampled")
    colours = truth["foreground"].movedim(1, -1)[truth["alpha"][:, 0] > 0.99]
    assert (colours.amax(-1) - colours.amin(-1)).min() > 0.9  # as pure as no photograph's


def test_an_index_whose_files_are_gone_is_one_sentence(photos: Path, cutouts: Path, tmp_path: Path) -> None:
    cutouts.write_text("not an index")
    command = ["fit", "--photos", photos, "--index", cutouts, "--run", tmp_path / "run", "--steps", "1"]
    done = CliRunner().invoke(main, [str(c) for c in command])
    assert done.exit_code == 1
    assert str(cutouts) in done.output
    assert done.output.count("\n") == 1


def test_a_run_of_another_network_is_not_gone_on_with(checkpoint: Path, photos: Path) -> None:
    command = ["fit", "--net", "dim-vgg16", "--photos", photos, "--run", checkpoint.parent, "--steps", "9"]
    done = CliRunner().invoke(main, [str(c) for c in command])
    assert done.exit_code == 1
    assert "is a run of swift, not of dim-vgg16; name another --run folder" in done.output


def test_a_run_of_an_earlier_form_of_the_network_is_one_sentence(
    checkpoint: Path, photos: Path, tmp_path: Path
) -> None:
    kept = torch.load(checkpoint, weights_only=True)
    kept["state_dict"]["network.gate.bias"] = torch.zeros(7)
    torch.save(kept, tmp_path / "last.ckpt")
    with pytest.raises(CheckpointError, match=r"last\.ckpt: holds tensors that do not fit today's network"):
        fit(small(photos, tmp_path), progress=False)


def test_published_weights_carry_their_card_and_become_current(checkpoint: Path, tmp_path: Path) -> None:
    figures = tmp_path / "nine.json"
    figures.write_text(json.dumps({"mean": {"mse": 0.03}}))
    root = tmp_path / "weights"
    command = ["publish", "--checkpoint", checkpoint, "--version", "swift-t", "--to", root, "--hours", "0.01"]
    command += ["--source", "drawn mattes=Apache-2.0", "--figures", figures]
    done = CliRunner().invoke(main, [str(c) for c in command])
    assert done.exit_code == 0, done.output
    card = weights.load(weights.resolve(root)).card
    assert card.sources == [{"name": "drawn mattes", "licence": "Apache-2.0"}]
    assert card.figures == {"nine": {"mean": {"mse": 0.03}}}
    assert card.training == {"steps": 6, "hours": 0.01}


def test_weights_without_sources_are_not_published(checkpoint: Path, tmp_path: Path) -> None:
    command = [
        "publish",
        "--checkpoint",
        checkpoint,
        "--version",
        "v",
        "--to",
        tmp_path / "w",
        "--hours",
        "1",
    ]
    done = CliRunner().invoke(main, [str(c) for c in command])
    assert done.exit_code == 1
    assert "says not what it was trained on" in done.output
    assert not (tmp_path / "w").exists()


def test_drawn_pictures_are_judged_from_the_command_line(
    checkpoint: Path, photos: Path, tmp_path: Path
) -> None:
    runner = CliRunner()
    out = tmp_path / "set"
    command = ["synth", "--photos", str(photos), "--out", str(out), "--count", "2", "--size", "96"]
    assert runner.invoke(main, command).exit_code == 0
    command = ["evaluate", "--checkpoint", str(checkpoint), "--json", "--out", str(tmp_path / "alphas")]
    for name, folder in (("images", "image"), ("trimaps", "trimap"), ("alphas", "alpha")):
        command += [f"--{name}", str(out / folder)]
    done = runner.invoke(main, command)
    assert done.exit_code == 0, done.output
    figures = json.loads(done.output)
    assert len(figures["pictures"]) == 2
    assert 0 < figures["mean"]["mse"] < 0.5
    written = sorted((tmp_path / "alphas").iterdir())
    true = cv2.imread(str(min((out / "alpha").iterdir())), cv2.IMREAD_UNCHANGED) / 65535
    made = cv2.imread(str(written[0]), cv2.IMREAD_UNCHANGED) / 65535
    trimap = cv2.imread(str(min((out / "trimap").iterdir())), cv2.IMREAD_GRAYSCALE)
    mse = float(np.square(made - true)[(trimap > 0) & (trimap < 255)].mean())
    assert figures["pictures"][written[0].stem]["mse"] == pytest.approx(mse, abs=1e-4)


def test_a_picture_without_its_trimap_is_not_skipped_silently(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "set"
    command = ["synth", "--photos", str(photos), "--out", str(out), "--count", "1", "--size", "96"]
    CliRunner().invoke(main, command)
    next((out / "trimap").iterdir()).unlink()
    shipped = ["--weights", str(weights.resolve(weights.SHIPPED))]
    command = ["evaluate", *shipped, "--images", str(out / "image"), "--trimaps", str(out / "trimap")]
    done = CliRunner().invoke(main, [*command, "--alphas", str(out / "alpha")])
    assert done.exit_code == 1
    assert "has no partner named" in done.output


@pytest.mark.parametrize("network", ["swift", "dim-vgg16"])
def test_both_networks_learn_by_the_same_step(network: str, photos: Path) -> None:
    module = Matting(network, rate=1e-3, steps=10)
    batch = torch.stack(list(islice(CropStream(photos, 64, 1, scene=96), 2)))
    terms = losses(*module._outputs(batch))
    assert {"alpha", "laplacian", "gradient", "composition", "total"} <= set(terms)
    terms["total"].backward()
    assert all(torch.isfinite(p.grad).all() for p in module.parameters() if p.grad is not None)


def test_an_unknown_network_is_one_sentence(photos: Path, tmp_path: Path) -> None:
    command = ["fit", "--net", "resnet", "--photos", str(photos), "--run", str(tmp_path), "--steps", "1"]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 1
    assert "no network 'resnet'; choose one of" in done.output
