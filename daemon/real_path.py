"""A path without links, found out even where a mount that it leads to does not answer.

A config that waited for such a mount would keep the daemon from starting, or a reload from ending, and so
hold up all that does not lie there.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from daemon.patience import MOUNT_SECONDS, Patience

_LINKS = 40
"""As many as Linux follows in one path."""

_PATIENCE = MOUNT_SECONDS
"""Seconds for a part of a path to answer."""

_LESS = 2.0
"""The same, once one did not: the folders of a config are asked after one by one, before systemd hears that
dimd is ready."""


def shared_patience() -> Patience:
    """For all the paths of one config."""
    return Patience(_PATIENCE, _LESS)


def real_path(path: Path, patience: Patience | None = None) -> Path:
    """As `Path.resolve`. Of what does not answer, and all below it, the name is taken as it is: a folder that
    is no link has one name whether or not its share is there, and so have the clips in it.

    Raises ValueError where links lead in a circle.
    """
    patience, answers, links = patience or shared_patience(), True, 0
    here, due = Path("/"), list(reversed(path.absolute().parts[1:]))
    while due:
        part = due.pop()
        if part == "..":
            here = here.parent
            continue
        here /= part
        target: str | None = None
        try:
            if answers:
                target = patience.ask(here, partial(os.readlink, here))
        except TimeoutError:
            answers = False
        except OSError:
            pass  # it is no link, or not there
        if target is None:
            continue
        links += 1
        if links > _LINKS:
            raise ValueError("its links lead in a circle; name the folder itself")
        parts = Path(target).parts
        here = Path("/") if Path(target).is_absolute() else here.parent
        due += reversed(parts[1:] if Path(target).is_absolute() else parts)
    return here
