"""Pieces of masks: which are kept, which are filled, which hang together."""

from __future__ import annotations

import numpy as np

from dim_model.pieces import Pieces, large, tidied, touching


def drawn(*rows: str) -> np.ndarray:
    return np.array([[character == "#" for character in row] for row in rows])


def test_pieces_are_counted_without_what_is_outside() -> None:
    pieces = Pieces.of(drawn("##..", "....", "...#"))
    assert sorted(pieces.areas.tolist()) == [0, 1, 2]
    assert not pieces.only(np.ones(3, bool))[1].any()


def test_pieces_that_meet_at_a_corner_are_two_unless_asked_otherwise() -> None:
    mask = drawn("##..", "..##")
    assert len(Pieces.of(mask).areas) == 3
    assert len(Pieces.of(mask, by_corners=True).areas) == 2


def test_small_pieces_go_and_small_gaps_are_filled() -> None:
    mask = drawn("####.", "#..#.", "####.", "....#", "##...")
    assert np.array_equal(large(mask, 2), drawn("####.", "#..#.", "####.", ".....", "##..."))
    assert np.array_equal(tidied(mask, 3, 3), drawn("####.", "####.", "####.", ".....", "....."))


def test_what_touches_is_kept_whole() -> None:
    mask, other = drawn("##..#", "..#..", "....."), drawn("#....", ".....", "....#")
    assert np.array_equal(touching(mask, other), drawn("##...", "..#..", "....."))


def test_an_empty_mask_has_no_pieces() -> None:
    nothing, whole = np.zeros((3, 4), bool), np.ones((3, 4), bool)
    assert not large(nothing, 1).any()
    assert not touching(nothing, whole).any()
    assert tidied(whole, 1, 5).all()
