"""A daemon that works does not grow: a short form of `make soak-test`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.soaking import soak, verdict

pytestmark = pytest.mark.slow


def test_memory_files_and_threads_stay_as_they_are_over_mixed_clips(tmp_path: Path) -> None:
    assert verdict(soak(tmp_path / "home", 45, 15))
