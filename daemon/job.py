"""A job as the ledger has it: one version of one clip, and how far it has come."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any, Literal, get_args

State = Literal["waiting", "running", "done", "failed", "set_aside", "cancelled"]
STATES: tuple[State, ...] = get_args(State)


@dataclass(frozen=True)
class Job:
    """One row of the ledger. Times are epoch seconds.

    key: of `job_key`. folder: the watched one. source: where the plate lies (`Clip.source`). attempts: tries
    that were begun, the running one among them, without those that a clean stop ended. frames_done: of the
    plate, from its first, durable on disk. error: of the last try. plan: what a resumed run must do again the
    same way. result: the published folder.
    """

    id: int
    key: str
    name: str
    folder: str
    source: str
    state: State
    attempts: int
    frames_done: int
    frames_total: int | None
    fps: float | None
    error: str | None
    plan: dict[str, Any] | None
    result: str | None
    retry_at: float | None
    created: float
    started: float | None
    finished: float | None

    @classmethod
    def from_row(cls, row: sqlite3.Row) -> Job:
        fields = {name: row[name] for name in cls.__dataclass_fields__}
        if fields["plan"] is not None:
            fields["plan"] = json.loads(fields["plan"])
        return cls(**fields)
