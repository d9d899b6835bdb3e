"""Names of files as they are told, compared, and known to be of files that are still being written."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path

from daemon.media.find import UNFINISHED

Remark = Callable[[str], None]
"""Takes a sentence on what a scan left out. Each scan says it again; who logs it says it once."""


def is_unfinished(path: Path) -> bool:
    return path.name.lower().endswith(UNFINISHED) or path.stem.lower().endswith(UNFINISHED)


def is_text(path: Path, remark: Remark) -> bool:
    """Whether the name is text: it becomes a folder's name, a row in the ledger and a line in the log."""
    try:
        path.name.encode()
    except UnicodeEncodeError:
        remark(f"{shown(path)}: has a name that is not UTF-8; rename it.")
        return False
    return True


def shown(path: Path) -> str:
    return os.fsencode(path.name).decode(errors="backslashreplace")


def plain(name: str) -> str:
    """One spelling for an accented name, whether it came by way of macOS (decomposed) or not."""
    return unicodedata.normalize("NFC", name)


def some(paths: Iterable[Path]) -> str:
    names = [shown(path) for path in paths]
    return ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")
