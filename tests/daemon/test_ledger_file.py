"""The ledger as a file: shared, read beside the daemon, unusable."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from daemon.ledger import Ledger, LedgerError, LedgerView
from daemon.ledger_file import FILE
from tests.daemon.cases import tree
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


def test_who_starts_while_another_makes_the_ledger_waits_for_it(state: Path) -> None:
    state.mkdir()
    other = sqlite3.connect(state / FILE, isolation_level=None, check_same_thread=False)
    with closing(other), ThreadPoolExecutor(1) as pool:
        other.execute("BEGIN IMMEDIATE")
        opened = pool.submit(open_ledger, state)
        with pytest.raises(TimeoutError):
            opened.result(0.3)
        other.execute("COMMIT")
        opened.result(20).close()


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


@contextmanager
def another_user(state: Path) -> Iterator[None]:
    """Who may read in the folder and no more, whoever runs this."""
    user, mode = os.geteuid(), state.stat().st_mode
    if user == 0:
        for above in state.parents:  # pytest's own are closed to others
            if not above.stat().st_mode & 0o001:
                above.chmod(0o755)
        os.seteuid(65534)
    else:
        for path in (state, *state.iterdir()):
            path.chmod(0o555)
    try:
        yield
    finally:
        os.seteuid(user)
        for path in (state, *state.iterdir()):
            path.chmod(mode)


def test_status_is_read_by_another_user_before_and_after_the_daemon_stops(state: Path) -> None:
    with open_ledger(state) as ledger:
        offered(ledger)
        with another_user(state), LedgerView(state) as view:
            assert [job.name for job in view.jobs()] == ["shot"]
    there = tree(state)

    with another_user(state), LedgerView(state) as view:
        assert [job.name for job in view.jobs()] == ["shot"]
    assert tree(state) == there


def test_another_user_is_told_whose_the_ledger_is_when_it_would_write(state: Path) -> None:
    def refused() -> str:
        with another_user(state), pytest.raises(LedgerError) as caught:
            with Ledger(state, create=False) as ledger:
                ledger.cancel(job.id)
        return str(caught.value)

    says = (
        f"{state / FILE}: this user may not write in {state}; "
        "run it as the daemon's user (sudo -u dimd dimd …)."
    )
    with open_ledger(state) as ledger:
        job = offered(ledger)
        assert refused() == says
    assert refused() == says
    with another_user(state), pytest.raises(LedgerError) as caught:
        open_ledger(state)
    assert str(caught.value) == says


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be another user")
def test_another_user_is_told_whose_a_closed_folder_is(state: Path) -> None:
    open_ledger(state).close()
    state.chmod(0o700)
    with another_user(state), pytest.raises(LedgerError) as caught:
        LedgerView(state)
    assert str(caught.value) == (
        f"{state / FILE}: this user may not look into {state}; "
        "run it as the daemon's user (sudo -u dimd dimd …)."
    )


def test_status_without_a_ledger_makes_none(state: Path) -> None:
    with pytest.raises(LedgerError, match=r"ledger\.sqlite3: is not there yet; start dimd first"):
        LedgerView(state)

    assert not state.exists()


def test_damaged_ledger_is_one_sentence_to_whoever_only_reads(state: Path) -> None:
    state.mkdir()
    (state / FILE).write_bytes(b"this is no database, " * 100)

    with pytest.raises(LedgerError, match="cannot be used as the ledger"):
        LedgerView(state)

    assert [path.name for path in state.iterdir()] == [FILE]


@pytest.mark.parametrize("where", [0, 5000])
def test_damaged_ledger_is_laid_aside_and_another_begun(state: Path, where: int) -> None:
    with open_ledger(state) as ledger:
        for number in range(200):
            offered(ledger, f"shot{number}")
    with (state / FILE).open("r+b") as file:
        file.seek(where)
        file.write(b"\xa5" * 4096)
    damaged = (state / FILE).read_bytes()

    with open_ledger(state) as ledger:
        assert ledger.jobs() == []
        assert ledger.mended is not None
        assert "was damaged, is laid aside as ledger.sqlite3.damaged-1, and is rebuilt" in ledger.mended
        offered(ledger)
    assert (state / f"{FILE}.damaged-1").read_bytes() == damaged
    with open_ledger(state) as ledger:
        assert ledger.mended is None
        assert len(ledger.jobs()) == 1


@pytest.mark.parametrize("remade", [False, True])
def test_a_ledger_that_is_taken_away_is_noticed(ledger: Ledger, state: Path, remade: bool) -> None:
    ledger.check_there()
    file = state / "ledger.sqlite3"
    file.rename(state / "kept")
    if remade:
        shutil.copy(state / "kept", file)
    with pytest.raises(LedgerError, match=r"ledger\.sqlite3: was taken away while dimd ran; started again"):
        ledger.check_there()


def test_damaged_ledger_is_left_while_another_daemon_has_it_open(state: Path) -> None:
    with open_ledger(state) as other:
        offered(other)
        other._file._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with (state / FILE).open("r+b") as file:
            file.write(b"\xa5" * 4096)
        with pytest.raises(LedgerError, match=r"is damaged .* and another daemon has it open; stop all"):
            open_ledger(state)
        assert not (state / f"{FILE}.damaged-1").exists()


@pytest.mark.parametrize("torn", ["cut short", "garbage"])
def test_torn_write_costs_the_last_step_and_no_other(state: Path, tmp_path: Path, torn: str) -> None:
    """The log ends in the midst of a transaction, as a power cut leaves it."""
    after = tmp_path / "after"
    after.mkdir()
    with open_ledger(state) as ledger:
        for number in range(20):
            offered(ledger, f"shot{number}")
        whole = (state / f"{FILE}-wal").stat().st_size
        offered(ledger, "last")
        log = (state / f"{FILE}-wal").read_bytes()
        (after / FILE).write_bytes((state / FILE).read_bytes())
    assert len(log) > whole
    end = log[whole : (whole + len(log)) // 2]
    (after / f"{FILE}-wal").write_bytes(log[:whole] + (end if torn == "cut short" else b"\xa5" * len(end)))

    with open_ledger(after) as ledger:
        assert ledger.mended is None
        assert sorted(job.name for job in ledger.jobs()) == sorted(f"shot{n}" for n in range(20))


def test_ledger_of_a_newer_dimd_is_left_alone(state: Path) -> None:
    open_ledger(state).close()
    with closing(sqlite3.connect(state / FILE)) as connection:
        connection.execute("DROP TABLE litter")
        connection.execute("PRAGMA user_version = 99")

    with pytest.raises(LedgerError, match="was written by a newer dimd"):
        open_ledger(state)
    with closing(sqlite3.connect(state / FILE)) as connection:
        assert connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'litter'").fetchall() == []


def test_ledger_from_before_litter_was_noted_keeps_its_jobs_and_notes_it(state: Path) -> None:
    with open_ledger(state) as ledger:
        job = offered_and_claimed(ledger)
        ledger.fail(job.id, "broken", None)
    with closing(sqlite3.connect(state / FILE)) as connection:
        connection.execute("DROP TABLE litter")

    with open_ledger(state) as ledger:
        ledger.forget(job.id)
        assert ledger.litter(job.folder) == [(job.key, job.name)]


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
