"""Which split a clip or foreground falls into: fixed by a seed and its name, whatever lies beside it."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from pathlib import PurePath

from trainer.prepare.entry import Split

_PUBLISHED: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "training_set": "train",
    "valid": "valid",
    "validation": "valid",
    "val": "valid",
    "test": "test",
    "testing": "test",
    "test_set": "test",
}
"""Folder names under which sets are published already divided."""


@dataclass(frozen=True)
class Shares:
    """How a set is divided. valid, test: 0..1; the rest trains."""

    seed: int = 1
    valid: float = 0.05
    test: float = 0.05

    def split(self, group: str) -> Split:
        """The split of a group; groups that come or go leave it where it is."""
        digest = blake2b(f"{self.seed}/{group}".encode(), digest_size=8).digest()
        place = int.from_bytes(digest) / 2**64
        if place < self.test:
            return "test"
        return "valid" if place < self.test + self.valid else "train"


def published(folder: PurePath) -> Split | None:
    """The split that a relative folder names, as in Test_set/Adobe-licensed images; None if it names none."""
    return next((_PUBLISHED[part.lower()] for part in folder.parts if part.lower() in _PUBLISHED), None)
