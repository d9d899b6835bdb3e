"""Trimaps: what people supply becomes exactly black, grey and white."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from dim_model import trimap


def square(size: int = 60, first: int = 20, last: int = 40) -> torch.Tensor:
    mask = torch.zeros(1, 1, size, size)
    mask[..., first:last, first:last] = 1
    return mask


def test_painted_values_near_black_and_white_are_meant_so() -> None:
    grey = torch.tensor([0, 1, 2, 128, 253, 254, 255]).view(1, 1, 1, 7) / 255
    assert trimap.from_grey(grey).flatten().tolist() == [0, 0, 0.5, 0.5, 0.5, 1, 1]


@pytest.mark.parametrize("by", [0, 1, 2, 5, 13, 50])
def test_growing_agrees_with_scipy(by: int) -> None:
    mask = torch.rand(1, 1, 40, 55, generator=torch.Generator().manual_seed(0)) > 0.997
    mask[0, 0, 0, 0] = True
    expected = ndimage.binary_dilation(mask[0, 0].numpy(), np.ones((2 * by + 1, 2 * by + 1)))
    np.testing.assert_array_equal(trimap.grow(mask, by)[0, 0].numpy(), expected)


def test_the_band_around_a_mask_is_as_wide_as_asked() -> None:
    made = trimap.from_mask(square(), erode=3, dilate=5)
    assert made[0, 0, 30].tolist() == [0] * 15 + [0.5] * 8 + [1] * 14 + [0.5] * 8 + [0] * 15


def test_a_mask_that_reaches_the_edge_of_the_frame_stays_known_there() -> None:
    made = trimap.from_mask(square(60, 40, 60), erode=3, dilate=5)
    assert made[0, 0, 59, 59] == 1


def test_partly_transparent_pixels_are_unknown_and_their_surroundings() -> None:
    alpha = square()
    alpha[..., 30, 30] = 0.7
    made = trimap.from_alpha(alpha, erode=1, dilate=2)
    assert (made[0, 0, 29:32, 29:32] == 0.5).all()
    assert made[0, 0, 25, 25] == 1
    assert made[0, 0, 17, 30] == 0
    assert made[0, 0, 18, 30] == 0.5


def test_widths_of_zero_leave_a_clean_mask_known() -> None:
    assert torch.equal(trimap.from_mask(square(), 0, 0), square())


def test_in_bytes_a_trimap_is_the_same_and_tells_its_unknown_share() -> None:
    mixed = square()
    mixed[..., :15] = 0.5
    for made in (square(), mixed, mixed.transpose(-1, -2), torch.full_like(square(), 0.5)):
        codes, unknown = trimap.coded(made)
        assert codes.dtype == torch.uint8
        assert torch.equal(codes / 2, made)
        assert unknown == (made == 0.5).double().mean()


def test_a_grey_mask_is_a_soft_hint() -> None:
    """What is grey, however wide, is unknown; what is nearly black or white is not."""
    row = torch.tensor([0.0, 0.05, 0.05, 0.2, 0.3, 0.4, 0.6, 0.8, 0.95, 0.95, 1.0, 1.0])
    made = trimap.from_mask(row.expand(1, 1, 5, -1), 0, 0)[0, 0, 2]
    assert made.tolist() == [0, 0, 0, 0.5, 0.5, 0.5, 0.5, 0.5, 1, 1, 1, 1]
