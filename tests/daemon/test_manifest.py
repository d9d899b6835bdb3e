"""The manifest says which frames a person should look at, and no others."""

from __future__ import annotations

from typing import Any

from daemon.manifest import review


def figures(flicker: dict[int, float] | None = None, **changes: dict[int, Any]) -> list[dict[str, Any]]:
    """Of ten calm frames from 1001 on, with some values changed by frame."""
    usual = {"unknown": 0.1, "confidence": 0.9, "alpha": 0.3, "flicker": 0.04}
    calm = [{"frame": 1001 + n, **usual} for n in range(10)]
    for name, values in {"flicker": flicker or {}, **changes}.items():
        for number, value in values.items():
            calm[number - 1001][name] = value
    return calm


def test_a_calm_clip_needs_no_look() -> None:
    assert review(figures()) == []
    assert review([]) == []


def test_a_frame_that_flickers_more_than_the_others_is_listed() -> None:
    assert review(figures({1004: 0.3})) == [{"frame": 1004, "why": "the matte flickers"}]


def test_a_clip_whose_edge_always_moves_is_not_listed_whole() -> None:
    assert review(figures({1001 + n: 0.2 for n in range(10)})) == []


def test_an_area_that_jumps_is_listed_unless_a_new_shot_begins() -> None:
    jumps = {1001 + n: 0.6 for n in range(5, 10)}
    assert review(figures(alpha=jumps)) == [{"frame": 1006, "why": "the matte's area jumps"}]
    assert review(figures(alpha=jumps, cut={1006: True})) == []


def test_what_is_mostly_unknown_or_empty_or_full_is_listed() -> None:
    found = review(figures(unknown={1002: 0.7}, alpha={1006: 1.0, 1009: 0.0}))
    assert [f["frame"] for f in found if "unknown" in f["why"]] == [1002]
    assert {"frame": 1006, "why": "everything is foreground"} in found
    assert {"frame": 1009, "why": "nothing is foreground"} in found


def test_a_frame_whose_trimap_is_less_sure_than_it_is_to_be_is_listed() -> None:
    unsure = figures(confidence={1004: 0.31, 1008: 0.12})
    why = "its trimap is hardly to be relied on (confidence 0.12)"
    assert review(unsure, 0.3) == [{"frame": 1008, "why": why}]
