"""The ledger's tables, as SQL."""

from __future__ import annotations

import sqlite3

VERSION = 1

_TABLES = """
CREATE TABLE job (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    key          TEXT NOT NULL UNIQUE,
    name         TEXT NOT NULL,
    folder       TEXT NOT NULL,
    source       TEXT NOT NULL,
    state        TEXT NOT NULL
                 CHECK (state IN ('waiting', 'running', 'done', 'failed', 'set_aside', 'cancelled')),
    attempts     INTEGER NOT NULL DEFAULT 0,
    lost         INTEGER NOT NULL DEFAULT 0,
    owner        TEXT,
    lease_until  REAL,
    retry_at     REAL,
    frames_done  INTEGER NOT NULL DEFAULT 0,
    frames_total INTEGER,
    fps          REAL,
    error        TEXT,
    plan         TEXT,
    result       TEXT,
    created      REAL NOT NULL,
    started      REAL,
    finished     REAL
);
CREATE INDEX job_state ON job (state, id);
CREATE INDEX job_source ON job (source);
CREATE TABLE figure (
    job      INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    figures  TEXT NOT NULL,
    PRIMARY KEY (job, position)
) WITHOUT ROWID;
"""

_LITTER = """
CREATE TABLE IF NOT EXISTS litter (
    key    TEXT NOT NULL,
    name   TEXT NOT NULL,
    folder TEXT NOT NULL,
    PRIMARY KEY (key, name)
) WITHOUT ROWID;
"""
"""Came later: a ledger of the same version may lack it, and whoever does not know it passes over it."""


def make_tables(connection: sqlite3.Connection) -> None:
    """Those that are not there yet, in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    if version_of(connection) == 0:
        for statement in _TABLES.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
    if version_of(connection) == VERSION:
        connection.execute(_LITTER)
    connection.execute("COMMIT")


def version_of(connection: sqlite3.Connection) -> int:
    """Of the tables that are there; 0: none are."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
