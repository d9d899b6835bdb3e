"""Free disk where results go: below the mark that the config sets, work waits rather than fills the disk."""

from __future__ import annotations

from pathlib import Path

from daemon.metrics import free_bytes
from daemon.section import GIB


class NoRoomError(OSError):
    """A disk has come below the mark while a clip was made. One sentence."""


def shortage(folder: Path, need: float) -> str | None:
    """What is wrong with the disk of `folder`, in a sentence; None: it has `need` GiB free."""
    try:
        if free_bytes(folder) >= need * GIB:
            return None
    except OSError as error:
        return f"{folder}: cannot be looked at ({error.strerror}); clips wait until it is back."
    return (
        f"{folder}: has less than {need:g} GiB free; "
        "clips wait until there is room, or limits: min_free_gib is lowered."
    )
