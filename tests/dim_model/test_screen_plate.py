"""The screen behind the subject: as it is around, and told where it is asked for."""

from __future__ import annotations

import pytest
import torch

from dim_model.screen_plate import screen_plate


def uneven(height: int, width: int) -> torch.Tensor:
    """A green wall with a vignette, float32 [3, H, W]."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    return torch.tensor([0.15, 0.62, 0.22])[:, None, None] * (1 - 0.3 * (x * x + y * y))


def test_behind_the_subject_the_screen_is_what_it_is_around() -> None:
    wall = uneven(540, 960)
    subject = torch.zeros(1, 540, 960, dtype=torch.bool)
    subject[:, 200:360, 420:560] = True
    wanted = torch.zeros_like(subject)
    wanted[:, 190:370, 410:570] = True
    view = torch.where(subject, 0.9, wall) + 0.01 * torch.randn(
        3, 540, 960, generator=torch.Generator().manual_seed(1)
    )
    plate = screen_plate(view, ~wanted, wanted)
    assert plate[:, ~wanted[0]].isnan().all()
    told, known = plate[:, wanted[0]], wall[:, wanted[0]]
    rim = (wanted & ~subject)[0][wanted[0]]
    assert (told - known)[:, rim].abs().max() < 0.03
    assert (told - known).abs().max() < 0.06  # the middle is far from all that is seen


@pytest.mark.parametrize("size", [(1, 1), (1, 90), (17, 23), (271, 130)])
def test_any_size_has_a_plate(size: tuple[int, int]) -> None:
    view, screen = uneven(*size), torch.zeros(1, *size, dtype=torch.bool)
    screen[0, 0, 0] = True
    plate = screen_plate(view, screen, ~screen)
    assert plate.shape == view.shape
    assert plate[:, ~screen[0]].isfinite().all()


def test_the_same_whether_a_view_lies_by_planes_or_by_pixels() -> None:
    view = uneven(60, 80)
    screen = view[1:2] > 0.5
    by_pixels = view.permute(1, 2, 0).contiguous().permute(2, 0, 1)
    first, second = (screen_plate(each, screen, ~screen) for each in (view, by_pixels))
    assert torch.equal(first.nan_to_num(-1), second.nan_to_num(-1))
