"""Chroma screens: found in any light, and never mistaken."""

from __future__ import annotations

import json

import pytest
import torch

from dim_model.screen import Screen, find_screen, relative_key, screen_trimap

PAINTS = {
    "green": (0.15, 0.62, 0.22),
    "blue": (0.12, 0.25, 0.7),
    "yellow-green": (0.64, 0.66, 0.05),
    "dark green": (0.03, 0.16, 0.06),
}


def shot(
    paint: tuple[float, float, float], *, uneven: bool = True, tie: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    """An actor with skin, a grey coat and a hat before a screen: rgb [1, 3, H, W] and alpha [1, 1, H, W]."""
    height, width = 120, 160
    y, x = torch.meshgrid(torch.arange(float(height)), torch.arange(float(width)), indexing="ij")
    light = 1 - 0.5 * ((x - 60) / 160).square() - 0.35 * (y / 120) if uneven else torch.ones(height, width)
    light = light + 0.05 * torch.sin(x / 4.0)
    wall = torch.tensor(paint).view(3, 1, 1) * light
    alpha = ((30 - torch.hypot(y - 70, x - 80)) / 3 + 0.5).clamp(0, 1)
    actor = torch.tensor([0.72, 0.5, 0.4]).view(3, 1, 1).expand(3, height, width).clone()
    actor[:, 75:] = torch.tensor([0.25, 0.25, 0.27]).view(3, 1, 1)
    actor[:, :50] = 0.04
    if tie:
        actor[:, 76:84, 76:82] = torch.tensor(paint).view(3, 1, 1)
    rgb = alpha * actor + (1 - alpha) * wall
    rgb = rgb + 0.008 * torch.randn(3, height, width, generator=torch.Generator().manual_seed(0))
    return rgb.clamp(0, 1)[None], alpha[None, None]


@pytest.mark.parametrize("paint", PAINTS)
def test_a_screen_is_found_whatever_its_paint(paint: str) -> None:
    rgb, _ = shot(PAINTS[paint])
    screen = find_screen(rgb)
    assert screen is not None
    assert paint.endswith(screen.kind)
    assert screen.share > 0.5


@pytest.mark.parametrize("paint", PAINTS)
def test_the_trimap_is_right_wherever_it_is_certain(paint: str) -> None:
    rgb, alpha = shot(PAINTS[paint])
    screen = find_screen(rgb)
    assert screen is not None
    made = screen_trimap(rgb, screen, erode=3, dilate=3)
    assert (alpha[made == 1] > 0.95).float().mean() > 0.999
    assert (alpha[made == 0] < 0.05).float().mean() > 0.999
    mixed = (alpha > 0.05) & (alpha < 0.95)
    assert (made[mixed] == 0.5).float().mean() > 0.97
    assert (made == 0.5).float().mean() < 0.2


def test_uneven_light_is_not_foreground() -> None:
    rgb, alpha = shot(PAINTS["green"])
    screen = find_screen(rgb)
    assert screen is not None
    assert relative_key(rgb, screen)[alpha == 0].quantile(0.02) > 0.8


def test_a_tie_in_the_colour_of_the_screen_is_unknown_and_no_hole() -> None:
    rgb, _ = shot(PAINTS["green"], tie=True)
    screen = find_screen(rgb)
    assert screen is not None
    made = screen_trimap(rgb, screen, erode=2, dilate=2)
    assert (made[..., 77:83, 77:81] != 0).all()


def test_a_shot_without_a_screen_has_none() -> None:
    generator = torch.Generator().manual_seed(0)
    room = 0.5 + 0.1 * torch.rand(1, 3, 80, 80, generator=generator)
    assert find_screen(room) is None
    skin = torch.tensor([0.7, 0.5, 0.4]).view(1, 3, 1, 1) * (
        0.9 + 0.1 * torch.rand(1, 1, 80, 80, generator=generator)
    )
    assert find_screen(skin) is None


def test_a_green_ball_is_not_a_screen() -> None:
    rgb, alpha = shot((0.5, 0.5, 0.5))
    ball = torch.where(alpha > 0.5, torch.tensor(PAINTS["green"]).view(1, 3, 1, 1), rgb)
    assert find_screen(ball) is None


def test_a_screen_is_kept_as_json() -> None:
    screen = Screen((0.1, 0.6, 0.2), 0.7)
    assert Screen.from_dict(json.loads(json.dumps(screen.to_dict()))) == screen
    assert Screen.from_hex("#1a9933").colour == pytest.approx((0.102, 0.6, 0.2), abs=1e-3)
