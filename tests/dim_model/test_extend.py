"""Colour beyond the matte: there is some, it takes after the edge, and what was there is as it was."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from dim_model.extend import beyond


def extended(rgb: Tensor, alpha: Tensor, reach: int) -> Tensor:
    """The whole picture."""
    outside, colour = beyond(rgb, alpha, reach)
    made = rgb.clone()
    made[:, outside] = colour
    return made


def half() -> tuple[Tensor, Tensor]:
    """Red above and blue below on the right, a soft edge, black on the left: colour [3, 60, 80] and alpha."""
    alpha = ((torch.arange(80.0) - 40) / 6).clamp(0, 1).expand(1, 60, 80).contiguous()
    rgb = torch.zeros(3, 60, 80)
    rgb[0, :30], rgb[2, 30:] = 0.9, 0.7
    return torch.where(alpha > 0, rgb, 0.0), alpha


def test_nothing_changes_where_there_is_foreground() -> None:
    rgb, alpha = half()
    shown = (alpha > 0).expand_as(rgb)
    assert torch.equal(extended(rgb, alpha, 12)[shown], rgb[shown])


def test_the_colour_outside_takes_after_the_edge_beside_it() -> None:
    rgb, alpha = half()
    made = extended(rgb, alpha, 12)
    torch.testing.assert_close(made[:, :10, 29:41], rgb[:, :10, 50:51].expand(3, 10, 12), atol=0.1, rtol=0)
    torch.testing.assert_close(made[:, 50:, 29:41], rgb[:, 50:, 50:51].expand(3, 10, 12), atol=0.1, rtol=0)


@pytest.mark.parametrize("reach", [1, 5, 12])
def test_it_reaches_as_far_as_is_said_and_no_farther(reach: int) -> None:
    rgb, alpha = half()
    lit = extended(rgb, alpha, reach).sum(0)[10] > 0
    assert int(lit[:41].sum()) == reach


def test_a_flat_colour_stays_that_colour() -> None:
    _, alpha = half()
    rgb = torch.where(alpha > 0, torch.tensor([3.0, -0.2, 0.5]).view(3, 1, 1), 0.0)
    made = extended(rgb, alpha, 200)
    torch.testing.assert_close(made, torch.tensor([3.0, -0.2, 0.5]).view(3, 1, 1).expand_as(made))


def test_a_colour_that_hardly_shows_hardly_counts() -> None:
    rgb, alpha = half()
    rgb[:, :, 41], alpha[:, :, 41] = 1.0, 0.001
    made = extended(rgb, alpha, 4)[:, :20, 38:41]
    assert made[1].max() < 0.2


def test_what_is_not_finite_has_no_say() -> None:
    rgb, alpha = half()
    rgb[:, 12, 50], rgb[0, 20, 41] = math.nan, math.inf
    made = extended(rgb, alpha, 12)
    assert torch.isfinite(made[:, :, :41]).all()
    assert torch.isnan(made[:, 12, 50]).all()


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_frame_without_an_edge_is_left_alone(value: float) -> None:
    rgb, _ = half()
    assert torch.equal(extended(rgb, torch.full((1, 60, 80), value), 12), rgb)


@pytest.mark.parametrize("shape", [(1, 9), (9, 1), (13, 7), (64, 33)])
def test_a_frame_of_any_shape_is_done(shape: tuple[int, int]) -> None:
    chance = torch.Generator().manual_seed(1)
    alpha = torch.zeros(1, *shape)
    alpha[0, shape[0] // 2, shape[1] // 2] = 1
    assert torch.isfinite(extended(torch.rand(3, *shape, generator=chance) * alpha, alpha, 5)).all()
