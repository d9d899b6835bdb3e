"""Lines without weights are those of the guided filter."""

from __future__ import annotations

import numpy as np
import pytest

from dim_model import guided
from dim_model.lines import lines


@pytest.mark.parametrize("shape", [(1, 3), (5, 7), (40, 130), (130, 65)])
@pytest.mark.parametrize("share", [1.0, 0.3, 0.02])
def test_every_line_is_that_of_the_guided_filter(shape: tuple[int, int], share: float) -> None:
    rng = np.random.default_rng(1)
    rgb, alpha = (rng.uniform(0, 1, size).astype(np.float32) for size in ((*shape, 3), shape))
    wanted = rng.uniform(0, 1, shape) < share
    wanted[0, 0] = True
    pixels = np.flatnonzero(wanted)
    slot = np.full(shape, -1, np.int32)
    slot.ravel()[pixels] = np.arange(pixels.size)
    made = lines(rgb, alpha, slot, pixels.size, 3, guided.RIDGE)
    expected = guided.lines(rgb, alpha, np.ones_like(alpha), wanted, 3, guided.RIDGE)
    np.testing.assert_allclose(made, expected.reshape(-1, 4)[pixels], atol=1e-6)
