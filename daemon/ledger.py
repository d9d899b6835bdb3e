"""The ledger: what was dropped, who works on it, how far it is. The daemon's only memory across restarts.

Its promises: a clip dropped twice unchanged is one job; a job has one holder, whatever the number of threads
and daemons on the same state folder; what `commit_frames` returned from is never done again; a holder that
lost its claim (its lease ran out, the clip changed, a person cancelled) can write nothing more under it.
Daemons that share a watched folder share the state folder, on a local disk: SQLite's WAL is none for NFS.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from daemon.clip import Clip
from daemon.job import STATES, Job, State
from daemon.ledger_claims import CLAIM, CLAIMABLE, SET_THE_DEADLY_ASIDE
from daemon.ledger_file import LedgerError
from daemon.ledger_view import LedgerView
from daemon.owner import is_gone, owner_name

__all__ = ["ClaimLost", "Job", "Ledger", "LedgerError", "LedgerView", "State", "owner_name"]

_DEATHS = 5
"""A clip on which the daemon died this often, without a new frame between, is what kills it: set aside."""

_LEAVE = """
    INSERT OR IGNORE INTO litter (key, name, folder)
    SELECT key, name, folder FROM job WHERE started IS NOT NULL
"""
"""Note the work of jobs as litter; those that were never claimed have none."""

_NO_FRAMES = "frames_done = 0, frames_total = NULL, fps = NULL, plan = NULL"


class ClaimLost(LedgerError):  # noqa: N818  (an event that every holder must expect, not a fault)
    """The job is no longer this holder's: stop working on it and leave its row alone."""


class Ledger(LedgerView):
    """The ledger in the folder `state`, for writing. Safe to share between threads.

    clock: epoch seconds. create=False: for commands beside the daemon (see LedgerView). gone: whether the
    process of an owner's name has ended for certain. deadly: told of a job that was set aside because daemons
    died of it.
    """

    def __init__(
        self,
        state: Path,
        *,
        clock: Callable[[], float] = time.time,
        create: bool = True,
        gone: Callable[[str], bool] = is_gone,
        deadly: Callable[[Job], None] = lambda job: None,
    ) -> None:
        super().__init__(state, create=create)
        self._tell_deadly = deadly
        self._clock = clock
        self._gone = gone
        self._held: dict[int, str] = {}
        """The owner under which this object holds a job, by the job's id."""

    @contextmanager
    def together(self) -> Iterator[None]:
        """All that is written within is on the disk at its end, at once: ten thousand offers wait for one
        sync.
        """
        with self._file.transaction():
            yield

    def offer(self, clip: Clip, key: str) -> Job | None:
        """A new waiting job for the clip, or None where `key` is known.

        Jobs of an earlier version of the clip that are not done are forgotten, a running one with them: where
        its files have changed under it, its result would be of neither version.
        """
        with self._file.transaction() as db:
            if db.execute("SELECT 1 FROM job WHERE key = ?", (key,)).fetchall():
                return None
            db.execute(f"{_LEAVE} AND source = ? AND state <> 'done'", (clip.source,))
            db.execute("DELETE FROM job WHERE source = ? AND state <> 'done'", (clip.source,))
            (row,) = db.execute(
                "INSERT INTO job (key, name, folder, source, state, created)"
                " VALUES (?, ?, ?, ?, 'waiting', ?) RETURNING *",
                (key, clip.name, str(clip.folder), clip.source, self._clock()),
            ).fetchall()
        return Job.from_row(row)

    def claim(
        self,
        owner: str,
        lease: float,
        now: float,
        *,
        among: Collection[str] | None = None,
        longest: float | None = None,
    ) -> Job | None:
        """The oldest job whose time has come, now `owner`'s for `lease` seconds; None: there is none.

        Taken are waiting jobs, and running ones whose holder's lease has run out or whose process is gone.
        owner: of `owner_name()`, one to a process start. among: the keys that the caller has clips for.
        longest: seconds that a retry waits at most, whatever the clock did since it was noted.
        """
        with self._file.transaction() as db:
            running = db.execute("SELECT owner, key FROM job WHERE state = 'running'").fetchall()
            asked = {
                "now": now,
                "latest": None if longest is None else now + longest,
                "gone": json.dumps([name for name in {row["owner"] for row in running} if self._gone(name)]),
                "held": json.dumps(list(self._held)),
            }
            ours = [row["key"] for row in running if among is None or row["key"] in among]
            deadly = db.execute(
                SET_THE_DEADLY_ASIDE, {**asked, "deaths": _DEATHS, "running": json.dumps(ours)}
            ).fetchall()
            due = db.execute(CLAIMABLE, asked)
            first = next((row["id"] for row in due if among is None or row["key"] in among), None)
            due.close()
            taken = {"id": first, "owner": owner, "now": now, "until": now + lease}
            rows = db.execute(CLAIM, taken).fetchall()
        for row in deadly:
            self._tell_deadly(Job.from_row(row))
        if not rows:
            return None
        job = Job.from_row(rows[0])
        self._held[job.id] = owner
        return job

    def renew(self, job_id: int, owner: str, until: float) -> bool:
        """Hold the job until `until`; False: it is not `owner`'s any more (see ClaimLost and `let_go`)."""
        with self._file.transaction() as db:
            changed = db.execute(
                "UPDATE job SET lease_until = ? WHERE id = ? AND state = 'running' AND owner = ?",
                (until, job_id, owner),
            )
            return changed.rowcount == 1

    def rename(self, job_id: int, name: str) -> None:
        """Its clip's name is another now, because one like it came or went: the work under the old one is
        litter. Raises ClaimLost.
        """
        with self._file.transaction() as db:
            db.execute(f"{_LEAVE} AND id = ?", (job_id,))
            self._hold(job_id, "name = :name", name=name)

    def let_go(self, job_id: int) -> None:
        """All work here on a job that was lost has ended, so it may be claimed here again."""
        self._held.pop(job_id, None)

    def plan(self, job_id: int, plan: dict[str, Any], frames_total: int | None) -> None:
        """Keep what a resumed run has to repeat. Raises ClaimLost."""
        self._hold(job_id, "plan = :plan, frames_total = :total", plan=json.dumps(plan), total=frames_total)

    def commit_frames(
        self, job_id: int, stop: int, figures: Sequence[dict[str, Any]], fps: float | None
    ) -> None:
        """Frames 0 .. stop - 1 are durable; `figures` are those since the last commit. Raises ClaimLost."""
        with self._file.transaction() as db:
            self._hold(job_id, "frames_done = :stop, fps = :fps, lost = 0", stop=stop, fps=fps)
            ((start,),) = db.execute("SELECT count(*) FROM figure WHERE job = ?", (job_id,)).fetchall()
            if start + len(figures) != stop:
                raise ValueError(f"job {job_id}: {len(figures)} figures for the frames {start} to {stop - 1}")
            db.executemany(
                "INSERT INTO figure (job, position, figures) VALUES (?, ?, ?)",
                [(job_id, start + n, json.dumps(figure)) for n, figure in enumerate(figures)],
            )

    def restart(self, job_id: int) -> None:
        """Forget the frames and the plan: what they were made with is gone. Raises ClaimLost."""
        with self._file.transaction() as db:
            self._hold(job_id, _NO_FRAMES)
            db.execute("DELETE FROM figure WHERE job = ?", (job_id,))

    def done(self, job_id: int, result: Path) -> None:
        """The result is published. Raises ClaimLost."""
        self._end(job_id, "done", result=str(result))

    def fail(self, job_id: int, error: str, retry_at: float | None) -> None:
        """The try failed: again from `retry_at` on, frames kept, or None: for good. Raises ClaimLost."""
        self._end(job_id, "failed" if retry_at is None else "waiting", error=error, retry_at=retry_at)

    def wait(self, job_id: int, error: str) -> None:
        """Nothing is wrong with the clip, but it cannot go on now: frames kept, the try not counted. Raises
        ClaimLost.
        """
        self._end(job_id, "waiting", error=error, counted=False)

    def set_aside(self, job_id: int, error: str) -> None:
        """The clip lacks what only a person can supply. Also for a job not yet claimed. Raises ClaimLost."""
        with self._file.transaction() as db:
            waiting = db.execute(
                "UPDATE job SET state = 'set_aside', error = ?, retry_at = NULL, finished = ?"
                " WHERE id = ? AND state = 'waiting'",
                (error, self._clock(), job_id),
            ).rowcount
        if not waiting:
            self._end(job_id, "set_aside", error=error)

    def cancel(self, job_id: int) -> Job:
        """Nobody is to work on it any more; a holder finds its claim lost. Raises LedgerError if done."""
        return self._order(job_id, "cancelled", {"waiting", "running", "failed", "set_aside"})

    def retry(self, job_id: int) -> Job:
        """Try again now, frames kept and attempts renewed. Raises LedgerError unless it ended undone."""
        return self._order(job_id, "waiting", {"failed", "set_aside", "cancelled"})

    def unheld(self) -> list[Job]:
        """What nobody works on and is to be forgotten once its clip is gone."""
        rows = self._file.read(
            "SELECT * FROM job WHERE state IN ('waiting', 'running', 'failed', 'set_aside', 'cancelled')"
            " AND (state <> 'cancelled' OR started IS NOT NULL)"
        )
        return [Job.from_row(row) for row in rows if row["state"] != "running" or self._is_left(row)]

    def _is_left(self, row: sqlite3.Row) -> bool:
        held = row["id"] in self._held
        return not held and (row["lease_until"] <= self._clock() or self._gone(row["owner"]))

    def forget(self, job_id: int) -> None:
        """The clip is gone from its folder; should it come back, it is a new job. But a cancelled one stays,
        without its frames, for its clip may come back unwanted.
        """
        with self._file.transaction() as db:
            db.execute(f"{_LEAVE} AND id = ?", (job_id,))
            db.execute("DELETE FROM job WHERE id = ? AND state <> 'cancelled'", (job_id,))
            db.execute(f"UPDATE job SET {_NO_FRAMES}, started = NULL WHERE id = ?", (job_id,))
            db.execute("DELETE FROM figure WHERE job = ?", (job_id,))

    def swept(self, works: Collection[tuple[str, str]]) -> None:
        """These are litter no more. works: keys and names, as `litter` gives them."""
        with self._file.transaction() as db:
            db.executemany("DELETE FROM litter WHERE key = ? AND name = ?", works)

    def release(self, owner: str) -> int:
        """A clean stop: the owner's jobs wait again, frames kept, the try not counted. Returns how many."""
        with self._file.transaction() as db:
            released = db.execute(
                "UPDATE job SET state = 'waiting', owner = NULL, lease_until = NULL,"
                " attempts = max(attempts - 1, 0) WHERE state = 'running' AND owner = ?",
                (owner,),
            ).rowcount
        for job_id in [job_id for job_id, holder in list(self._held.items()) if holder == owner]:
            self.let_go(job_id)
        return released

    def _hold(self, job_id: int, change: str, **values: object) -> None:
        """Change the row of a job that is still held here. Raises ClaimLost."""
        with self._file.transaction() as db:
            changed = db.execute(
                f"UPDATE job SET {change} WHERE id = :id AND state = 'running' AND owner = :owner",
                {**values, "id": job_id, "owner": self._held.get(job_id)},
            )
            if changed.rowcount == 0:
                self.let_go(job_id)
                raise ClaimLost(
                    f"job {job_id}: is no longer held here; it changed, was cancelled or taken over."
                )

    def _end(
        self,
        job_id: int,
        state: State,
        *,
        error: str | None = None,
        retry_at: float | None = None,
        result: str | None = None,
        counted: bool = True,
    ) -> None:
        with self._file.transaction() as db:
            self._hold(
                job_id,
                "state = :state, error = :error, retry_at = :retry_at, result = :result,"
                " finished = :finished, owner = NULL, lease_until = NULL, attempts = attempts - :uncounted",
                state=state,
                uncounted=not counted,
                error=error,
                retry_at=retry_at,
                result=result,
                finished=None if state == "waiting" else self._clock(),
            )
            if state == "done":
                db.execute("DELETE FROM figure WHERE job = ?", (job_id,))
        self.let_go(job_id)  # only now: had the commit failed, the job would still be held

    def _order(self, job_id: int, state: State, allowed: Collection[State]) -> Job:
        """What a person orders, whoever holds the job."""
        with self._file.transaction() as db:
            before = self.get(job_id)
            if before.state not in allowed:
                can = ", ".join(_words(other) for other in STATES if other in allowed)
                again = state == "waiting" and before.state == "done"
                raise LedgerError(
                    f"job {job_id}: {before.name} is {_words(before.state)}; name one that is {can}"
                    f"{', or touch its clip to have that made again' if again else ''}."
                )
            db.execute(
                "UPDATE job SET state = ?, owner = NULL, lease_until = NULL, retry_at = NULL, finished = ?,"
                " attempts = 0, lost = 0, error = NULL WHERE id = ?",
                (state, None if state == "waiting" else self._clock(), job_id),
            )
            return self.get(job_id)


def _words(state: State) -> str:
    return state.replace("_", " ")
