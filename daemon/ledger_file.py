"""The ledger's file: SQLite in WAL mode, its transactions, a sentence for its faults.

WAL lets `dimd status` read beside the running daemon. `synchronous=FULL` makes a committed row survive
a power cut; at one commit a chunk that costs nothing that shows.

A file that is damaged all the same (a bad disk, a copy of a running one) is laid aside at the start, and an
empty ledger takes its place: the scan brings back the clips that lie there, and a job whose key a published
manifest has is done without being made again.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from daemon.ledger_tables import VERSION, make_tables, version_of
from daemon.media.durable import sync_folder

FILE = "ledger.sqlite3"
_GUARD = "ledger.lock"
"""Held shared by whoever writes the ledger, and alone by whoever lays a damaged one aside."""

_BUSY_SECONDS = 30.0
"""How long a writer waits for another one; a transaction of ours takes milliseconds."""


class LedgerError(RuntimeError):
    """One sentence: which ledger or job, what is wrong, how to mend it."""


class LedgerFile:
    """The open file: one connection, used by one thread at a time.

    create: make the folder and the tables where they are not there yet. Raises LedgerError, as all its
    methods do, when the file cannot be used.
    """

    def __init__(self, state: Path, *, create: bool) -> None:
        self._path = state / FILE
        self._lock = threading.RLock()
        self._guard: int | None = None
        self.mended: str | None = None
        try:
            if create:
                state.mkdir(parents=True, exist_ok=True)
            elif not self._path.exists():
                raise LedgerError(
                    f"{self._path}: is not there yet; start dimd first or correct 'state' in the config."
                )
        except OSError as error:
            if not create and isinstance(error, PermissionError):
                raise _anothers(self._path, "look into") from error
            raise LedgerError(
                f"{state}: cannot hold the ledger ({error.strerror}); "
                "correct 'state' in the config or its permissions."
            ) from error
        try:
            self._guard = _guard(state, self._path) if create else None
            self._connection = self._opened(create)
            self._identity = _identity(self._path)
        except BaseException:
            self._let_go()
            raise

    def _opened(self, create: bool) -> sqlite3.Connection:
        try:
            return _connect(self._path, create)
        except sqlite3.OperationalError as error:  # locked, full, not to be opened: nothing that is damaged
            if create or Path(f"{self._path}-wal").exists():
                raise self._unusable(error) from error
            return self._as_it_lies()
        except sqlite3.DatabaseError as error:
            if self._guard is None:
                raise self._unusable(error) from error
            aside = self._lay_aside(self._guard, error)
        self.mended = (
            f"{self._path}: was damaged, is laid aside as {aside.name}, and is rebuilt from the folders and "
            "the manifests; what lay failed, set aside or cancelled is tried again, so see to the disk."
        )
        try:
            return _connect(self._path, create)
        except sqlite3.Error as error:
            raise self._unusable(error) from error
        finally:
            fcntl.flock(self._guard, fcntl.LOCK_SH)

    def _as_it_lies(self) -> sqlite3.Connection:
        """For who may not write here, where SQLite would lay its index beside a file that nobody has open."""
        try:
            return _connect(self._path, create=False, as_it_lies=True)
        except sqlite3.Error as error:
            raise self._unusable(error) from error

    def _lay_aside(self, guard: int, error: sqlite3.DatabaseError) -> Path:
        try:
            fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise LedgerError(
                f"{self._path}: is damaged ({error}) and another daemon has it open; "
                "stop all that share it, and the first to start again rebuilds it."
            ) from error
        aside = next(path for n in count(1) if not (path := Path(f"{self._path}.damaged-{n}")).exists())
        for end in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                Path(f"{self._path}{end}").rename(f"{aside}{end}")
        self._path.rename(aside)
        sync_folder(aside.parent)
        return aside

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of it is written and on the disk, or none; no other process writes meanwhile. May be nested."""
        with self._lock:
            db = self._connection
            nested = db.in_transaction
            if nested:
                yield db
                return
            try:
                db.execute("BEGIN IMMEDIATE")
                yield db
                db.execute("COMMIT")
            except sqlite3.Error as error:
                raise self._unusable(error) from error
            finally:
                if db.in_transaction:
                    db.execute("ROLLBACK")

    def read(self, query: str, *values: object) -> list[sqlite3.Row]:
        """The rows of one SELECT, which sees whole transactions only and waits for no writer."""
        with self._lock:
            try:
                return self._connection.execute(query, values).fetchall()
            except sqlite3.Error as error:
                raise self._unusable(error) from error

    def check_there(self) -> None:
        """Raises LedgerError where the file was taken away: what is open goes on and is nobody else's."""
        if _identity(self._path) != self._identity:
            raise LedgerError(
                f"{self._path}: was taken away while dimd ran; started again, dimd rebuilds it from the "
                "folders and the manifests."
            )

    def close(self) -> None:
        with self._lock:
            self._connection.close()
            self._let_go()

    def _let_go(self) -> None:
        if self._guard is not None:
            os.close(self._guard)
            self._guard = None

    def _unusable(self, error: sqlite3.Error) -> LedgerError:
        if isinstance(error, sqlite3.OperationalError) and not _may_write(self._path):
            return _anothers(self._path, "write in")
        return LedgerError(
            f"{self._path}: cannot be used as the ledger ({error}); check its permissions and disk."
        )


def _anothers(file: Path, do: str) -> LedgerError:
    return LedgerError(
        f"{file}: this user may not {do} {file.parent}; run it as the daemon's user (sudo -u dimd dimd …)."
    )


def _identity(file: Path) -> tuple[int, int] | None:
    """Which file bears that name; None: none does."""
    try:
        look = file.stat()
    except FileNotFoundError:
        return None
    return look.st_dev, look.st_ino


def _may_write(file: Path) -> bool:
    return os.access(file.parent, os.W_OK | os.X_OK, effective_ids=True) and os.access(
        file, os.R_OK | os.W_OK, effective_ids=True
    )


def _guard(state: Path, file: Path) -> int:
    try:
        handle = os.open(state / _GUARD, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except PermissionError as error:
        raise _anothers(file, "write in") from error
    except OSError as error:
        raise LedgerError(
            f"{file}: cannot be used as the ledger ({error.strerror}); check its permissions and disk."
        ) from error
    fcntl.flock(handle, fcntl.LOCK_SH)  # waits while another lays a damaged ledger aside
    return handle


def _connect(file: Path, create: bool, *, as_it_lies: bool = False) -> sqlite3.Connection:
    """as_it_lies: without a lock, for a file that nobody writes to."""
    connection = sqlite3.connect(
        f"{file.absolute().as_uri()}{'?immutable=1' if as_it_lies else ''}",
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        uri=True,
    )
    try:
        _prepare(connection, file, create)
    except (sqlite3.Error, LedgerError):
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, file: Path, create: bool) -> None:
    connection.row_factory = sqlite3.Row
    if create:
        # Two daemons may start at once: the one that waits here finds the tables made.
        _write_ahead(connection)
        make_tables(connection)
        _check(connection)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    version = version_of(connection)
    if version == 0:
        raise LedgerError(f"{file}: holds no jobs yet; start dimd first.")
    if version > VERSION:
        raise LedgerError(
            f"{file}: was written by a newer dimd (format {version}, this one reads {VERSION}); "
            "update dimd or give another 'state' folder."
        )


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Turn WAL on. To do so SQLite makes a reader's lock a writer's, and lest two that do so wait for one
    another it gives up at once where it waits elsewhere: so the wait is ours.
    """
    due = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() >= due:
                raise
        time.sleep(0.01)


def _check(connection: sqlite3.Connection) -> None:
    """Raise DatabaseError where the file is damaged."""
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise sqlite3.DatabaseError(found.splitlines()[0])
