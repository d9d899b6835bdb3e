"""Several daemons on one folder: a short form of `make crowd-test`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.crowding import crowd

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("daemons", [2, 4])
def test_each_clip_is_done_once_though_one_daemon_is_killed_and_one_stopped(
    tmp_path: Path, daemons: int
) -> None:
    told = crowd(tmp_path / "home", daemons, 26)
    assert told["watching"] == daemons
