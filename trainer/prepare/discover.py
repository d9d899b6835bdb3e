"""What lies under a root, by its layout: groups of files not yet opened, and files that belong to nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from trainer.prepare.entry import Skipped
from trainer.prepare.layouts import Found, Layout, Lost, background_folders, backgrounds


def relative(root: Path, path: Path) -> str:
    """A path as an index names it; ``..`` leads to what lies elsewhere."""
    return Path(os.path.relpath(path, root)).as_posix()


def discover(
    root: Path, layout: Layout, places: list[Path], elsewhere: Sequence[Path]
) -> tuple[list[Found], list[Skipped]]:
    """What ``places``, all in one layout, hold, with groups relative to ``root``; and what is of no use."""
    found: list[Found] = []
    skipped: list[Skipped] = []
    for place, one in _all(root, layout, places, elsewhere):
        if isinstance(one, Lost):
            skipped.append(Skipped(relative(root, one.path), one.fault, one.reason))
        elif strange := next((path for path in one.files.values() if not _utf8(path)), None):
            name = os.fsencode(relative(root, strange)).decode(errors="backslashreplace")
            skipped.append(Skipped(name, "unreadable", "has a name that is not UTF-8"))
        else:
            found.append(replace(one, group=relative(root, place / one.group)))
    return found, [*skipped, *_closed(root, (root, *elsewhere))]


def _closed(root: Path, folders: Sequence[Path]) -> Iterator[Skipped]:
    """The folders that nobody may look into: a walk passes them by without a word."""
    faults: list[OSError] = []
    for folder in folders:
        for _, below, _ in os.walk(folder.resolve(), onerror=faults.append):
            below[:] = sorted(name for name in below if not name.startswith("."))
    for fault in faults:
        name = relative(root, Path(fault.filename))
        yield Skipped(name, "unreadable", f"cannot be looked into ({fault.strerror})")


def _all(
    root: Path, layout: Layout, places: list[Path], elsewhere: Sequence[Path]
) -> Iterator[tuple[Path, Found | Lost]]:
    for place in places:
        for one in layout.find(place):
            yield place, one
    if layout.name == "composition":
        beside = [] if root in places else background_folders(root)
        for folder in (*beside, *(folder.resolve() for folder in elsewhere)):
            for one in backgrounds(folder):
                yield folder.parent, one


def _utf8(path: Path) -> bool:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True
