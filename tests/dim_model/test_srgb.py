"""sRGB's curve without a power: the standard's numbers, both ways."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from dim_model import srgb


def standard(rgb: Tensor) -> Tensor:
    """IEC 61966-2-1 as it is written, in double precision."""
    size = rgb.double().abs()
    light = torch.where(size <= 0.04045, size / 12.92, ((size + 0.055) / 1.055) ** 2.4)
    return torch.copysign(light, rgb.double())


def inverse(light: Tensor) -> Tensor:
    size = light.double().abs()
    rgb = torch.where(size <= 0.0031308, size * 12.92, 1.055 * size ** (1 / 2.4) - 0.055)
    return torch.copysign(rgb, light.double())


NUMBERS = torch.cat(
    [torch.linspace(-1, 1, 100_001), torch.logspace(-30, 6, 5_000), -torch.logspace(-3, 3, 1_000)]
).float()


@pytest.mark.parametrize(
    ("ours", "theirs"), [(srgb.to_light, standard), (srgb.from_light, inverse)], ids=["to", "from"]
)
def test_every_number_is_the_standards_to_a_millionth(ours: object, theirs: object) -> None:
    assert callable(ours)
    assert callable(theirs)
    true = theirs(NUMBERS)
    assert ((ours(NUMBERS) - true).abs() <= 1e-6 * true.abs()).all()


def test_all_codes_of_sixteen_bits_come_back() -> None:
    codes = torch.arange(65536)
    back = srgb.from_light(srgb.to_light(codes / 65535))
    assert torch.equal((back * 65535).round().long(), codes)


@pytest.mark.parametrize("curve", [srgb.to_light, srgb.from_light])
def test_what_is_not_finite_stays_so(curve: object) -> None:
    assert callable(curve)
    strange = torch.tensor([torch.inf, -torch.inf, torch.nan])
    assert np.array_equal(curve(strange).numpy(), strange.numpy(), equal_nan=True)


@pytest.mark.parametrize("size", [(3, 0), (3, 1), (3, 7, 5), (3, 5000)])
def test_colours_come_back_as_they_lay(size: tuple[int, ...]) -> None:
    planes = torch.rand(size)
    pixels = planes.movedim(0, -1).contiguous().movedim(-1, 0)
    for given in (planes, pixels):
        light = srgb.to_light(given)
        assert light.shape == given.shape
        assert light.stride() == given.stride()
        assert torch.allclose(light.double(), standard(given), rtol=1e-6)
