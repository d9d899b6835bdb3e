"""Versions of weights that nobody trained, and an engine that needs none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from daemon.engine import Engine
from dim_model import nets, weights
from tests.daemon.cases import FakeMatter


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
