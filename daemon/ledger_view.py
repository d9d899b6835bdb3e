"""The ledger as commands beside the daemon read it: jobs, counts, figures. It writes nothing."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from daemon.closing import Closing
from daemon.job import STATES, Job, State
from daemon.ledger_file import LedgerError, LedgerFile
from daemon.owner import is_gone

_LARGEST = 2**63 - 1
"""Number that SQLite has for a row, and can be asked for."""


class LedgerView(Closing):
    """Reads the ledger in the folder `state`; a context manager, safe to share between threads.

    create=False: the ledger must be there; a command beside the daemon must not leave one that belongs to
    whoever asked. Every method raises LedgerError when the file cannot be used.
    """

    def __init__(self, state: Path, *, create: bool = False) -> None:
        self._file = LedgerFile(state, create=create)

    @property
    def mended(self) -> str | None:
        """One sentence, where the ledger was damaged and this opening of it laid it aside."""
        return self._file.mended

    def check_there(self) -> None:
        """Raises LedgerError where its file was taken away, so that nobody else would see what is written."""
        self._file.check_there()

    def get(self, job_id: int) -> Job:
        """The job. Raises LedgerError where there is none."""
        rows = self._file.read("SELECT * FROM job WHERE id = ?", job_id) if abs(job_id) <= _LARGEST else []
        if not rows:
            raise LedgerError(f"job {job_id}: is not in the ledger; 'dimd status' lists the jobs.")
        return Job.from_row(rows[0])

    def find(self, key: str) -> Job | None:
        """The job of that key."""
        rows = self._file.read("SELECT * FROM job WHERE key = ?", key)
        return Job.from_row(rows[0]) if rows else None

    def jobs(self, states: Collection[State] | None = None, limit: int | None = None) -> list[Job]:
        """The newest `limit` jobs in one of `states` (None: all of either), newest first."""
        rows = self._file.read(
            "SELECT * FROM job WHERE state IN (SELECT value FROM json_each(?)) ORDER BY id DESC LIMIT ?",
            json.dumps(list(STATES if states is None else states)),
            -1 if limit is None else limit,
        )
        return [Job.from_row(row) for row in rows]

    def left(self, now: float) -> set[int]:
        """Ids of running jobs that nobody works on: their daemon has ended, or let its lease run out."""
        rows = self._file.read("SELECT id, owner, lease_until FROM job WHERE state = 'running'")
        return {row["id"] for row in rows if row["lease_until"] <= now or is_gone(row["owner"])}

    def litter(self, folder: str) -> list[tuple[str, str]]:
        """Key and name of each job of that watched folder whose work nobody is to go on with, though some may
        still lie in the folder for results.
        """
        rows = self._file.read(
            "SELECT key, name FROM litter WHERE folder = ? AND NOT EXISTS (SELECT 1 FROM job WHERE"
            " job.key = litter.key AND job.name = litter.name AND state NOT IN ('done', 'cancelled'))",
            folder,
        )
        return [(row["key"], row["name"]) for row in rows]

    def counts(self, folders: Collection[str] | None = None) -> dict[State, int]:
        """How many jobs are in each state. folders: the watched ones that waiting and running jobs are to be
        of, for those of others are nobody's, or another daemon's; None: of any.
        """
        found = dict.fromkeys(STATES, 0)
        found |= map(tuple, self._file.read("SELECT state, count(*) FROM job GROUP BY state"))
        if folders is not None:
            rows = self._file.read(
                "SELECT state, count(*) FROM job WHERE state IN ('waiting', 'running')"
                " AND folder NOT IN (SELECT value FROM json_each(?)) GROUP BY state",
                json.dumps(list(folders)),
            )
            for state, others in rows:
                found[state] -= others
        return found

    def last_done(self) -> float | None:
        """When a result was last published, in epoch seconds; None: none was."""
        ((last,),) = self._file.read("SELECT max(finished) FROM job WHERE state = 'done'")
        return last  # type: ignore[no-any-return]

    def figures(self, job_id: int) -> list[dict[str, Any]]:
        """What was committed of each frame, in order; empty once the job is done (the manifest has them)."""
        rows = self._file.read("SELECT figures FROM figure WHERE job = ? ORDER BY position", job_id)
        return [json.loads(row["figures"]) for row in rows]

    def close(self) -> None:
        self._file.close()
