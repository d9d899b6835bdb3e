"""What lies in a watched folder, as clips: each plate with the trimap, mask, clean plate, background and
settings that belong to it. A scan reads names and stats alone, opens nothing, remembers nothing.

    shot.mov  shot_trimap.mov  shot_bg.jpg  shot.yaml         files beside each other
    shot.1001.exr ...          shot_mask.1001.exr ...         sequences likewise
    shot/0001.png ...          shot_mask/0001.png ...         a folder of frames is one sequence
    shot/plate/ trimap/ mask/ clean/ bg/ dimd.yaml            all of it in one folder

What cannot be told apart is left out until somebody mends it, with one sentence: a wrong guess would cost a
render and be found late.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from daemon.clip import Clip, OutsideError, Role, leads_out, stamp_of
from daemon.clip_folder import FRAME, ROLES, SETTINGS, SIDECAR, Beside, in_folder, settings_files
from daemon.file_names import Remark, is_text, is_unfinished, plain, shown, some
from daemon.media import MediaRef
from daemon.media.find import Entry, grouped, listed
from daemon.waiting import Waiting

_ONE_FRAME = re.compile(r"(?P<base>.+)\.-?\d+", re.DOTALL)


@dataclass(frozen=True)
class _Plate:
    """A plate and what lies in its own folder with it. name: before clashes are resolved."""

    name: str
    ref: MediaRef
    inner: Beside


def _unsaid(sentence: str) -> None:
    """For a caller who wants the clips alone."""


def scan(folder: Path, remark: Remark = _unsaid, *, follow_links: bool = False) -> list[Clip]:
    """The clips in `folder`, sorted by plate. follow_links: those too that a link leads out of the folder.

    Raises MediaError when the folder itself cannot be read.
    """
    plates, beside = _told_apart(folder, listed(folder), remark, bound=not follow_links)
    plates.sort(key=lambda plate: plate.ref.path)
    names = _distinct(folder, plates, remark)
    clips = []
    for plate, name in zip(plates, names, strict=True):
        outer = beside[_owner(plate.name, beside)]
        clip = _clip(folder, name, plate, outer, remark, not follow_links)
        if clip is not None:
            clips.append(clip)
    served = {_owner(plate.name, beside) for plate in plates}
    if alone := sorted(beside.keys() - served):
        waiting = Waiting((plate.name, plate.ref) for plate in plates if plate.ref.path.parent == folder)
        for owner in alone:
            for path, role in beside[owner].paths():
                remark(f"{shown(path)}: {waiting.words(owner, path.suffix, role)}")
    return clips


def sidecars_of(folder: Path, name: str) -> Beside:
    """Media and settings that lie in `folder` under the name of a plate, whether or not a scan takes that for
    a clip. Raises MediaError as `scan` does.
    """
    _, beside = _told_apart(folder, listed(folder), _unsaid)
    return beside[name]


def clip_in(folder: Path, remark: Remark = _unsaid) -> Clip | None:
    """The clip of a folder, as a scan of where it lies finds it, though the folder be named like a sidecar;
    None, and a remark, where it holds none or cannot be told apart. Raises MediaError as `scan` does.
    """
    found = in_folder(folder, remark) if is_text(folder, remark) else None
    if found is None:
        return None
    name = plain(folder.name)
    one = _ONE_FRAME.fullmatch(name)
    begin = one["base"] if one is not None else name
    # Of a thousand shots beside it none is looked into.
    near = [entry for entry in listed(folder.parent) if plain(entry.name).startswith(begin)]
    _, beside = _told_apart(folder.parent, near, _unsaid)
    return _clip(folder.parent, name, _Plate(name, *found), beside[_owner(name, beside)], remark, bound=False)


def _told_apart(
    folder: Path, inside: list[Entry], remark: Remark, *, bound: bool = False
) -> tuple[list[_Plate], dict[str, Beside]]:
    """The plates of what lies in `folder`, and by the name that it carries what goes with one. bound: no
    folder is looked into that a link leads to out of it.
    """
    plates: list[_Plate] = []
    beside: dict[str, Beside] = defaultdict(Beside)
    for name, ref, inner in _entries(folder, inside, remark, bound):
        sidecar = SIDECAR.fullmatch(name)
        if sidecar is None:
            plates.append(_Plate(name, ref, inner))
        else:
            beside[sidecar["owner"]].media[_role(sidecar)].append(ref)
    names = {plate.name for plate in plates}
    kept: list[_Plate] = []
    for plate in plates:
        frame = FRAME.fullmatch(plate.name) if plate.ref.kind == "still" else None
        if frame is not None and frame["owner"] in names:
            beside[frame["owner"]].media[_role(frame)].append(plate.ref)
        else:
            kept.append(plate)
    for file in settings_files(folder, inside):
        beside[plain(file.stem)].settings.append(file)
    return kept, beside


def _role(sidecar: re.Match[str]) -> Role:
    return next(role for role in ROLES if role == sidecar["role"].lower())


def _entries(
    folder: Path, inside: list[Entry], remark: Remark, bound: bool
) -> Iterator[tuple[str, MediaRef, Beside]]:
    """Every plate or sidecar: its name, its media, and what lies in its own folder with it."""
    flat = grouped(folder, inside)
    for ref in flat:
        if is_text(ref.path, remark):
            yield _name(ref, folder), ref, Beside()
    known = {name for ref in flat for name in ref.names}
    for entry in inside:
        if entry.name in known:
            continue
        path = folder / entry.name
        if is_unfinished(path):
            continue
        if not path.is_dir():
            if path.suffix.lower() not in SETTINGS:
                remark(f"{shown(path)}: is no still, sequence or video by its name; dimd passes over it.")
        elif is_text(path, remark):
            name, faults = plain(path.name), list[str]()
            found = None
            if bound and entry.is_symlink() and leads_out(path, folder):
                faults.append(_outside(path))
            else:
                found = in_folder(path, faults.append)
            for fault in faults:
                remark(fault)
            if found is not None:
                yield name, *found
            elif faults and SIDECAR.fullmatch(name):
                waits = "keeps its plate waiting; leave one clip in it that dimd may read."
                yield name, MediaRef("sequence", path, fault=waits), Beside()


def _clip(folder: Path, name: str, plate: _Plate, outer: Beside, remark: Remark, bound: bool) -> Clip | None:
    media: dict[Role, MediaRef | None] = {}
    for role in ROLES:
        refs = [*plate.inner.media[role], *outer.media[role]]
        if len(refs) > 1:
            remark(many(name, f"files for {role}", [ref.path for ref in refs]))
            return None
        media[role] = refs[0] if refs else None
    settings = [*plate.inner.settings, *outer.settings]
    if len(settings) > 1:
        remark(many(name, "settings files", settings))
        return None
    own = settings[0] if settings else None
    # A sequence's path is as its files' names are, but for digits.
    paths = [ref.path for ref in (plate.ref, *media.values()) if ref is not None] + settings
    if not all(is_text(path, remark) for path in paths):
        return None
    for ref in (plate.ref, *media.values()):
        if ref is not None and ref.fault:
            remark(f"{ref.path.relative_to(folder)}: {ref.fault}")
            return None
    try:
        # Whoever may drop a clip may not read all that dimd may, such as another show's folder.
        stamp = stamp_of(folder, (plate.ref, *media.values()), own, bound=bound)
    except OutsideError as error:
        remark(_outside(error.file))
        return None
    except FileNotFoundError as error:
        # else it was moved away since it was listed; the next scan sees what is there then
        if (missed := Path(error.filename)).is_symlink():
            remark(f"{shown(missed)}: is a link that leads nowhere; bring what it leads to, or take it away.")
        return None
    except OSError as error:
        remark(
            f"{name}: cannot be looked at ({error.strerror}); give dimd's user access to {error.filename}."
        )
        return None
    return Clip(name=name, folder=folder, plate=plate.ref, settings=own, stamp=stamp, bound=bound, **media)


def _outside(link: Path) -> str:
    return (
        f"{shown(link)}: is a link out of the watched folder; copy what it leads to into there, "
        "or set watch: follow_links: true."
    )


def many(name: str, what: str, paths: Sequence[Path]) -> str:
    """What to say of a clip that has several of what it can have one of."""
    return f"{name}: has {len(paths)} {what} ({some(paths)}); keep one."


def _distinct(folder: Path, plates: list[_Plate], remark: Remark) -> list[str]:
    """A name for each plate's result: its own, or with the suffix where several plates share one."""
    shared = {name for name, count in Counter(plate.name for plate in plates).items() if count > 1}
    taken = {plate.name for plate in plates} - shared
    names: list[str] = []
    for plate in plates:
        name = plate.name
        if name in shared:
            if plate.ref.path.parent == folder:
                name = f"{name}_{plate.ref.path.suffix[1:].lower()}"
            tries = (name, *(f"{name}_{number}" for number in range(2, len(plates) + 2)))
            name = next(each for each in tries if each not in taken)
            taken.add(name)
        names.append(name)
    for name in sorted(shared):
        same = [(plate.ref.path, own) for plate, own in zip(plates, names, strict=True) if plate.name == name]
        called = ", ".join(own for _, own in same)
        remark(f"{name}: is the name of {some(path for path, _ in same)}; their results are called {called}.")
    return names


def _owner(name: str, beside: dict[str, Beside]) -> str:
    """The name that a plate's sidecars carry: shot for shot.1001, the one frame there is of a sequence."""
    one = _ONE_FRAME.fullmatch(name)
    return one["base"] if one is not None and name not in beside and one["base"] in beside else name


def _name(ref: MediaRef, folder: Path) -> str:
    if ref.kind != "sequence":
        return plain(ref.path.stem)
    base = ref.path.stem.rstrip("#").rstrip("._- ")
    return plain(base or folder.name)
