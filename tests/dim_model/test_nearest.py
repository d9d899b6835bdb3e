"""The nearest known pixel of each."""

from __future__ import annotations

import numpy as np
import pytest

from dim_model.nearest import nearest_known


def test_nearest_known_agrees_with_brute_force() -> None:
    rng = np.random.default_rng(1)
    known = rng.random((20, 30)) < 0.03
    known[3, 4] = True
    distance, index = nearest_known(known, np.arange(600, dtype=np.int32).reshape(20, 30))
    places = np.argwhere(known)
    grid = np.stack(np.mgrid[:20, :30], -1)
    true = np.sqrt(((grid[:, :, None] - places) ** 2).sum(-1)).min(-1)
    # OpenCV's 5x5 mask approximates the Euclidean distance to a few per cent.
    assert np.abs(distance - true).max() <= 0.06 * true.max()
    reached = np.stack(np.unravel_index(index, known.shape), -1)
    assert known[reached[..., 0], reached[..., 1]].all()
    assert np.sqrt(((grid - reached) ** 2).sum(-1)) == pytest.approx(true, abs=0.06 * true.max())
