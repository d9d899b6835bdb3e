"""Numbers as a display has them."""

from __future__ import annotations

import pytest
import torch

from dim_model.clamped import clamped

ODD = [float("nan"), float("inf"), float("-inf"), -0.2, 0.0, 0.3, 1.0, 1.7]


@pytest.mark.parametrize("laid", ["as pixels", "as planes"])
def test_colours_are_held_between_0_and_1_and_laid_as_pixels(laid: str) -> None:
    pixels = torch.tensor(ODD).repeat(9).view(6, 4, 3)
    rgb = pixels.permute(2, 0, 1) if laid == "as pixels" else pixels.permute(2, 0, 1).contiguous()
    before = rgb.clone()
    made = clamped(rgb)
    assert torch.equal(made, before.nan_to_num(0.0, 1.0, 0.0).clamp(0, 1))
    assert made.permute(1, 2, 0).is_contiguous()
    assert torch.equal(rgb.nan_to_num(7.0), before.nan_to_num(7.0)), "the plate itself is left as it was"
