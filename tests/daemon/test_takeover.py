"""A daemon that stood still for longer than its lease, at the worst moment: just before it publishes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from daemon import manifest
from daemon.engine import Engine
from daemon.ledger import Ledger
from tests.daemon.cases import config, still, wait_for
from tests.daemon.serving import running


def test_a_result_whose_claim_has_passed_on_is_not_published(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, write = config(tmp_path), manifest.write
    with Ledger(settings.state) as other:

        def taken_over(*arguments: Any, **named: Any) -> None:
            write(*arguments, **named)
            assert other.claim("another", 60, time.time() + 3600) is not None

        monkeypatch.setattr(manifest, "write", taken_over)
        still(tmp_path / "in")
        with running(settings, engine) as daemon:
            wait_for(lambda: daemon.told.ends)
            assert daemon.told.ends[0][0] == "superseded"
            assert [job.state for job in daemon.jobs()] == ["running"]
    assert [path.name for path in (tmp_path / "out").iterdir() if not path.name.startswith(".")] == []
