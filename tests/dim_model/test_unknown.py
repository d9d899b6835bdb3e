"""The table of a frame's unknown pixels."""

from __future__ import annotations

import numpy as np

from dim_model.unknown import Unknown


def test_a_part_s_unknown_pixels_have_the_frame_s_colours_in_order() -> None:
    rng = np.random.default_rng(3)
    rgb, mask = rng.random((30, 40, 3), np.float32), rng.random((17, 12)) < 0.4
    part = rgb[8 : 8 + 17, 21 : 21 + 12]
    unknown = Unknown.of(rgb, mask, (8, 21))
    np.testing.assert_array_equal(unknown.colours, part[mask])
    np.testing.assert_array_equal(unknown.pixels, np.flatnonzero(mask))
    np.testing.assert_array_equal(unknown.slot[mask], np.arange(mask.sum()))
    assert (unknown.slot[~mask] == -1).all()
