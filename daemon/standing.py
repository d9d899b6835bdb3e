"""Whether anything was added to a watched folder or taken out of it, told without looking at its files.

A folder's own time changes with every name that comes into it or leaves it, so a folder of a hundred thousand
files is known to be as it was by a handful of questions. What it cannot tell is a file that is written anew
in its place, and some file systems (object stores) keep no such times: it spares a scan, it replaces none.
"""

from __future__ import annotations

import os
from pathlib import Path

_DEPTH = 2
"""Folders below the watched one in which a scan looks: shot/plate."""


class Standing:
    """The times of a watched folder and of those in it, as they are now. Take it before the scan that it is
    to speak for, so that what comes during that is not missed.
    """

    def __init__(self, folder: Path) -> None:
        self._times: dict[str, int | None] = {}
        self._look(os.fspath(folder), _DEPTH)

    def _look(self, folder: str, depth: int) -> None:
        self._times[folder] = _time(folder)
        if depth:
            try:
                with os.scandir(folder) as entries:
                    inside = [entry.path for entry in entries if _is_folder(entry)]
            except OSError:
                return  # the scan says what is wrong with it
            for path in inside:
                self._look(path, depth - 1)

    @property
    def is_same(self) -> bool:
        """Whether all of them still have the times that they had."""
        return all(_time(folder) == time for folder, time in self._times.items())


def _time(folder: str) -> int | None:
    try:
        return Path(folder).stat().st_mtime_ns
    except OSError:
        return None


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return not entry.name.startswith(".") and entry.is_dir()
    except OSError:
        return False
