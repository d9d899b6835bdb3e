"""The nearest known cell of each."""

from __future__ import annotations

import numpy as np
import pytest

from dim_model.nearest import nearest, nearest_known


def test_nearest_known_agrees_with_brute_force() -> None:
    rng = np.random.default_rng(1)
    known = rng.random((20, 30)) < 0.03
    known[3, 4] = True
    distance, index = nearest_known(known)
    places = np.argwhere(known)
    grid = np.stack(np.mgrid[:20, :30], -1)
    true = np.sqrt(((grid[:, :, None] - places) ** 2).sum(-1)).min(-1)
    # OpenCV's 5x5 mask approximates the Euclidean distance to a few per cent.
    assert np.abs(distance - true).max() <= 0.06 * true.max()
    reached = np.stack(np.unravel_index(index, known.shape), -1)
    assert known[reached[..., 0], reached[..., 1]].all()
    assert np.sqrt(((grid - reached) ** 2).sum(-1)) == pytest.approx(true, abs=0.06 * true.max())


@pytest.mark.parametrize("size", [(20, 30), (21, 31), (1, 3), (2, 1)])
def test_a_cell_is_known_where_one_of_its_pixels_is(size: tuple[int, int]) -> None:
    trimap = np.random.default_rng(2).choice([0, 0.5, 1], size).astype(np.float32)
    trimap.flat[0], trimap.flat[-1] = 0, 1
    padded = np.pad(trimap, ((0, size[0] % 2), (0, size[1] % 2)), "edge")
    cells = padded.reshape(padded.shape[0] // 2, 2, padded.shape[1] // 2, 2).swapaxes(1, 2)
    for value, (distance, index) in zip((1, 0), nearest(trimap), strict=True):
        holds = (cells == value).any((2, 3))
        np.testing.assert_array_equal(distance == 0, holds)
        assert holds.ravel()[index].all()
