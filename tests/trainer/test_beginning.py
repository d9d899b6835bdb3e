"""A run that begins with weights: they are where it starts, and their sources stay on the card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner

from dim_model import weights
from trainer.beginning import BeginningError
from trainer.checkpoint import read
from trainer.cli import main
from trainer.fit import Run, fit

pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


def small(photos: Path, folder: Path, **changes: Any) -> Run:
    own = {"batch": 2, "crop": 64, "scene": 96, "validation": 2, "workers": 0, "epoch": 2, "pool": 2}
    return Run(**{"network": "swift", "photos": photos, "folder": folder, "steps": 2} | own | changes)


@pytest.fixture(scope="module")
def checkpoint(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fit(small(photos, tmp_path_factory.mktemp("run")), progress=False)


def test_a_run_can_begin_with_published_weights_and_their_sources_stay_on_the_card(
    photos: Path, checkpoint: Path, tmp_path: Path
) -> None:
    root, card = tmp_path / "weights", tmp_path / "later"
    first = ["--checkpoint", str(checkpoint), "--version", "swift-1", "--to", str(root), "--hours", "1"]
    made = CliRunner().invoke(main, ["publish", *first, "--source", "hair=CC0", "--no-onnx"])
    assert made.exit_code == 0, made.output
    begun = fit(small(photos, tmp_path / "run", begin=root / "swift-1", rate=0.0), progress=False)
    before, after = weights.load(root / "swift-1").state, read(begun)
    assert torch.allclose(after.state["gate.weight"], before["gate.weight"], rtol=1e-4, atol=0)
    second = ["--checkpoint", str(begun), "--version", "swift-2", "--to", str(card), "--hours", "1"]
    made = CliRunner().invoke(main, ["publish", *second, "--source", "fur=CC0", "--no-onnx"])
    assert made.exit_code == 0, made.output
    names = [source["name"] for source in weights.load_card(card / "swift-2").sources]
    assert names == ["fur", "hair"]


def test_weights_of_another_network_are_no_beginning(photos: Path, checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(BeginningError, match=r"is of swift, not of dim-vgg16; give --net swift"):
        fit(small(photos, tmp_path, network="dim-vgg16", begin=checkpoint), progress=False)
