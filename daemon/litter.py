"""Unfinished work that nobody is to go on with: its clip went or changed, or goes by another name now.

The ledger notes it in the very transaction that ends its job, so neither a crash nor a mount that is away
makes it forgotten. It is removed by a thread of its own: to remove a clip's frames may take minutes, and the
disk may not answer at all.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from daemon.config import FolderPair
from daemon.ledger import Ledger
from daemon.patience import MOUNT_SECONDS, Patience
from daemon.publish import Workplace

_PATIENCE = MOUNT_SECONDS
"""Seconds that a removal is waited for; if it takes longer, it goes on by itself."""


class Litter:
    """``sweep`` is for one thread."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._patience = Patience(_PATIENCE)

    def sweep(self, pairs: Iterable[FolderPair]) -> None:
        """Remove what lies in their folders for results. What cannot be removed now is tried again at the
        next call. Raises LedgerError.
        """
        for pair in pairs:
            if self._ledger.litter(str(pair.in_)):
                try:
                    self._patience.ask(pair.in_, partial(self._remove, str(pair.in_), pair.out))
                except OSError:
                    continue  # that the folder is away is told by whoever waits for it

    def _remove(self, watched: str, out: Path) -> None:
        """Raises LedgerError and OSError."""
        works = self._ledger.litter(watched)
        lying = [path for path in out.iterdir() if path.name.startswith(".")]
        swept = []
        for key, name in works:
            found = Workplace(out, name, key).among(lying)
            # Asked after the look: what lay there by then is not of a job that has come back since.
            if found and (key, name) not in self._ledger.litter(watched):
                continue
            for folder in found:
                shutil.rmtree(folder, ignore_errors=True)
            if not any(folder.exists() for folder in found):
                swept.append((key, name))
        self._ledger.swept(swept)
