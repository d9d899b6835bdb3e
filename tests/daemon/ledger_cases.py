"""Clips and claims for the tests of the ledger, at a time that stands still."""

from __future__ import annotations

from pathlib import Path

from daemon.clip import Clip
from daemon.ledger import Job, Ledger
from daemon.media import MediaRef

LEASE = 60.0
NOW = 1_800_000_000.0


def clip(name: str, folder: Path = Path("/drop")) -> Clip:
    file = folder / f"{name}.png"
    plate = MediaRef("still", file)
    return Clip(name, folder, plate, None, None, None, None, None, ((file.name, 1, 1),))


def never(owner: str) -> bool:
    return False


def open_ledger(state: Path, **options: object) -> Ledger:
    return Ledger(state, clock=lambda: NOW, **{"gone": never, **options})  # type: ignore[arg-type]


def offered(ledger: Ledger, name: str = "shot", key: str | None = None) -> Job:
    job = ledger.offer(clip(name), key or f"key of {name}")
    assert job is not None
    return job


def claimed(ledger: Ledger, owner: str = "me", now: float = NOW) -> Job:
    job = ledger.claim(owner, LEASE, now)
    assert job is not None
    return job


def offered_and_claimed(ledger: Ledger, name: str = "shot") -> Job:
    offered(ledger, name)
    return claimed(ledger)
