"""Flow between frames of a window leads where the picture went, and is fine where it is asked to be."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from dim_model.flow import THOROUGH, flows
from dim_model.pairs import Box, Look, Pairs

HEIGHT, WIDTH = 180, 320
BOX = Box(40, 140, 80, 240)


def look(shift: float, box: Box | None = BOX, seed: int = 3) -> Look:
    """A picture that has gone ``shift`` pixels to the right."""
    small = np.random.default_rng(seed).uniform(0.1, 0.9, (24, 42, 3)).astype(np.float32)
    large = cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    move = np.array([[1, 0, shift], [0, 1, 0]], np.float32)
    seen = cv2.warpAffine(large, move, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT)
    return Look(np.clip(seen, 0, 1).astype(np.float32), box)


def pairs(*looks: Look) -> Pairs:
    made = Pairs()
    for at, each in enumerate(looks):
        made.add(at, each)
    return made


def test_flow_leads_to_where_the_picture_went_near_and_far_and_back() -> None:
    found = pairs(look(0), look(3), look(6))
    for here, there in ((0, 1), (1, 0), (0, 2), (2, 0)):
        flow = found.flow(here, there)
        inner = flow.back[BOX.inside]
        np.testing.assert_allclose(np.median(inner, (0, 1)), [3 * (there - here), 0], atol=0.15)
        assert flow.trust[BOX.inside].mean() > 0.8


def test_where_nothing_is_mixed_the_coarse_flow_stands() -> None:
    flow = pairs(look(0, None), look(4, None)).flow(0, 1)
    assert flow.back.shape == (HEIGHT, WIDTH, 2)
    np.testing.assert_allclose(np.median(flow.back, (0, 1)), [4, 0], atol=0.5)


def test_another_picture_is_a_cut_and_a_pan_is_none() -> None:
    found = pairs(look(0), look(5), look(5, seed=9))
    assert not found.is_cut(1, 0)
    assert found.is_cut(2, 1)


def test_a_box_holds_what_is_mixed_with_a_margin_and_nothing_where_nothing_is() -> None:
    mixed = np.zeros((360, 640), bool)
    assert Box.around(mixed, HEIGHT, WIDTH) is None
    mixed[200:220, 300:340] = True
    assert Box.around(mixed, HEIGHT, WIDTH) == Box(76, 134, 126, 194)


@pytest.mark.parametrize("shape", [(1, 1), (8, 40), (13, 130), (3, 500), (200, 5)])
def test_flow_of_a_strip_is_sought_where_opencv_alone_would_end_the_process(shape: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).uniform(0, 1, (*shape, 3)).astype(np.float32)
    for made in flows(picture, picture, THOROUGH):
        assert made.back.shape == (*shape, 2)
        assert np.abs(made.back).max() < 1e-3
