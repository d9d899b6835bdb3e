from __future__ import annotations

from pathlib import Path

import pytest

from bench import footage
from bench.decoding import measure


def test_both_ways_are_measured_in_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = footage.clip
    monkeypatch.setattr(
        footage, "clip", lambda folder, frames, share: clip(folder, frames, share, footage.Raster(90, 160))
    )
    found = measure(tmp_path, frames=4, turns=2)
    assert list(found) == ["ProRes 4444", "PNG sequence"]
    for ways in found.values():
        assert list(ways) == ["in the daemon", "apart"]
        assert all(len(turns) == 2 and turn.wall > 0 for turns in ways.values() for turn in turns)
