"""Versions of weights that nobody trained, an engine that needs none, and a studio's colours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from daemon.engine import Engine
from dim_model import nets, weights
from tests.daemon.cases import FakeMatter, trimap, write
from tests.daemon.colour_cases import STUDIO


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    state = nets.build("swift").state_dict()
    for version in ("v1", "v2"):
        weights.publish(folder, weights.Card(version, "swift", "sampled", "x", [], {}), state)
    weights.point(folder, "v1")
    return folder


@pytest.fixture
def matter() -> FakeMatter:
    return FakeMatter("v1")


@pytest.fixture
def engine(root: Path, matter: FakeMatter) -> Iterator[Engine]:
    weights.point(root, "v1")
    with Engine(lambda folder: matter if folder.name == "v1" else FakeMatter(folder.name), root) as made:
        yield made


@pytest.fixture
def no_config_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OCIO", raising=False)


@pytest.fixture
def studio(tmp_path: Path) -> Path:
    path = tmp_path / "studio.ocio"
    path.write_text(STUDIO)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


@pytest.fixture
def trimap_beside(folder: Path) -> None:
    """For a clip that is named shot."""
    write(folder / "shot_trimap.png", trimap())
