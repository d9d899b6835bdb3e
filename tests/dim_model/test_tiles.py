"""Tiles: they cover the unknown region, and no more than needed; put together, no seam is left."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dim_model.arrays import Mask
from dim_model.tiles import Tiling

TILING = Tiling(height=32, margin=8, widths=(32, 64))


def cores(unknown: Mask) -> Mask:
    """What lies in the core of a tile, bool as ``unknown``."""
    (height, width), held = unknown.shape, np.zeros_like(unknown)
    for y, x, wide in TILING.cover(unknown):
        assert 0 <= y <= max(0, height - 32)
        assert 0 <= x <= max(0, width - wide)
        # At the frame's edge there is no margin to be had.
        top, left = y + 8 * (y > 0), x + 8 * (x > 0)
        bottom = y + 32 - 8 * (y + 32 < height)
        right = x + wide - 8 * (x + wide < width)
        held[top:bottom, left:right] = True
    return held


def speckled(shape: tuple[int, int]) -> Mask:
    unknown = np.random.default_rng(1).random(shape) < 0.02
    unknown[-1, -1] = unknown[0, 0] = True
    return unknown


def boxed(shape: tuple[int, int], rows: slice, columns: slice) -> Mask:
    unknown = np.zeros(shape, bool)
    unknown[rows, columns] = True
    return unknown


@pytest.mark.parametrize("shape", [(100, 70), (33, 31), (20, 12), (16, 200)])
def test_every_unknown_pixel_is_in_the_core_of_a_tile(shape: tuple[int, int]) -> None:
    unknown = speckled(shape)
    assert cores(unknown)[unknown].all()


@pytest.mark.parametrize("apart", range(1, 60))
def test_two_unknown_pixels_are_in_cores_however_far_apart(apart: int) -> None:
    unknown = np.zeros((40, 100), bool)
    unknown[20, 21] = unknown[20, 21 + apart] = True
    assert cores(unknown)[unknown].all()


def test_cores_may_be_narrow() -> None:
    tiles = Tiling(height=32, margin=12).cover(boxed((8, 200), slice(4, 5), slice(12, 150)))
    assert [tile.x for tile in tiles] == [max(0, 8 * n - 12) for n in range(1, 19)]


@pytest.mark.parametrize(
    ("columns", "widths"), [(16, [32]), (17, [64]), (48, [64]), (49, [32, 64]), (96, [64, 64])]
)
def test_a_row_has_the_tiles_that_cost_least(columns: int, widths: list[int]) -> None:
    tiles = TILING.cover(boxed((16, 500), slice(2, 9), slice(160, 160 + columns)))
    assert sorted(tile.width for tile in tiles) == widths


def test_what_lies_far_apart_has_tiles_of_its_own() -> None:
    unknown = boxed((16, 500), slice(2, 9), slice(160, 170)) | boxed((16, 500), slice(2, 9), slice(400, 440))
    assert [tile.width for tile in TILING.cover(unknown)] == [32, 64]


def test_a_frame_without_unknown_has_no_tiles() -> None:
    assert TILING.cover(np.zeros((64, 64), bool)) == []


def test_a_far_corner_costs_one_tile() -> None:
    assert len(TILING.cover(boxed((500, 500), slice(499, 500), slice(499, 500)))) == 1


def test_what_fits_one_core_is_in_one_though_it_lies_across_a_multiple_of_them() -> None:
    unknown = boxed((500, 500), slice(10, 100), slice(120, 180))
    assert len(Tiling(height=160, margin=16).cover(unknown)) == 1


def test_what_moves_by_a_pixel_keeps_its_tiles() -> None:
    unknown = boxed((64, 500), slice(10, 60), slice(100, 300))
    assert TILING.cover(unknown) == TILING.cover(np.roll(unknown, 1, 1))


@pytest.mark.parametrize("shape", [(100, 70), (20, 12)])
def test_cut_and_joined_is_what_it_was(shape: tuple[int, int]) -> None:
    picture = torch.rand(1, *shape, generator=torch.Generator().manual_seed(2))
    tiles = TILING.cover(np.ones(shape, bool))
    below, beside = max(0, 32 - shape[0]), max(0, 64 - shape[1])
    padded = torch.nn.functional.pad(picture[None], (0, beside, 0, below), mode="replicate")[0]
    alphas = [padded[:, y : y + 32, x : x + width] for y, x, width in tiles]
    pixels = np.sort(np.random.default_rng(3).choice(picture.numel(), 200, replace=False))
    trimap = np.ones(shape, np.float32)
    trimap.ravel()[pixels] = 0.5
    joined = TILING.join(trimap, tiles, alphas, pixels)
    np.testing.assert_allclose(joined, picture.flatten().numpy()[pixels], rtol=0, atol=1e-6)
