"""Training: a run leaves weights that can be read, goes on where it stopped, and ends up published."""

from __future__ import annotations

import json
import pickle
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner

from dim_model import weights
from trainer.checkpoint import CheckpointError, read
from trainer.cli import main
from trainer.fit import Run, fit
from trainer.module import Matting, schedule
from trainer.stream import CropStream

pytestmark = [
    pytest.mark.timeout(120),
    # Lightning's advice on settings that are meant as they are; each is about speed, none about results.
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture(scope="module")
def checkpoint(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three steps of swift, stopped, and two more."""
    folder = tmp_path_factory.mktemp("run")
    for steps in (3, 5):
        run = Run(
            "swift", photos, folder, steps, batch=2, crop=64, scene=96, validation=2, workers=0, save_every=3
        )
        last = fit(run, progress=False)
    return last


def test_a_stopped_run_goes_on_to_its_last_step(checkpoint: Path) -> None:
    found = read(checkpoint)
    assert found.step == 5
    assert found.network == "swift"


def test_the_averaged_weights_fit_the_network_and_have_moved(checkpoint: Path) -> None:
    state = read(checkpoint).state
    assert state["gate.weight"].abs().sum() > 0  # it starts at zero


def test_a_run_is_watched_in_tensorboard(checkpoint: Path) -> None:
    assert list(checkpoint.parent.glob("events.out.tfevents.*"))


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
    assert card.training == {"steps": 5, "hours": 0.01}


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


def test_a_pickle_offered_as_a_checkpoint_is_refused_and_not_run(tmp_path: Path) -> None:
    trap = tmp_path / "ran"

    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (trap,))

    (tmp_path / "last.ckpt").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(CheckpointError, match="is no checkpoint of dim-train fit"):
        read(tmp_path / "last.ckpt")
    torch.save({"state_dict": {}}, tmp_path / "other.ckpt")
    with pytest.raises(CheckpointError, match=r"other\.ckpt: is no checkpoint"):
        read(tmp_path / "other.ckpt")
    assert not trap.exists()


@pytest.mark.parametrize("network", ["swift", "dim-vgg16"])
def test_both_networks_learn_by_the_same_step(network: str, photos: Path) -> None:
    module = Matting(network, rate=1e-3, steps=10)
    batch = torch.stack(list(islice(CropStream(photos, 64, 1, scene=96), 2)))
    terms = module._terms(batch)
    assert {"alpha", "laplacian", "gradient", "composition", "total"} <= set(terms)
    terms["total"].backward()
    assert all(torch.isfinite(p.grad).all() for p in module.parameters() if p.grad is not None)


def test_the_learning_rate_rises_holds_and_falls_to_nothing() -> None:
    rates = [schedule(step, 10_000) for step in range(10_001)]
    assert rates[0] < 0.01
    assert rates[200] == rates[6_000] == 1.0
    assert rates[8_500] == pytest.approx(0.5, abs=0.01)
    assert rates[-1] == 0
    assert schedule(6_000, 10_000) == schedule(6_000, 50_000)


def test_an_unknown_network_is_one_sentence(photos: Path, tmp_path: Path) -> None:
    command = ["fit", "--net", "resnet", "--photos", str(photos), "--run", str(tmp_path), "--steps", "1"]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 1
    assert "no network 'resnet'; choose one of" in done.output
