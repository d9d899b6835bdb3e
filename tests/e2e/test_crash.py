"""Nothing lost, nothing twice: a short form of `make crash-test`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.crashing import VERSIONS, WAYS, Crashing

pytestmark = pytest.mark.slow


def test_struck_at_any_instant_every_clip_is_published_once_with_the_same_bytes(tmp_path: Path) -> None:
    """While the weights move, those of one of their versions."""
    crashing = Crashing(tmp_path / "home")
    for seed in range(6):
        crashing.round(seed)
    assert crashing.seen["blows"] >= 4
    assert all(crashing.seen[way] == 2 for way in WAYS)
    assert crashing.seen["moves of current"] >= 6
    assert all(crashing.seen[f"clips by {version}"] for version in VERSIONS)
