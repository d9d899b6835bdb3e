"""The ledger as a file: shared, read beside the daemon, unusable."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from daemon.ledger import Ledger, LedgerError, LedgerView
from daemon.ledger_file import FILE
from tests.daemon.ledger_cases import offered, offered_and_claimed, open_ledger


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def ledger(state: Path) -> Iterator[Ledger]:
    with open_ledger(state) as opened:
        yield opened


def test_two_daemons_that_start_at_once_make_one_ledger(state: Path) -> None:
    gate = threading.Barrier(4)

    def start(_: int) -> None:
        gate.wait(10)
        open_ledger(state).close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(start, range(4)))

    with LedgerView(state) as view:
        assert view.jobs() == []


def test_status_reads_while_the_daemon_writes(ledger: Ledger, state: Path) -> None:
    offered(ledger)
    with LedgerView(state) as view, ledger._file.transaction() as db:
        db.execute("DELETE FROM job")

        assert view.counts()["waiting"] == 1


def test_daemon_writes_while_status_reads(ledger: Ledger, state: Path) -> None:
    offered(ledger)
    reader = sqlite3.connect(state / FILE, isolation_level=None)
    with closing(reader):
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM job").fetchone() == (1,)

        offered(ledger, "other")

        assert reader.execute("SELECT count(*) FROM job").fetchone() == (1,)


def test_status_without_a_ledger_makes_none(state: Path) -> None:
    with pytest.raises(LedgerError, match=r"ledger\.sqlite3: is not there yet; start dimd first"):
        LedgerView(state)

    assert not state.exists()


def test_file_that_is_no_ledger_is_one_sentence(state: Path) -> None:
    state.mkdir()
    (state / FILE).write_bytes(b"this is no database, " * 100)

    with pytest.raises(LedgerError, match="cannot be used as the ledger"):
        open_ledger(state)


def test_ledger_of_a_newer_dimd_is_left_alone(state: Path) -> None:
    open_ledger(state).close()
    connection = sqlite3.connect(state / FILE)
    connection.execute("PRAGMA user_version = 99")
    connection.close()

    with pytest.raises(LedgerError, match="was written by a newer dimd"):
        open_ledger(state)


def test_state_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(LedgerError, match="cannot hold the ledger"):
        open_ledger(tmp_path / "file/state")


def test_disk_fault_is_a_ledger_error_and_changes_nothing(ledger: Ledger, state: Path) -> None:
    job = offered_and_claimed(ledger)
    ledger._file._connection.execute("PRAGMA query_only = ON")

    with pytest.raises(LedgerError, match="cannot be used as the ledger"):
        ledger.done(job.id, Path("/out/shot"))
    ledger._file._connection.execute("PRAGMA query_only = OFF")

    ledger.done(job.id, Path("/out/shot"))
    assert ledger.get(job.id).state == "done"
