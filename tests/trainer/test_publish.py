"""Publishing: not what is worse than the weights in use, not without its sources, and as ONNX too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from click.testing import Result

from dim_model import canary, nets, weights
from dim_model.matter import Matter
from tests.trainer.judged import checkpoint, dim_train, draw, swift
from trainer import export

SOURCE = ("--source", "drawn mattes=Apache-2.0", "--hours", 1)


def publish(source: Path, version: str, root: Path, *words: object) -> Result:
    return dim_train("publish", "--checkpoint", source, "--version", version, "--to", root, *SOURCE, *words)


@pytest.fixture(scope="module")
def beginner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return swift(tmp_path_factory.mktemp("run") / "good.ckpt")


@pytest.fixture(scope="module")
def muddled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return swift(tmp_path_factory.mktemp("run") / "muddled.ckpt", muddled=True)


@pytest.fixture
def validation(tmp_path: Path) -> Path:
    for name, centre in (("near", 40), ("left", 30)):
        draw(tmp_path / "set", name, centre)
    return tmp_path / "set"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "weights"


def test_what_is_worse_than_the_weights_in_use_is_not_published(
    beginner: Path, muddled: Path, validation: Path, root: Path
) -> None:
    assert publish(beginner, "swift-1", root, "--no-onnx").exit_code == 0
    done = publish(muddled, "swift-2", root, "--no-onnx", "--validate", validation)
    assert done.exit_code == 1
    assert "On 2 pictures SAD is" in done.output
    assert "(swift-1: " in done.output
    assert "muddled.ckpt: is worse than swift-1 on" in done.output
    assert weights.versions(root) == ["swift-1"]
    forced = publish(muddled, "swift-2", root, "--no-onnx", "--validate", validation, "--even-if-worse")
    assert forced.exit_code == 0, forced.output
    assert weights.resolve(root).name == "swift-2"


def test_weights_in_use_are_not_replaced_by_what_nobody_compared(
    beginner: Path, muddled: Path, root: Path
) -> None:
    assert publish(beginner, "swift-1", root, "--no-onnx").exit_code == 0
    done = publish(muddled, "swift-2", root, "--no-onnx")
    assert done.exit_code == 1
    assert "muddled.ckpt: may be worse than swift-1, which is in use in" in done.output
    assert "give --validate SET to hold both against each other, or --even-if-worse." in done.output
    assert weights.versions(root) == ["swift-1"]
    told = publish(muddled, "swift-2", root, "--no-onnx", "--even-if-worse")
    assert told.exit_code == 0, told.output
    assert weights.resolve(root).name == "swift-2"


def test_the_card_keeps_the_answer_to_the_canary_picture(beginner: Path, muddled: Path, root: Path) -> None:
    for source, version in ((beginner, "swift-1"), (muddled, "swift-2")):
        assert publish(source, version, root, "--no-onnx", "--even-if-worse").exit_code == 0
    answers = []
    for version in ("swift-1", "swift-2"):
        matter = Matter.open(root / version, device="cpu", runtime="torch", precision="float32", batch=1)
        try:
            (alpha,) = matter.matte(*([each] for each in canary.picture()))
        finally:
            matter.close()
        answers.append(weights.load_card(root / version).canary)
        assert canary.is_known(answers[-1])
        assert canary.fault(alpha, answers[-1]) is None
    assert "otherwise than their card says" in (canary.fault(alpha, answers[0]) or "")


def test_a_checkpoint_that_gives_no_numbers_is_not_published(root: Path, tmp_path: Path) -> None:
    state = {
        name: t * 1e30 if t.is_floating_point() else t for name, t in nets.build("swift").state_dict().items()
    }
    done = publish(checkpoint(tmp_path / "burst.ckpt", "swift", state), "swift-1", root, "--no-onnx")
    assert done.exit_code == 1
    assert "burst.ckpt: give numbers that are not finite on the canary picture; train it anew." in done.output
    assert not root.exists()


def test_what_is_better_or_as_good_is_published(
    beginner: Path, muddled: Path, validation: Path, root: Path
) -> None:
    publish(muddled, "swift-1", root, "--no-onnx")
    for version in ("swift-2", "swift-3"):
        done = publish(beginner, version, root, "--no-onnx", "--validate", validation)
        assert done.exit_code == 0, done.output
        assert weights.resolve(root).name == version


def test_with_nothing_to_compare_with_it_is_published_and_said(
    beginner: Path, validation: Path, root: Path
) -> None:
    done = publish(beginner, "swift-1", root, "--no-onnx", "--validate", validation)
    assert done.exit_code == 0, done.output
    assert "there is nothing to compare with" in done.output
    assert "has no weights 'current'" in done.output
    reached = weights.load_card(weights.resolve(root)).figures["set"]
    assert reached["pictures"] == 2
    assert f"SAD is {reached['mean']['sad']:.4f} and MSE {reached['mean']['mse']:.6f}" in done.output


@pytest.mark.parametrize("inputs", ["sampled", "guided"])
def test_a_current_of_an_older_layout_is_no_rival(
    beginner: Path, validation: Path, root: Path, inputs: str
) -> None:
    card = weights.Card("swift-0", "swift", inputs, "Apache-2.0", [], {})
    weights.publish(root, card, {"stem.0.weight": torch.zeros(2, 2)})
    weights.point(root, "swift-0")
    done = publish(beginner, "swift-1", root, "--no-onnx", "--validate", validation)
    assert done.exit_code == 0, done.output
    assert "there is nothing to compare with" in done.output
    assert "swift-0: " in done.output
    assert weights.resolve(root).name == "swift-1"


def test_without_current_the_link_stays(beginner: Path, root: Path) -> None:
    publish(beginner, "swift-1", root, "--no-onnx")
    assert publish(beginner, "swift-2", root, "--no-onnx", "--no-current").exit_code == 0
    assert weights.resolve(root).name == "swift-1"


@pytest.mark.parametrize("text", ["not json", "[1, 2]", "{}"])
def test_figures_that_are_no_figures_are_named(beginner: Path, root: Path, tmp_path: Path, text: str) -> None:
    path = tmp_path / "nine.json"
    path.write_text(text)
    done = publish(beginner, "swift-1", root, "--figures", path)
    assert done.exit_code == 1
    assert "nine.json: is not JSON of dim-train evaluate" in done.output
    assert not root.exists()


def test_a_file_beside_the_tensors_does_not_disturb_them(root: Path) -> None:
    state = nets.build("swift").state_dict()
    card = weights.Card("swift-1", "swift", "sampled", "Apache-2.0", [], {})
    folder = weights.publish(root, card, state, {"swift-1.onnx": b"anything"})
    assert (folder / "swift-1.onnx").read_bytes() == b"anything"
    loaded = weights.load(folder).network().state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in state.items())


def test_a_source_without_licence_is_refused(beginner: Path, root: Path) -> None:
    done = publish(beginner, "swift-1", root, "--source", "photographs")
    assert done.exit_code == 1
    assert "--source photographs: names no licence" in done.output


def test_a_checkpoint_of_another_network_is_not_published(root: Path, tmp_path: Path) -> None:
    other = checkpoint(tmp_path / "vgg.ckpt", "swift", nets.build("dim-vgg16").state_dict())
    done = publish(other, "swift-1", root)
    assert done.exit_code == 1
    assert "vgg.ckpt: holds tensors that do not fit today's network 'swift'" in done.output
    assert not root.exists()


def test_a_validation_set_without_trimaps_is_named(beginner: Path, root: Path, validation: Path) -> None:
    (validation / "trimap").rename(validation / "elsewhere")
    done = publish(beginner, "swift-1", root, "--validate", validation)
    assert done.exit_code == 1
    assert "set/trimap: is not a folder" in done.output
    assert not root.exists()


def test_the_onnx_beside_the_tensors_gives_the_same_alpha(beginner: Path, root: Path) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    done = publish(beginner, "swift-1", root, "--onnx")
    assert done.exit_code == 0, done.output
    folder = weights.resolve(root)
    assert {p.name for p in folder.iterdir()} == {"card.json", "weights.safetensors", "swift-1.onnx"}
    network = weights.load(folder).network()
    data = (folder / "swift-1.onnx").read_bytes()
    for shape in ((1, 16, 64, 96), (5, 16, 256, 256)):  # neither batch nor size is fixed
        x = torch.rand(shape, generator=torch.Generator().manual_seed(2))
        with torch.inference_mode():
            expected = network(x)["alpha"].clamp(0, 1)
        assert (export.run(data, x) - expected).abs().max() < 1e-3


def test_the_onnx_tells_nothing_of_the_machine_that_wrote_it(beginner: Path, root: Path) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    assert publish(beginner, "swift-1", root, "--onnx").exit_code == 0
    data = (weights.resolve(root) / "swift-1.onnx").read_bytes()
    for folder in (Path(export.__file__).parent, Path(torch.__file__).parent):
        assert str(folder).encode() not in data
    assert b"stack_trace" not in data


def test_an_onnx_that_differs_is_not_published(
    beginner: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    monkeypatch.setattr(export, "run", lambda data, x: torch.full((1,), float("nan")))
    done = publish(beginner, "swift-1", root, "--onnx")
    assert done.exit_code == 1
    assert "its ONNX differs from the network" in done.output
    assert not root.exists()


def test_without_the_exporter_the_rest_is_published_and_it_is_said(
    beginner: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "available", lambda: False)
    done = publish(beginner, "swift-1", root)
    assert done.exit_code == 0, done.output
    assert "pip install 'dimd[train]'" in done.output
    asked = publish(beginner, "swift-2", root, "--onnx", "--no-current")
    assert asked.exit_code == 1
    assert "--onnx: needs onnx and onnxscript" in asked.output
    assert json.loads((root / "swift-1" / "card.json").read_text())["sha256"]


def test_a_folder_that_cannot_be_written_to_is_one_sentence(beginner: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    done = publish(beginner, "swift-2", tmp_path / "file", "--no-onnx")
    assert done.exit_code == 1
    assert f"{tmp_path}/file: cannot be written to (" in done.output
