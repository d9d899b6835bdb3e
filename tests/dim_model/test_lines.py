"""Lines without weights are those of the guided filter."""

from __future__ import annotations

import numpy as np
import pytest

from dim_model import guided
from dim_model.lines import SIDE, lines
from dim_model.numbered import numbered
from dim_model.sampling import by_cells


@pytest.mark.parametrize("shape", [(1, 3), (5, 7), (40, 130), (130, 65), (150, 260)])
@pytest.mark.parametrize("share", [1.0, 0.3, 0.02])
def test_every_line_is_that_of_the_guided_filter(shape: tuple[int, int], share: float) -> None:
    rng = np.random.default_rng(1)
    rgb, alpha = (rng.uniform(0, 1, size).astype(np.float32) for size in ((*shape, 3), shape))
    cells, matte = by_cells(rgb), by_cells(alpha[..., None].repeat(3, -1))[..., 0]
    wanted = rng.uniform(0, 1, matte.shape) < share
    wanted[0, 0] = True
    slot, pixels = numbered(wanted)
    made = lines(rgb, alpha, slot, pixels.size, guided.RIDGE)
    expected = np.empty((*matte.shape, 1, 4), np.float32)
    guided.lines(
        cells, matte[..., None], np.ones_like(matte), wanted, SIDE // 2, guided.RIDGE, expected
    )
    np.testing.assert_allclose(made, expected.reshape(-1, 4)[pixels], atol=1e-6)


def test_a_thin_band_has_the_lines_that_it_has_among_all() -> None:
    rng = np.random.default_rng(2)
    rgb, alpha = (rng.uniform(0, 1, size).astype(np.float32) for size in ((180, 300, 3), (180, 300)))
    y, x = np.mgrid[:90, :150]
    band = np.abs(np.hypot(y - 45, x - 75) - 38) < 2  # up, along and across the strips that are worked on
    every, thin = numbered(np.ones_like(band)), numbered(band)
    whole, some = (lines(rgb, alpha, slot, pixels.size, 1e-4) for slot, pixels in (every, thin))
    np.testing.assert_allclose(some, whole[thin[1]], atol=1e-6)
