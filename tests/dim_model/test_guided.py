"""Lines of alpha, read where they are wanted and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from dim_model import guided


@pytest.mark.parametrize("size", [(18, 28), (19, 22), (180, 320), (360, 640)])
def test_a_line_beside_the_wanted_ones_is_never_read(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    wanted = rng.random(size) < 0.3
    lines = np.full((*size, 1, 4), np.nan, np.float32)  # what memory that nobody wrote to may hold
    lines[wanted] = (0, 0, 0, 0.25)
    pixels = np.flatnonzero(wanted)
    made, colours = np.zeros((pixels.size, 2), np.float32), rng.random((pixels.size, 3)).astype(np.float32)
    guided.applied(colours, lines, pixels, *size, made, np.array([1]))
    assert (made[:, 1] == np.float32(0.25)).all()
    assert not made[:, 0].any()
