"""Weights: verified, versioned, never a pickle."""

from __future__ import annotations

import dataclasses
import json
import pickle
import shutil
from pathlib import Path

import pytest
import torch

from dim_model import nets, weights
from dim_model.weights import Card, WeightsError

CARD = Card(
    "swift-1", "swift", "sampled", "Apache-2.0", [{"name": "drawn", "licence": "Apache-2.0"}], {"steps": 1}
)


def published(root: Path, version: str = "swift-1") -> Path:
    torch.manual_seed(0)
    return weights.publish(root, dataclasses.replace(CARD, version=version), nets.build("swift").state_dict())


def test_what_is_published_is_what_is_loaded(tmp_path: Path) -> None:
    folder = published(tmp_path)
    torch.manual_seed(0)
    true = nets.build("swift").state_dict()
    loaded = weights.load(folder)
    assert loaded.card.sources == CARD.sources
    assert all(torch.equal(loaded.network().state_dict()[name], tensor) for name, tensor in true.items())


def test_current_follows_the_version_it_points_to(tmp_path: Path) -> None:
    published(tmp_path)
    published(tmp_path, "swift-2")
    weights.point(tmp_path, "swift-1")
    weights.point(tmp_path, "swift-2")
    assert weights.resolve(tmp_path).name == "swift-2"
    assert weights.versions(tmp_path) == ["swift-1", "swift-2"]


def test_a_published_version_is_never_changed(tmp_path: Path) -> None:
    published(tmp_path)
    with pytest.raises(WeightsError, match="choose another version"):
        published(tmp_path)


def test_a_changed_byte_is_noticed(tmp_path: Path) -> None:
    tensors = published(tmp_path) / "weights.safetensors"
    data = bytearray(tensors.read_bytes())
    data[-1] ^= 1
    tensors.write_bytes(data)
    with pytest.raises(WeightsError, match="sha256 differs"):
        weights.load(tensors.parent)


def test_a_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    folder = published(tmp_path)
    trap = tmp_path / "ran"

    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (trap,))

    data = pickle.dumps(Trap())
    (folder / "weights.safetensors").write_bytes(data)
    card = json.loads((folder / "card.json").read_text())
    card["sha256"] = __import__("hashlib").sha256(data).hexdigest()
    (folder / "card.json").write_text(json.dumps(card))
    with pytest.raises(WeightsError, match="not a safetensors file"):
        weights.load(folder)
    assert not trap.exists()


def test_tensors_of_another_network_are_refused(tmp_path: Path) -> None:
    folder = weights.publish(tmp_path, CARD, {"stem.0.weight": torch.zeros(2, 2)})
    with pytest.raises(WeightsError, match="do not fit"):
        weights.load(folder).network()


@pytest.mark.parametrize("version", ["../escape", "current", "", ".hidden", "a/b"])
def test_a_version_cannot_be_named_out_of_its_folder(tmp_path: Path, version: str) -> None:
    with pytest.raises(WeightsError, match="no name for a version"):
        published(tmp_path, version)


def test_absent_weights_are_one_sentence_that_says_what_is_there(tmp_path: Path) -> None:
    published(tmp_path)
    with pytest.raises(WeightsError, match=r"no weights 'current' \(there: swift-1\)"):
        weights.resolve(tmp_path)


def test_what_a_broken_publish_left_is_no_version(tmp_path: Path) -> None:
    folder = published(tmp_path)
    shutil.copytree(folder, tmp_path / f".{folder.name}.17")
    assert weights.versions(tmp_path) == [folder.name]


def test_a_card_that_is_no_card_names_its_file(tmp_path: Path) -> None:
    folder = published(tmp_path)
    (folder / "card.json").write_text("{}")
    with pytest.raises(WeightsError, match=r"card\.json: is no weights card"):
        weights.load(folder)


def test_a_copy_in_the_place_of_the_link_is_the_version_it_says(tmp_path: Path) -> None:
    """As a wheel installs it: links are not carried, so `current` is a folder."""
    shutil.copytree(published(tmp_path), tmp_path / "current")
    published(tmp_path, "swift-2")
    assert weights.resolve(tmp_path).name == "swift-1"
    weights.point(tmp_path, "swift-2")
    assert weights.resolve(tmp_path).name == "swift-2"
