"""The default network: sizes, gradients, and where it starts."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from dim_model import nets
from dim_model.encode import CELL, CHANNELS, ESTIMATES, GUIDED
from dim_model.losses import losses
from dim_model.nets.swift import Joined, Swift

EXPECTED_PARAMETERS = 222_616


def inputs(size: int = 64) -> torch.Tensor:
    return torch.rand(2, CHANNELS["sampled"], size, size, generator=torch.Generator().manual_seed(0))


def truth(size: int = 64) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    colours = {
        name: torch.rand(2, 3, size, size, generator=generator)
        for name in ("foreground", "background", "image")
    }
    alpha = torch.rand(2, 1, size, size, generator=generator)
    return colours | {"alpha": alpha, "trimap": torch.full_like(alpha, 0.5)}


def test_it_is_as_large_as_the_card_says() -> None:
    assert sum(p.numel() for p in Swift().parameters()) == EXPECTED_PARAMETERS


@pytest.mark.parametrize("size", [16, 64, 96])
def test_alpha_has_the_frames_size(size: int) -> None:
    assert Swift().eval()(inputs(size))["alpha"].shape == (2, 1, size, size)


def test_untrained_it_leans_on_the_guided_alpha() -> None:
    x = inputs()
    error = (Swift().eval()(x)["alpha"] - x[:, GUIDED]).abs().mean()
    assert error < 0.15


def test_every_parameter_is_trained() -> None:
    torch.manual_seed(0)
    network = Swift()
    for parameter in network.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, 0, 0.02)
    losses(network(inputs()), truth())["total"].backward()
    still = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert still == []


def test_a_few_steps_make_it_better() -> None:
    torch.manual_seed(0)
    network, true, x = Swift(), truth(), inputs()
    optimizer = torch.optim.AdamW(network.parameters(), 2e-3)
    history = []
    for _ in range(20):
        loss = losses(network(x), true)["total"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append(loss.item())
    assert history[-1] < 0.9 * history[0]


def joined() -> tuple[Joined, torch.Tensor, torch.Tensor]:
    """In use, so that its normalisation is none of nothing, and features of both sizes for it."""
    torch.manual_seed(0)
    joint = Joined(3, 5, 4)
    fine, coarse = torch.rand(2, 3, 12, 16), torch.rand(2, 5, 6, 8)
    for _ in range(4):
        joint(fine, coarse)
    return joint.eval(), fine, coarse


def test_joining_is_one_convolution_of_both_at_the_larger_size() -> None:
    joint, fine, coarse = joined()
    both = torch.cat([F.interpolate(coarse, scale_factor=2, mode="bilinear"), fine], 1)
    weight = torch.cat([joint.coarse.weight, joint.fine.weight], 1)
    expected = F.relu(joint.norm(F.conv2d(both, weight)))
    assert expected.std() > 0.1
    torch.testing.assert_close(joint(fine, coarse), expected, rtol=0, atol=1e-5)


def test_folding_its_normalisation_leaves_a_join_as_it_was() -> None:
    joint, fine, coarse = joined()
    expected = joint(fine, coarse)
    joint.fold()
    assert not any(isinstance(child, torch.nn.BatchNorm2d) for child in joint.children())
    torch.testing.assert_close(joint(fine, coarse), expected, rtol=0, atol=1e-5)


def test_an_unknown_network_is_named_with_those_there_are() -> None:
    with pytest.raises(nets.UnknownNetworkError, match=r"'vgg'; choose one of dim-vgg16, swift"):
        nets.build("vgg")


@pytest.mark.parametrize("told", [0.0, 1.0])
def test_where_every_estimate_agrees_no_haze_and_no_hole_stays(told: float) -> None:
    x = inputs()
    x[:, ESTIMATES] = told
    network = Swift().eval()
    with torch.no_grad():
        network.gate.bias[:CELL] = 6.0  # type: ignore[index]  # its own estimate keeps a hundredth of the say
        assert (network(x)["alpha"].clamp(0, 1) == told).all()
