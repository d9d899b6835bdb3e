"""Links: between pixels of like colour, both ways, and with what is known on the right-hand side."""

from __future__ import annotations

import numpy as np

from dim_model.likeness import links


def stripes() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A red column and two blue ones in turn: the left third known, red 1 and blue 0; the rest unknown."""
    red = np.zeros((12, 36), bool)
    red[:, ::3] = True
    rng = np.random.default_rng(0)
    rgb = np.where(red[..., None], [0.8, 0.1, 0.1], [0.1, 0.1, 0.8]) + rng.normal(0, 0.01, (12, 36, 3))
    slot = np.full((12, 36), -1, np.int32)
    slot[:, 12:] = np.arange(12 * 24).reshape(12, 24)
    return rgb.astype(np.float32), slot, red.astype(np.float32)


def test_a_pixel_is_linked_with_its_own_colour_alone_however_far() -> None:
    rgb, slot, alpha = stripes()
    made = links(rgb, slot, alpha)
    red = alpha[slot >= 0] == 1
    for row in range(len(red)):
        assert (red[made.other[made.first[row] : made.first[row + 1]]] == red[row]).all()
    assert (made.pull[~red] == 0).all()  # a blue one is linked to known blues, whose alpha is 0
    assert made.pull[red].sum() > 15


def test_links_hold_both_ways_and_are_counted() -> None:
    rgb, slot, alpha = stripes()
    made = links(rgb, slot, alpha)
    count = len(made.degree)
    matrix = np.zeros((count, count), int)
    for row in range(count):
        np.add.at(matrix[row], made.other[made.first[row] : made.first[row + 1]], 1)
    assert (matrix == matrix.T).all()
    assert (np.diag(matrix) == 0).all()
    assert (made.degree >= matrix.sum(1)).all()
    seeking = slot[::3, ::3][slot[::3, ::3] >= 0]
    assert made.degree[seeking].min() >= 12


def test_a_frame_of_one_pixel_has_no_links() -> None:
    made = links(np.zeros((1, 1, 3), np.float32), np.zeros((1, 1), np.int32), np.zeros((1, 1), np.float32))
    assert made.other.size == 0
    assert made.degree.tolist() == [0]
