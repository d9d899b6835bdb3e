"""The folders that a config names, there before anything is looked for in them."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from daemon.config import Config
from daemon.patience import MOUNT_SECONDS, Patience
from daemon.report import Log

_PATIENCE = MOUNT_SECONDS
"""Seconds that a folder may take to be there at the start."""


class StartError(RuntimeError):
    """The service cannot begin: one sentence, with the mend."""


def make(config: Config, told: Log, *, once: bool) -> None:
    """Make those that are not there. One whose share is not mounted yet, or does not answer, holds up its own
    clips, as those do that go away later.

    Raises StartError where none to watch is left, or one that is has none for its results; and with ``once``,
    for a person waits.
    """
    patience = Patience(_PATIENCE)
    folders = [each for pair in config.folders for each in (pair.in_, pair.out)]
    there = {folder: patience.put(folder, partial(_make, folder)) for folder in folders}
    missing: dict[Path, StartError] = {}
    for folder, answer in there.items():
        try:
            answer()
        except TimeoutError:
            told.warning(f"{folder}: does not answer; its clips wait until it does.")
        except StartError as error:
            missing[folder] = error
    left = [pair for pair in config.folders if pair.in_ not in missing]
    needed = list(missing) if once or not left else [pair.out for pair in left]
    for folder in needed:
        if folder in missing:
            raise missing[folder]
    for pair in config.folders:
        if pair.in_ in missing:
            told.error(f"{missing[pair.in_]} Until it is there, the other folders are watched.")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(
            f"folders: {folder} cannot be made ({error.strerror}); give dimd's user access, or name another."
        ) from error
