"""Chroma screens: found in any light, and never mistaken."""

from __future__ import annotations

import json

import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from dim_model.keying import Keyed, keyed
from dim_model.screen import Screen, find_screen, relative_key, with_hull

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
    made = keyed(rgb[0], screen, erode=3, dilate=3).trimap[None]
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
    made = keyed(rgb[0], screen, erode=2, dilate=2).trimap[None]
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


def wrinkled(noise: float = 0.02) -> tuple[torch.Tensor, torch.Tensor]:
    """The actor before a dark-cornered, wrinkled, noisy green: rgb [1, 3, H, W] and alpha [1, 1, H, W]."""
    rgb, alpha = shot(PAINTS["green"])
    generator = torch.Generator().manual_seed(3)
    folds = F.interpolate(torch.rand(1, 1, 9, 12, generator=generator), rgb.shape[-2:], mode="bicubic")
    light = 0.6 + 0.6 * folds.clamp(0, 1)
    rgb = torch.where(alpha > 0, rgb, torch.tensor(PAINTS["green"]).view(1, 3, 1, 1) * light)
    return (rgb + noise * torch.randn(rgb.shape, generator=generator)).clamp(0, 1), alpha


def key_of(rgb: torch.Tensor, *, drop_outside: bool = True) -> Keyed:
    screen = find_screen(rgb)
    assert screen is not None
    return keyed(rgb[0], with_hull(screen, rgb), 2, 2, drop_outside=drop_outside)


def test_wrinkles_and_noise_are_no_foreground() -> None:
    rgb, alpha = wrinkled()
    made = key_of(rgb).trimap[None]
    far = F.max_pool2d(alpha, 21, 1, 10) == 0
    assert (made[far] == 0).float().mean() > 0.995
    assert (alpha[made == 1] > 0.95).float().mean() > 0.99


def cluttered() -> torch.Tensor:
    """The actor, with a stand to the left of the screen and a ceiling above it."""
    rgb, _ = shot(PAINTS["green"])
    rgb[..., :18, :] = torch.tensor([0.5, 0.5, 0.52]).view(1, 3, 1, 1)
    rgb[..., :14] = torch.tensor([0.1, 0.1, 0.1]).view(1, 3, 1, 1)
    return rgb


def test_what_stands_beside_the_screen_is_dropped() -> None:
    made = key_of(cluttered()).trimap[0]
    assert (made[:14] == 0).all()
    assert (made[:, :10] == 0).all()
    assert made[70, 80] == 1


def test_what_stands_beside_the_screen_can_be_kept() -> None:
    made = key_of(cluttered(), drop_outside=False).trimap[0]
    assert (made[:14] == 1).all()
    assert (made[:, :10] == 1).all()


def test_an_actor_cut_by_the_edge_is_not_what_stands_beside() -> None:
    rgb, _ = shot(PAINTS["green"])
    cut = rgb[..., :85]  # half of him, at the right edge
    made = key_of(cut).trimap[0]
    assert (made[60:80, 70:] == 1).all()


def test_the_screens_colour_worn_by_the_actor_lowers_confidence() -> None:
    plain, _ = shot(PAINTS["green"])
    worn = plain.clone()
    worn[..., 60:85, 70:95] = 0.5 * torch.tensor(PAINTS["green"]).view(1, 3, 1, 1)
    before, after = key_of(plain), key_of(worn)
    assert (after.trimap[0, 63:82, 73:92] == 0.5).all()
    assert after.confidence < before.confidence - 0.2


def test_a_view_of_the_screen_between_arm_and_body_is_background() -> None:
    rgb, _ = shot(PAINTS["green"], uneven=False)
    hole = rgb.clone()
    hole[..., 62:78, 76:92] = rgb[..., 2:18, 140:156]
    assert (key_of(hole).trimap[0, 66:74, 80:88] == 0).all()


def test_confidence_falls_where_the_key_tells_little() -> None:
    vivid, _ = wrinkled(0.01)
    pale = Screen((0.3, 0.42, 0.32), 0.8)
    rgb, _ = shot(pale.colour)
    noisy = rgb + 0.1 * torch.randn(rgb.shape, generator=torch.Generator().manual_seed(1))
    assert keyed(noisy.clamp(0, 1)[0], pale, 2, 2).confidence < 0.6
    assert key_of(vivid).confidence > 0.8


def test_waves_that_have_a_screens_colour_are_no_screen() -> None:
    generator = torch.Generator().manual_seed(4)
    waves = F.interpolate(torch.randn(1, 1, 60, 40, generator=generator), (120, 160), mode="bicubic")
    sea = torch.tensor([0.15, 0.26, 0.38]).view(1, 3, 1, 1) * (1 + 0.4 * waves).clamp_min(0.1)
    sea = sea + 0.3 * (waves - 1).clamp_min(0)  # crests are paler
    sand = torch.tensor([0.66, 0.52, 0.44]).view(1, 3, 1, 1).expand(1, 3, 50, 160)
    rgb, alpha = shot((0.5, 0.5, 0.5))
    ashore = torch.where(alpha > 0.5, rgb, torch.cat([sea[..., :70, :], sand], 2).clamp(0, 1))
    assert key_of(ashore).confidence < 0.1


def test_a_frame_that_shows_no_screen_has_no_confidence() -> None:
    assert keyed(torch.full((3, 60, 80), 0.5), Screen(PAINTS["green"], 0.7), 2, 2).confidence == 0


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (40, 30)])
def test_any_size_is_keyed(size: tuple[int, int]) -> None:
    rgb = torch.rand(3, *size, generator=torch.Generator().manual_seed(0))
    assert keyed(rgb, Screen(PAINTS["green"], 0.7), 2, 2).trimap.shape == (1, *size)


def test_a_screen_is_kept_as_json() -> None:
    screen = Screen((0.1, 0.6, 0.2), 0.7, ((0.1, 0.0), (0.9, 0.0), (0.5, 1.0)))
    assert Screen.from_dict(json.loads(json.dumps(screen.to_dict()))) == screen


@pytest.mark.parametrize(
    ("colour", "kind", "share"),
    [("#1a9933", "green", 0.75), ("#ff0000", "red", 0), ("#d01080", "magenta", 0), ("#1030e0", "blue", 0)],
)
def test_a_screen_that_is_named_is_called_what_it_is_and_measured(
    colour: str, kind: str, share: float
) -> None:
    rgb = torch.full((2, 3, 40, 60), 0.4)
    rgb[..., 15:] = torch.tensor([0.1, 0.6, 0.2])[:, None, None]
    screen = Screen.from_hex(colour, rgb)
    assert screen.kind == kind
    assert screen.share == pytest.approx(share)
    assert screen.colour == pytest.approx([int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)])
