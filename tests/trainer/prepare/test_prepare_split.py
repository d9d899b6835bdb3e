"""The split: fixed by seed and name, so that nothing moves when something else comes or goes."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Any

import pytest

from trainer.prepare import NAME, Shares, prepare
from trainer.prepare.split import published

HALVES = Shares(seed=3, valid=0.25, test=0.25)


def test_adding_and_removing_files_moves_no_other(tmp_path: Path, png: Any) -> None:
    for number in range(12):
        png(tmp_path / f"cut_{number}.png")
    before = {e.name: e.split for e in prepare(tmp_path, tmp_path / NAME, shares=HALVES).index.entries}
    assert len(set(before.values())) == 3
    (tmp_path / "cut_3.png").unlink()
    for number in range(5):
        png(tmp_path / f"a_{number}.png")
    after = {e.name: e.split for e in prepare(tmp_path, tmp_path / NAME, shares=HALVES).index.entries}
    assert len(after) == 16
    assert all(after[name] == split for name, split in before.items() if name in after)


def test_frames_of_one_clip_never_straddle_splits(tmp_path: Path, photo: Any, png: Any) -> None:
    for clip in range(6):
        for frame in range(3):
            photo(tmp_path / f"clip_{clip}/{frame}.jpg")
            png(tmp_path / f"matting_{clip}/{frame}.png")
    entries = prepare(tmp_path, tmp_path / NAME, shares=HALVES).index.entries
    splits = {group: {e.split for e in entries if e.group == group} for group in {e.group for e in entries}}
    assert len(splits) == 6
    assert all(len(found) == 1 for found in splits.values())
    assert len(set.union(*splits.values())) > 1


def test_shares_are_kept_and_another_seed_divides_otherwise() -> None:
    names = [f"clip {n}" for n in range(4000)]
    splits = [Shares(1, valid=0.1, test=0.2).split(name) for name in names]
    assert splits.count("valid") / 4000 == pytest.approx(0.1, abs=0.02)
    assert splits.count("test") / 4000 == pytest.approx(0.2, abs=0.02)
    assert splits != [Shares(2, valid=0.1, test=0.2).split(name) for name in names]


def test_a_larger_share_of_validation_takes_from_training_alone() -> None:
    names = [f"clip {n}" for n in range(500)]
    before, after = ([Shares(1, share, 0.2).split(n) for n in names] for share in (0.1, 0.3))
    assert {(a, b) for a, b in zip(before, after, strict=True) if a != b} == {("train", "valid")}


@pytest.mark.parametrize(
    ("folder", "split"),
    [
        ("train/fgr", "train"),
        ("Test_set/Adobe-licensed images/fg", "test"),
        ("val/x", "valid"),
        ("a/b", None),
    ],
)
def test_a_set_that_is_published_divided_stays_so(folder: str, split: str | None) -> None:
    assert published(PurePath(folder)) == split
