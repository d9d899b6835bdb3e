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

import os
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from daemon.clip import Clip, OutsideError, Role, stamp_of
from daemon.media import MediaError, MediaRef, find_media
from daemon.media.find import UNFINISHED, Entry, grouped, is_file, listed
from daemon.waiting import Waiting

Remark = Callable[[str], None]
"""Takes a sentence on what a scan left out. Each scan says it again; who logs it says it once."""

ROLES: tuple[Role, ...] = get_args(Role)
_SIDECAR = re.compile(rf"(?P<owner>.+)_(?P<role>{'|'.join(ROLES)})(?:\.\d+)?", re.IGNORECASE | re.DOTALL)
"""A name that is never a plate's, even before the plate has come; .1001 is a sequence's first frame."""

_ONE_FRAME = re.compile(r"(?P<base>.+)\.\d+", re.DOTALL)
_SETTINGS = (".yaml", ".yml")
_INNER = frozenset(("plate", *ROLES, "dimd.yaml", "dimd.yml"))
"""What has a meaning of its own in a clip's folder, in small letters or capitals."""

_FOLDERS = "plate/, trimap/, mask/, clean/ and bg/"


@dataclass
class _Beside:
    """What goes with a plate, before it is known to be unambiguous."""

    media: dict[Role, list[MediaRef]] = field(default_factory=lambda: defaultdict(list))
    settings: list[Path] = field(default_factory=list)

    def paths(self) -> Iterator[tuple[Path, Role | None]]:
        """role: of a still."""
        for role, refs in self.media.items():
            yield from ((ref.path, role if ref.kind == "still" else None) for ref in refs)
        yield from ((path, None) for path in self.settings)


@dataclass(frozen=True)
class _Plate:
    """A plate and what lies in its own folder with it. name: before clashes are resolved."""

    name: str
    ref: MediaRef
    inner: _Beside


def _unsaid(sentence: str) -> None:
    """For a caller who wants the clips alone."""


def scan(folder: Path, remark: Remark = _unsaid, *, follow_links: bool = False) -> list[Clip]:
    """The clips in `folder`, sorted by plate. follow_links: those too that a link leads out of the folder.

    Raises MediaError when the folder itself cannot be read.
    """
    plates, beside = _told_apart(folder, listed(folder), remark)
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
                remark(f"{_shown(path)}: {waiting.words(owner, path.suffix, role)}")
    return clips


def sidecars_of(folder: Path, name: str) -> tuple[dict[Role, MediaRef], Path | None]:
    """Media and settings that lie in `folder` under the name of a plate, whether or not a scan takes that for
    a clip; where two are of one role, the first. Raises MediaError as `scan` does.
    """
    _, beside = _told_apart(folder, listed(folder), _unsaid)
    found = beside[name]
    return {role: refs[0] for role, refs in found.media.items()}, next(iter(found.settings), None)


def clip_in(folder: Path, remark: Remark = _unsaid) -> Clip | None:
    """The clip of a folder, as a scan of where it lies finds it, though the folder be named like a sidecar;
    None, and a remark, where it holds none or cannot be told apart. Raises MediaError as `scan` does.
    """
    found = _in_folder(folder, remark) if _sayable(folder, remark) else None
    if found is None:
        return None
    name = _plain(folder.name)
    one = _ONE_FRAME.fullmatch(name)
    begin = one["base"] if one is not None else name
    # Of a thousand shots beside it none is looked into.
    near = [entry for entry in listed(folder.parent) if _plain(entry.name).startswith(begin)]
    _, beside = _told_apart(folder.parent, near, _unsaid)
    return _clip(folder.parent, name, _Plate(name, *found), beside[_owner(name, beside)], remark, bound=False)


def _told_apart(folder: Path, inside: list[Entry], remark: Remark) -> tuple[list[_Plate], dict[str, _Beside]]:
    """The plates of what lies in `folder`, and by the name that it carries what goes with one."""
    plates: list[_Plate] = []
    beside: dict[str, _Beside] = defaultdict(_Beside)
    for name, ref, inner in _entries(folder, inside, remark):
        sidecar = _SIDECAR.fullmatch(name)
        if sidecar is None:
            plates.append(_Plate(name, ref, inner))
        else:
            beside[sidecar["owner"]].media[_role(sidecar)].append(ref)
    for file in _settings_files(folder, inside):
        beside[_plain(file.stem)].settings.append(file)
    return plates, beside


def _role(sidecar: re.Match[str]) -> Role:
    return next(role for role in ROLES if role == sidecar["role"].lower())


def _entries(folder: Path, inside: list[Entry], remark: Remark) -> Iterator[tuple[str, MediaRef, _Beside]]:
    """Every plate or sidecar: its name, its media, and what lies in its own folder with it."""
    flat = grouped(folder, inside)
    for ref in flat:
        if _sayable(ref.path, remark):
            yield _name(ref, folder), ref, _Beside()
    known = {name for ref in flat for name in ref.names}
    for entry in inside:
        if entry.name in known:
            continue
        path = folder / entry.name
        if _unfinished(path):
            continue
        if not path.is_dir():
            if path.suffix.lower() not in _SETTINGS:
                remark(f"{_shown(path)}: is no still, sequence or video by its name; dimd passes over it.")
        elif _sayable(path, remark):
            name, faults = _plain(path.name), list[str]()
            found = _in_folder(path, faults.append)
            for fault in faults:
                remark(fault)
            if found is not None:
                yield name, *found
            elif faults and _SIDECAR.fullmatch(name):
                waits = "keeps its plate waiting; leave one clip in it that dimd may read."
                yield name, MediaRef("sequence", path, fault=waits), _Beside()


def _in_folder(folder: Path, remark: Remark) -> tuple[MediaRef, _Beside] | None:
    """The one clip of a subfolder; None where there is none yet, or where it is not plain what it is."""
    beside = _Beside()
    try:
        inside = listed(folder)
        inner = [entry for entry in inside if entry.name.lower() in _INNER]
        beside.settings += _settings_files(folder, inner)
        plates = _folders(folder, inner, "plate")
        home = plates[0] if plates else folder
        found = [] if plates else grouped(folder, inside, min_frames=1)
        for each in plates:
            found += find_media(each, min_frames=1)
        is_odd = not found and any(_is_odd(entry) for entry in (listed(home) if plates else inside))
        for role in ROLES if plates else ():
            for each in _folders(folder, inner, role):
                beside.media[role] += find_media(each, min_frames=1)
        unread = [file for file in _settings_files(folder, inside) if file.name.lower() not in _INNER]
    except MediaError as error:
        remark(str(error))
        return None
    except OSError as error:
        remark(f"{folder}: cannot be looked into ({error.strerror}); give dimd's user access to it.")
        return None
    where, is_sidecar = home.relative_to(folder.parent), _SIDECAR.fullmatch(folder.name)
    is_one = plates or is_sidecar
    if is_odd:
        mend = "put one clip into it" if is_one else f"a clip's folders are {_FOLDERS} in it"
        remark(f"{where}: holds no images or video that dimd reads; {mend}.")
    for file in [] if is_odd or is_sidecar else unread:
        remark(f"{folder.name}/{_shown(file)}: is not read; settings inside a folder are called dimd.yaml.")
    if len(found) > 1:
        mend = "leave one" if is_one else f"sort them into {_FOLDERS}"
        remark(f"{where}: holds {len(found)} clips ({_some(ref.path for ref in found)}); {mend}.")
    return (found[0], beside) if len(found) == 1 else None


def _folders(folder: Path, inside: list[Entry], name: str) -> list[Path]:
    """Those of that name, in whatever letters."""
    return [folder / entry.name for entry in inside if entry.name.lower() == name and entry.is_dir()]


def _clip(folder: Path, name: str, plate: _Plate, outer: _Beside, remark: Remark, bound: bool) -> Clip | None:
    media: dict[Role, MediaRef | None] = {}
    for role in ROLES:
        refs = [*plate.inner.media[role], *outer.media[role]]
        if len(refs) > 1:
            remark(f"{name}: has {len(refs)} files for {role} ({_some(ref.path for ref in refs)}); keep one.")
            return None
        media[role] = refs[0] if refs else None
    settings = [*plate.inner.settings, *outer.settings]
    if len(settings) > 1:
        remark(f"{name}: has {len(settings)} settings files ({_some(settings)}); keep one.")
        return None
    own = settings[0] if settings else None
    # A sequence's path is as its files' names are, but for digits.
    paths = [ref.path for ref in (plate.ref, *media.values()) if ref is not None] + settings
    if not all(_sayable(path, remark) for path in paths):
        return None
    for ref in (plate.ref, *media.values()):
        if ref is not None and ref.fault:
            remark(f"{ref.path.relative_to(folder)}: {ref.fault}")
            return None
    try:
        # Whoever may drop a clip may not read all that dimd may, such as another show's folder.
        stamp = stamp_of(folder, (plate.ref, *media.values()), own, bound=bound)
    except OutsideError as error:
        remark(
            f"{_shown(error.file)}: is a link out of the watched folder; copy what it leads to into there, "
            "or set watch: follow_links: true."
        )
        return None
    except FileNotFoundError as error:
        # else it was moved away since it was listed; the next scan sees what is there then
        if (missed := Path(error.filename)).is_symlink():
            remark(
                f"{_shown(missed)}: is a link that leads nowhere; bring what it leads to, or take it away."
            )
        return None
    except OSError as error:
        remark(
            f"{name}: cannot be looked at ({error.strerror}); give dimd's user access to {error.filename}."
        )
        return None
    return Clip(name=name, folder=folder, plate=plate.ref, settings=own, stamp=stamp, bound=bound, **media)


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
        remark(
            f"{name}: is the name of {_some(path for path, _ in same)}; their results are called {called}."
        )
    return names


def _owner(name: str, beside: dict[str, _Beside]) -> str:
    """The name that a plate's sidecars carry: shot for shot.1001, the one frame there is of a sequence."""
    one = _ONE_FRAME.fullmatch(name)
    return one["base"] if one is not None and name not in beside and one["base"] in beside else name


def _name(ref: MediaRef, folder: Path) -> str:
    if ref.kind != "sequence":
        return _plain(ref.path.stem)
    base = ref.path.stem.rstrip("#").rstrip("._- ")
    return _plain(base or folder.name)


def _settings_files(folder: Path, inside: list[Entry]) -> list[Path]:
    named = ((folder / entry.name, entry) for entry in inside if entry.name.lower().endswith(_SETTINGS))
    return [path for path, entry in named if path.suffix.lower() in _SETTINGS and is_file(entry)]


def _is_odd(entry: Entry) -> bool:
    """Whether it is nothing that lies in a clip's folder, not even while that is being filled."""
    path = Path(entry.name)
    return not (entry.name.lower() in _INNER or path.suffix.lower() in _SETTINGS or _unfinished(path))


def _unfinished(path: Path) -> bool:
    return path.name.lower().endswith(UNFINISHED) or path.stem.lower().endswith(UNFINISHED)


def _sayable(path: Path, remark: Remark) -> bool:
    """Whether the name is text: it becomes a folder's name, a row in the ledger and a line in the log."""
    try:
        path.name.encode()
    except UnicodeEncodeError:
        remark(f"{_shown(path)}: has a name that is not UTF-8; rename it.")
        return False
    return True


def _shown(path: Path) -> str:
    return os.fsencode(path.name).decode(errors="backslashreplace")


def _plain(name: str) -> str:
    """One spelling for an accented name, whether it came by way of macOS (decomposed) or not."""
    return unicodedata.normalize("NFC", name)


def _some(paths: Iterable[Path]) -> str:
    names = [_shown(path) for path in paths]
    return ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")
