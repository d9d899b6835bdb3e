"""Tiles: they cover the unknown region, and no more than needed; put together, no seam is left."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dim_model.tiles import Tiling

TILING = Tiling(size=32, margin=8)


def cores(unknown: torch.Tensor) -> torch.Tensor:
    """What lies in the core of a tile, bool as ``unknown``."""
    shape, held = unknown.shape, torch.zeros_like(unknown)
    for y, x in TILING.cover(unknown):
        assert 0 <= y <= max(0, shape[0] - 32)
        assert 0 <= x <= max(0, shape[1] - 32)
        # At the frame's edge there is no margin to be had.
        top, left = y + 8 * (y > 0), x + 8 * (x > 0)
        bottom = y + 32 - 8 * (y + 32 < shape[0])
        right = x + 32 - 8 * (x + 32 < shape[1])
        held[top:bottom, left:right] = True
    return held


@pytest.mark.parametrize("shape", [(100, 70), (33, 31), (20, 12), (16, 200)])
def test_every_unknown_pixel_is_in_the_core_of_a_tile(shape: tuple[int, int]) -> None:
    unknown = torch.rand(shape, generator=torch.Generator().manual_seed(1)) < 0.02
    unknown[-1, -1] = unknown[0, 0] = True
    assert cores(unknown)[unknown].all()


@pytest.mark.parametrize("apart", range(1, 50))
def test_two_unknown_pixels_are_in_cores_however_far_apart(apart: int) -> None:
    unknown = torch.zeros(40, 100, dtype=torch.bool)
    unknown[20, 21] = unknown[20, 21 + apart] = True
    assert cores(unknown)[unknown].all()


def test_cores_may_be_narrow() -> None:
    unknown = torch.zeros(8, 200, dtype=torch.bool)
    unknown[4, 12:150] = True
    corners = Tiling(size=32, margin=12).cover(unknown)
    assert [x for _, x in corners] == [max(0, 8 * n - 12) for n in range(1, 19)]


def test_a_frame_without_unknown_has_no_tiles() -> None:
    assert TILING.cover(torch.zeros(64, 64, dtype=torch.bool)) == []


def test_a_far_corner_costs_one_tile() -> None:
    unknown = torch.zeros(500, 500, dtype=torch.bool)
    unknown[499, 499] = True
    assert len(TILING.cover(unknown)) == 1


def test_what_fits_one_core_is_in_one_though_it_lies_across_a_multiple_of_them() -> None:
    unknown = torch.zeros(500, 500, dtype=torch.bool)
    unknown[10:100, 120:180] = True
    assert len(Tiling(size=160, margin=16).cover(unknown)) == 1


def test_what_moves_by_a_pixel_keeps_its_tiles() -> None:
    unknown = torch.zeros(64, 500, dtype=torch.bool)
    unknown[10:60, 100:300] = True
    assert TILING.cover(unknown) == TILING.cover(unknown.roll(1, 1))


@pytest.mark.parametrize("shape", [(100, 70), (20, 12)])
def test_cut_and_joined_is_what_it_was(shape: tuple[int, int]) -> None:
    picture = torch.rand(1, *shape, generator=torch.Generator().manual_seed(2))
    corners = TILING.cover(torch.ones(shape, dtype=torch.bool))
    below, beside = max(0, 32 - shape[0]), max(0, 32 - shape[1])
    padded = torch.nn.functional.pad(picture[None], (0, beside, 0, below), mode="replicate")[0]
    tiles = [padded[:, y : y + 32, x : x + 32] for y, x in corners]
    pixels = np.random.default_rng(3).choice(picture.numel(), 200, replace=False)
    joined = TILING.join(shape, corners, tiles, pixels)
    np.testing.assert_allclose(joined, picture.flatten().numpy()[pixels], rtol=0, atol=1e-6)
