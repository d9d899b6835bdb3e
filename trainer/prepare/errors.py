"""What goes wrong with training sets, each told in one sentence."""

from __future__ import annotations

from pathlib import Path

from trainer.prepare.entry import Fault, Skipped


class PrepareError(ValueError):
    """One sentence: which file or folder, what is wrong, how to mend it."""


class LayoutError(PrepareError):
    """A folder is laid out in none of the ways that are known, or not in the way that was named."""


class NothingToTrainOnError(PrepareError):
    """No foreground is left to train on. skipped: what there was, where that is the reason."""

    def __init__(self, sentence: str, skipped: tuple[Skipped, ...] = ()) -> None:
        super().__init__(sentence)
        self.skipped = skipped


class BrokenIndexError(PrepareError):
    """An index cannot be read, or was written by another version."""


class StaleIndexError(PrepareError):
    """A file changed or vanished since it was indexed."""


class UnfitError(PrepareError):
    """A file that cannot be trained on. ``fault`` is what it is counted under, ``reason`` what a person is
    told.
    """

    def __init__(self, path: Path, fault: Fault, reason: str) -> None:
        super().__init__(f"{path}: {reason}.")
        self.path, self.fault, self.reason = path, fault, reason
