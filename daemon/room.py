"""Free disk where results go: below the mark that the config sets, work waits rather than fills the disk."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

from daemon.patience import MOUNT_SECONDS, Patience
from daemon.section import GIB

_DISKS = Patience(MOUNT_SECONDS)


class NoRoomError(OSError):
    """A disk has come below the mark while a clip was made. One sentence."""


def nearest(folder: Path) -> Path:
    """The folder itself, or the nearest above it that exists. Raises OSError."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def free_bytes(folder: Path) -> int:
    """Free space on the disk of ``folder``, or of the nearest folder above it that exists. Raises OSError,
    also for a disk that does not answer.
    """
    return _DISKS.ask(folder, partial(_free_bytes, folder))


def _free_bytes(folder: Path) -> int:
    return shutil.disk_usage(nearest(folder)).free


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
