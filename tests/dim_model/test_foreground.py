"""Foreground colours: clean where it matters, the plate itself where it is opaque."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pymatting import estimate_foreground_ml

from dim_model.foreground import estimate


def soft_disc(size: int = 96) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A textured red disc with a soft edge over a textured green ground: image, alpha and true foreground."""
    y, x = torch.meshgrid(torch.arange(float(size)), torch.arange(float(size)), indexing="ij")
    alpha = ((size * 0.35 - torch.hypot(y - size / 2, x - size / 2)) / 12 + 0.5).clamp(0, 1)[None, None]
    wave = 0.1 * torch.sin(x / 3.0 + y / 5.0)
    fg = torch.stack([0.8 + wave, 0.15 + wave / 2, 0.2 - wave / 2])[None]
    bg = torch.stack([0.1 - wave / 2, 0.6 + wave, 0.2 + wave])[None]
    return alpha * fg + (1 - alpha) * bg, alpha, fg


def error(made: torch.Tensor, true: torch.Tensor, alpha: torch.Tensor) -> float:
    mixed = (alpha > 0.02) & (alpha < 0.98)
    return float(((made - true).abs().mean(1, keepdim=True) * alpha)[mixed].mean())


def test_opaque_pixels_are_the_plate_bit_for_bit() -> None:
    image, alpha, _ = soft_disc()
    fg, bg = estimate(image, alpha)
    opaque, clear = (alpha == 1).expand_as(image), (alpha == 0).expand_as(image)
    assert torch.equal(fg[opaque], image[opaque])
    assert torch.equal(bg[clear], image[clear])
    assert not fg[clear].any()


def test_background_light_is_taken_out_of_the_edge() -> None:
    image, alpha, true = soft_disc()
    fg, _ = estimate(image, alpha)
    assert error(fg, true, alpha) < 0.2 * error(image, true, alpha)


def test_it_is_about_as_good_as_multi_level_estimation() -> None:
    image, alpha, true = soft_disc()
    fg, _ = estimate(image, alpha)
    picture = image[0].permute(1, 2, 0).double().numpy()
    peer = estimate_foreground_ml(picture, alpha[0, 0].double().numpy())
    theirs = torch.from_numpy(np.asarray(peer, np.float32)).permute(2, 0, 1)[None]
    assert error(fg, true, alpha) < 1.6 * error(theirs, true, alpha) + 0.002


def test_the_two_colours_composite_back_to_the_plate() -> None:
    image, alpha, _ = soft_disc()
    fg, bg = estimate(image, alpha)
    mixed = ((alpha > 0) & (alpha < 1)).expand_as(image)
    assert (alpha * fg + (1 - alpha) * bg - image).abs()[mixed].mean() < 1 / 255


def test_scene_linear_highlights_are_not_clipped() -> None:
    image, alpha, _ = soft_disc()
    fg, _ = estimate(8 * image, alpha)
    once, _ = estimate(image, alpha)
    assert torch.allclose(fg, 8 * once, atol=1e-3)
    assert fg.max() > 5


def test_frames_do_not_influence_each_other() -> None:
    image, alpha, _ = soft_disc()
    both, _ = estimate(torch.cat([image, image.flip(-1)]), torch.cat([alpha, alpha.flip(-1)]))
    assert torch.equal(both[:1], estimate(image, alpha)[0])


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_an_even_alpha_is_no_special_case(value: float) -> None:
    image, alpha, _ = soft_disc(40)
    fg, bg = estimate(image, torch.full_like(alpha, value))
    assert torch.isfinite(fg).all()
    assert torch.isfinite(bg).all()
