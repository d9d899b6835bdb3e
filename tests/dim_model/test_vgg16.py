"""The reference network: as large and as deep as published, for any height and width."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from dim_model.losses import losses
from dim_model.nets.vgg16 import DimVgg16

EXPECTED_PARAMETERS = 28_373_954


@pytest.fixture(scope="module")
def network() -> DimVgg16:
    torch.manual_seed(0)
    return DimVgg16()


def test_it_has_the_thirteen_convolutions_of_vgg16(network: DimVgg16) -> None:
    convolutions = [m for m in network.encoder.modules() if isinstance(m, nn.Conv2d)]
    assert len(convolutions) == 13
    assert [c.out_channels for c in convolutions] == [64] * 2 + [128] * 2 + [256] * 3 + [512] * 6
    assert convolutions[0].in_channels == 4
    assert sum(p.numel() for p in network.parameters()) == EXPECTED_PARAMETERS


@pytest.mark.parametrize("size", [(32, 32), (33, 50), (1, 40)])
def test_any_height_and_width(network: DimVgg16, size: tuple[int, int]) -> None:
    with torch.no_grad():
        out = network(torch.rand(1, 4, *size))
    assert out["alpha"].shape == out["coarse"].shape == (1, 1, *size)


def test_every_parameter_is_trained(network: DimVgg16) -> None:
    generator = torch.Generator().manual_seed(0)
    truth = {
        name: torch.rand(1, 3, 64, 64, generator=generator) for name in ("image", "foreground", "background")
    }
    truth["alpha"] = torch.rand(1, 1, 64, 64, generator=generator)
    truth["trimap"] = torch.full((1, 1, 64, 64), 0.5)
    terms = losses(network(torch.cat([truth["image"], truth["trimap"]], 1)), truth)
    assert {"alpha", "coarse", "composition"} < set(terms)
    terms["total"].backward()
    assert [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []
