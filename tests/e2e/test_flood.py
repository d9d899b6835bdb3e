"""Very many files at once: a short form of `make flood-test`."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.flooding import flood


def test_of_files_that_come_at_once_each_clip_is_taken_up_once_and_whole(tmp_path: Path) -> None:
    told = flood(tmp_path, 3000, 1.0, 50.0)
    assert told["from the last file until all wait for a worker"] < 20
