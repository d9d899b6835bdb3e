"""The rivals that are timed by their architecture are what their papers tell of."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from bench import peers
from bench.isnet import IsNet
from bench.rvm import Rvm


def _parameters(network: nn.Module) -> int:
    return sum(each.numel() for each in network.parameters())


def test_rvm_has_the_parameters_of_its_paper_and_remembers_the_frame_before() -> None:
    network = Rvm().eval()
    assert _parameters(network) == pytest.approx(3.75e6, rel=0.01)
    frame = torch.rand(1, 3, 128, 192)
    with torch.inference_mode():
        first, second = network(frame), network(frame)
    assert first.shape == (1, 4, 128, 192)
    assert not torch.equal(first, second)


def test_isnet_has_the_parameters_of_its_paper_and_a_map_of_each_stage() -> None:
    network = IsNet().eval()
    held = _parameters(network) + sum(each.numel() for each in network.buffers())
    assert held * torch.float32.itemsize == pytest.approx(176.6e6, rel=0.003)
    with torch.inference_mode():
        maps = network(torch.rand(1, 3, 96, 70))
    assert [tuple(each.shape) for each in maps] == [(1, 1, 96, 70)] * 6
    assert all(((each > 0) & (each < 1)).all() for each in maps)


@pytest.mark.slow
def test_isnet_is_timed_as_a_file_of_it_would_be() -> None:
    maps = list(peers.still(64)().values())  # type: ignore[attr-defined]
    assert [each.shape for each in maps] == [(1, 1, 64, 64)] * 6
