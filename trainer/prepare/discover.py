"""What lies under a root, by its layout: groups of files not yet opened, and files that belong to nothing."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from trainer.prepare.entry import Skipped
from trainer.prepare.layouts import (
    FOREIGN,
    PICTURES,
    VIDEOS,
    Found,
    Layout,
    Lost,
    background_folders,
    backgrounds,
)


def relative(root: Path, path: Path) -> str:
    """A path as an index names it; ``..`` leads to what lies elsewhere."""
    return Path(os.path.relpath(path, root)).as_posix()


def discover(
    root: Path, layout: Layout, places: list[Path], elsewhere: Sequence[Path]
) -> tuple[list[Found], list[Skipped]]:
    """What ``places``, all in one layout, hold, with groups relative to ``root``; and what is of no use."""
    found: list[Found] = []
    skipped: list[Skipped] = []
    seen: set[Path] = set()
    for place, one in _all(root, layout, places, elsewhere):
        seen |= {one.path} if isinstance(one, Lost) else {*one.files.values()}
        if isinstance(one, Lost):
            skipped.append(Skipped(relative(root, one.path), one.fault, one.reason))
        elif strange := next((path for path in one.files.values() if not _utf8(path)), None):
            skipped.append(Skipped(_told(root, strange), "unreadable", "has a name that is not UTF-8"))
        else:
            found.append(replace(one, group=relative(root, place / one.group)))
    return found, [*skipped, *_passed_by(root, layout, (root, *elsewhere), seen)]


def _passed_by(
    root: Path, layout: Layout, folders: Sequence[Path], seen: Collection[Path]
) -> Iterator[Skipped]:
    """What the layout has no use for, and the folders that nobody may look into: it passed them by without a
    word.
    """
    faults: list[OSError] = []
    lines: dict[str, Skipped] = {}
    for folder in folders:
        for at, below, names in os.walk(folder.resolve(), onerror=faults.append):
            below[:] = sorted(name for name in below if not name.startswith("."))
            unused = 0
            for path in (Path(at, name) for name in sorted(names) if not name.startswith(".")):
                kind = path.suffix.lower()
                if kind in FOREIGN:
                    told = _told(root, path)
                    reason = f"is of a kind that is not read ({kind}); save it as PNG, EXR or ProRes 4444"
                    lines[told] = Skipped(told, "other kind", reason)
                unused += kind in PICTURES | VIDEOS and path not in seen
            if unused:
                told = _told(root, Path(at))
                reason = f"holds {unused} files that {layout.name} has no use for there"
                lines[told] = Skipped(told, "not of the layout", reason)
    yield from lines.values()
    for fault in faults:
        name = relative(root, Path(fault.filename))
        yield Skipped(name, "unreadable", f"cannot be looked into ({fault.strerror})")


def _told(root: Path, path: Path) -> str:
    """A relative path that can be written down, whatever its name."""
    return os.fsencode(relative(root, path)).decode(errors="backslashreplace")


def _all(
    root: Path, layout: Layout, places: list[Path], elsewhere: Sequence[Path]
) -> Iterator[tuple[Path, Found | Lost]]:
    for place in places:
        for one in layout.find(place):
            yield place, one
    beside = background_folders(root) if layout.name == "composition" and root not in places else []
    for folder in (*beside, *(folder.resolve() for folder in elsewhere)):
        for one in backgrounds(folder):
            yield folder.parent, one


def _utf8(path: Path) -> bool:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True
