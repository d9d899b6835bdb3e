"""Colour: there and back exactly enough, and never brighter than a network expects."""

from __future__ import annotations

import pytest
import torch

from daemon.colour import from_linear, network_view, to_linear


def test_light_and_back_is_the_same_number() -> None:
    rgb = torch.linspace(-0.5, 3, 1001)
    assert torch.allclose(from_linear(to_linear(rgb, "display"), "display"), rgb, atol=1e-6)


@pytest.mark.parametrize(("code", "light"), [(0.0, 0.0), (0.04045, 0.0031308), (0.5, 0.2140411), (1.0, 1.0)])
def test_srgb_by_its_standard(code: float, light: float) -> None:
    assert float(to_linear(torch.tensor(code), "display")) == pytest.approx(light, abs=1e-6)


def test_linear_files_are_left_alone() -> None:
    rgb = torch.tensor([-1.0, 0.18, 40.0])
    assert to_linear(rgb, "linear") is rgb
    assert from_linear(rgb, "linear") is rgb


def test_a_network_sees_numbers_from_0_to_1_in_order() -> None:
    light = torch.tensor([-0.1, 0.0, 0.18, 0.8, 1.0, 4.0, 60.0])
    view = network_view(light, "linear")
    assert view.min() == 0
    assert view.max() <= 1
    assert (view.diff()[1:5] > 0).all()
    assert float(view[2]) == pytest.approx(0.4614, abs=1e-3)  # mid grey is where a display shows it


@pytest.mark.parametrize("encoding", ["display", "linear"])
def test_what_is_no_number_does_not_reach_the_network(encoding: str) -> None:
    broken = torch.tensor([float("nan"), float("inf"), float("-inf")])
    view = network_view(broken, encoding)  # type: ignore[arg-type]
    assert torch.isfinite(view).all()
    assert view.min() >= 0
    assert view.max() <= 1
