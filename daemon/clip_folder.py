"""A folder that holds one clip: its frames, or plate/ trimap/ mask/ clean/ bg/ and dimd.yaml."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from daemon.clip import Role
from daemon.file_names import Remark, is_unfinished, shown, some
from daemon.media import MediaError, MediaRef, find_media
from daemon.media.find import Entry, grouped, is_file, listed

ROLES: tuple[Role, ...] = get_args(Role)
SIDECAR = re.compile(rf"(?P<owner>.+)_(?P<role>{'|'.join(ROLES)})(?:\.-?\d+)?", re.IGNORECASE | re.DOTALL)
"""A name that is never a plate's, even before the plate has come; .1001 is a sequence's first frame."""

FRAME = re.compile(rf"(?P<owner>.+)_(?P<role>{'|'.join(ROLES)})_-?\d+", re.IGNORECASE | re.DOTALL)
"""A picture's name that is no plate's beside its owner: two of them would be a sequence, and be taken."""

SETTINGS = (".yaml", ".yml")
_INNER = frozenset(("plate", *ROLES, "dimd.yaml", "dimd.yml"))
"""What has a meaning of its own in a clip's folder, in small letters or capitals."""

_FOLDERS = "plate/, trimap/, mask/, clean/ and bg/"


@dataclass
class Beside:
    """What goes with a plate, before it is known to be unambiguous."""

    media: dict[Role, list[MediaRef]] = field(default_factory=lambda: defaultdict(list))
    settings: list[Path] = field(default_factory=list)

    def paths(self) -> Iterator[tuple[Path, Role | None]]:
        """role: of a still."""
        for role, refs in self.media.items():
            yield from ((ref.path, role if ref.kind == "still" else None) for ref in refs)
        yield from ((path, None) for path in self.settings)


def in_folder(folder: Path, remark: Remark) -> tuple[MediaRef, Beside] | None:
    """The one clip of a subfolder; None where there is none yet, or where it is not plain what it is."""
    beside = Beside()
    try:
        inside = listed(folder)
        inner = [entry for entry in inside if entry.name.lower() in _INNER]
        beside.settings += settings_files(folder, inner)
        plates = _folders(folder, inner, "plate")
        home = plates[0] if plates else folder
        found = [] if plates else grouped(folder, inside, min_frames=1)
        for each in plates:
            found += find_media(each, min_frames=1)
        is_odd = not found and any(_is_odd(entry) for entry in (listed(home) if plates else inside))
        for role in ROLES if plates else ():
            for each in _folders(folder, inner, role):
                beside.media[role] += find_media(each, min_frames=1)
        unread = [file for file in settings_files(folder, inside) if file.name.lower() not in _INNER]
    except MediaError as error:
        remark(str(error))
        return None
    except OSError as error:
        remark(f"{folder}: cannot be looked into ({error.strerror}); give dimd's user access to it.")
        return None
    where, is_sidecar = home.relative_to(folder.parent), SIDECAR.fullmatch(folder.name)
    is_one = plates or is_sidecar
    if is_odd:
        mend = "put one clip into it" if is_one else f"a clip's folders are {_FOLDERS} in it"
        remark(f"{where}: holds no images or video that dimd reads; {mend}.")
    for file in [] if is_odd or is_sidecar else unread:
        remark(f"{folder.name}/{shown(file)}: is not read; settings inside a folder are called dimd.yaml.")
    if len(found) > 1:
        mend = "leave one" if is_one else f"sort them into {_FOLDERS}"
        remark(f"{where}: holds {len(found)} clips ({some(ref.path for ref in found)}); {mend}.")
    return (found[0], beside) if len(found) == 1 else None


def _folders(folder: Path, inside: list[Entry], name: str) -> list[Path]:
    """Those of that name, in whatever letters."""
    return [folder / entry.name for entry in inside if entry.name.lower() == name and entry.is_dir()]


def settings_files(folder: Path, inside: list[Entry]) -> list[Path]:
    named = ((folder / entry.name, entry) for entry in inside if entry.name.lower().endswith(SETTINGS))
    return [path for path, entry in named if path.suffix.lower() in SETTINGS and is_file(entry)]


def _is_odd(entry: Entry) -> bool:
    """Whether it is nothing that lies in a clip's folder, not even while that is being filled."""
    path = Path(entry.name)
    return not (entry.name.lower() in _INNER or path.suffix.lower() in SETTINGS or is_unfinished(path))
