"""One run of ``dim-train prepare``: find, look into what is new, divide, write."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath

from rich.console import Console
from rich.progress import track

from trainer.prepare.discover import discover, relative
from trainer.prepare.entry import Entry, File, Role, Skipped, Split
from trainer.prepare.errors import LayoutError, NothingToTrainOnError, PrepareError, UnfitError
from trainer.prepare.examine import Facts, examine
from trainer.prepare.index import Header, Index, digest, write
from trainer.prepare.layouts import Found, recognise
from trainer.prepare.split import Shares, published

_COMPOSITES: dict[Split, int] = {"train": 100, "valid": 20, "test": 20}
"""Composites of a foreground (Xu et al., CVPR 2017, section 3)."""

_Line = Entry | Skipped
_Stats = frozenset[tuple[Role, str, int, int]]
"""Role, path, bytes and time of files that belong together: if these are the same, so is the rest."""


@dataclass(frozen=True)
class Report:
    """What a run did. examined, kept: groups of files opened, and taken over from the last index. gone: paths
    that the last index had and the disk has not. left_out: files that are there and not of this set any more.
    """

    index: Index
    examined: int
    kept: int
    gone: tuple[str, ...]
    left_out: tuple[str, ...]


def prepare(
    root: Path,
    out: Path,
    *,
    layout: str | None = None,
    elsewhere: Sequence[Path] = (),
    shares: Shares | None = None,
    premultiplied: bool = False,
    console: Console | None = None,
) -> Report:
    """Index ``root`` into ``out``. What the index there knows already is taken over unopened.

    elsewhere: more folders of backgrounds. premultiplied: see ``Entry``. console:
    where progress is drawn, if anywhere. Raises ``PrepareError``; then ``out`` is as it was.
    """
    root, shares = root.resolve(), shares or Shares()
    last = Index.read(out) if out.exists() else None
    if last is not None and last.root != root:
        raise LayoutError(f"{out}: is the index of {last.root}; name another --out for {root}.")
    before: tuple[_Line, ...] = () if last is None else (*last.entries, *last.skipped)
    known = {_stats(line.files): line for line in before if line.files}
    chosen, places = recognise(root, layout)
    found, lost = discover(root, chosen, places, elsewhere)
    lines: list[_Line] = []
    examined = 0
    pool = ThreadPoolExecutor(os.cpu_count())  # OpenImageIO, PyAV and hashlib let go of Python's lock
    try:
        looks = pool.map(partial(_look, root, known), found)
        for group, look in zip(found, _watched(looks, len(found), console), strict=True):
            examined += look.is_new
            if isinstance(look.outcome, Skipped):
                lines.append(look.outcome)
            else:
                lines.append(_entry(group, look.files, look.outcome, shares, premultiplied))
    finally:
        pool.shutdown(cancel_futures=True)
    lines += lost
    if not any(isinstance(line, Entry) and line.kind != "background" for line in lines):
        skipped = tuple(line for line in lines if isinstance(line, Skipped))
        told = "fill its folders"
        if skipped:
            first = f"{skipped[0].skipped} {skipped[0].reason}"
            told = f"mend what was skipped, {len(skipped)} in all ({first})"
        raise NothingToTrainOnError(f"{root}: holds nothing to train on; {told}.", skipped)
    try:
        write(out, Header(relative(out.resolve().parent, root), chosen.name, shares.seed), lines)
    except OSError as error:
        raise PrepareError(f"{out}: cannot be written ({error.strerror}); name another --out.") from error
    dropped = sorted(_paths(before) - _paths(lines))
    left_out = tuple(name for name in dropped if (root / name).is_file())
    gone = tuple(name for name in dropped if not (root / name).exists())
    return Report(Index.read(out), examined, len(found) - examined, gone, left_out)


@dataclass(frozen=True)
class _Look:
    """What is known of one group of files, from a look into it or, if not ``is_new``, from the last index."""

    files: dict[Role, File]
    outcome: Facts | Skipped
    is_new: bool = True


def _look(root: Path, known: Mapping[_Stats, _Line], found: Found) -> _Look:
    files: dict[Role, File] = {}
    try:
        stats = {role: path.stat() for role, path in found.files.items()}
        names = {role: relative(root, path) for role, path in found.files.items()}
        line = known.get(
            frozenset((role, names[role], stat.st_size, stat.st_mtime_ns) for role, stat in stats.items())
        )
        if isinstance(line, Skipped):
            return _Look(line.files, line, is_new=False)
        if line is not None:
            return _Look(line.files, Facts(line.width, line.height, line.frames), is_new=False)
        for role, path in found.files.items():
            files[role] = File(names[role], stats[role].st_size, stats[role].st_mtime_ns, digest(path))
        return _Look(files, examine(found))
    except UnfitError as error:
        return _Look(files, Skipped(relative(root, error.path), error.fault, error.reason, files))
    except OSError as error:  # a disk or a right that may be mended while the file stays as it is: not kept
        path = Path(error.filename or next(iter(found.files.values())))
        reason = f"cannot be opened ({error.strerror})"
        return _Look({}, Skipped(relative(root, path), "unreadable", reason))


def _entry(found: Found, files: dict[Role, File], facts: Facts, shares: Shares, premultiplied: bool) -> Entry:
    name = next(iter(files.values())).path
    split = published(PurePath(name).parent) or shares.split(found.group)
    return Entry(
        name,
        found.kind,
        split,
        found.group,
        facts.width,
        facts.height,
        facts.frames,
        files,
        premultiplied and "rgba" in files,
        _COMPOSITES[split] if found.kind == "foreground" else None,
        found.mask_above,
    )


def _watched(looks: Iterable[_Look], count: int, console: Console | None) -> Iterable[_Look]:
    return looks if console is None else track(looks, "examining", count, console=console)


def _stats(files: Mapping[Role, File]) -> _Stats:
    return frozenset((role, file.path, file.bytes, file.mtime_ns) for role, file in files.items())


def _paths(lines: Iterable[_Line]) -> set[str]:
    named = {line.skipped for line in lines if isinstance(line, Skipped)}
    return named | {file.path for line in lines for file in line.files.values()}
