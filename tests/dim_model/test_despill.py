"""Despill: the screen's light goes, everything else stays."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from dim_model.despill import Channel, Method, despilled, edge_weight, mixed_weight

GREY, GREENISH, SKIN = [0.4, 0.4, 0.4], [0.4, 0.7, 0.2], [0.8, 0.5, 0.4]


def colours(*rgb: list[float]) -> Tensor:
    return torch.tensor(rgb).T.contiguous()


@pytest.mark.parametrize(("method", "left"), [("average", 0.3), ("double", 0.4)])
def test_no_more_of_the_screens_channel_is_left_than_the_limit(method: Method, left: float) -> None:
    made = despilled(colours(GREENISH), "green", method, 1.0)
    torch.testing.assert_close(made[:, 0], torch.tensor([0.4, left, 0.2]))


def test_blue_screens_lose_blue() -> None:
    made = despilled(colours([0.2, 0.4, 0.9]), "blue", "average", 1.0)
    torch.testing.assert_close(made[:, 0], torch.tensor([0.2, 0.4, 0.3]))


@pytest.mark.parametrize("channel", ["green", "blue"])
@pytest.mark.parametrize("method", ["average", "double"])
def test_a_colour_without_spill_is_left_bit_for_bit(channel: Channel, method: Method) -> None:
    plain = colours(GREY, SKIN, [0.0, 0.0, 0.0], [-0.1, -0.3, -0.4], [30.0, 20.0, 10.0])
    assert torch.equal(despilled(plain, channel, method, 1.0), plain)


def test_strength_is_the_share_that_is_taken_off() -> None:
    plain = colours(GREENISH)
    half = despilled(plain, "green", "average", 0.5)
    torch.testing.assert_close(half, (plain + despilled(plain, "green", "average", 1.0)) / 2)
    assert torch.equal(despilled(plain, "green", "average", 0.0), plain)


def test_highlights_and_what_is_not_finite_survive() -> None:
    plain = colours([2.0, 40.0, 4.0], [math.nan, 1.0, 1.0], [1.0, math.inf, 1.0])
    made = despilled(plain, "green", "average", 1.0)
    assert made[:, 0].tolist() == [2.0, 3.0, 4.0]
    assert torch.equal(made[:, 1:].nan_to_num(7.0), plain[:, 1:].nan_to_num(7.0))


def test_a_weight_to_each_pixel_is_heeded() -> None:
    made = despilled(colours(GREENISH, GREENISH), "green", "average", torch.tensor([1.0, 0.0]))
    assert made[1].tolist() == pytest.approx([0.3, 0.7])


def ramp() -> Tensor:
    """Ten clear pixels, four mixed, thirty opaque: alpha [1, 3, 44]."""
    row = torch.cat([torch.zeros(10), torch.tensor([0.2, 0.4, 0.6, 0.8]), torch.ones(30)])
    return row.expand(1, 3, 44).contiguous()


def test_despill_falls_off_from_the_edge_to_its_reach() -> None:
    row = edge_weight(ramp(), 9)[0, 1]
    assert (row[:10] == 0).all()
    assert (row[10:14] == 1).all()
    assert (row[14:24].diff() < 0).all()
    assert (row[23:] == 0).all()
    assert row[22] > 0


def test_without_a_reach_it_is_everywhere_but_in_the_clear() -> None:
    assert torch.equal(edge_weight(ramp(), None), (ramp() > 0).float())


def test_a_frame_without_an_edge_has_nothing_near_it() -> None:
    assert not edge_weight(torch.ones(1, 4, 5), 9).any()


def test_only_what_is_transparent_enough_is_despilled_whole_and_nothing_next_to_opaque() -> None:
    weight = mixed_weight(torch.tensor([0.01, 0.5, 0.75, 0.9, 0.999, 1.0]))
    assert weight[:3].tolist() == [1, 1, 1]
    assert (weight[2:].diff() < 0).all()
    assert weight[-1] == 0
