"""Names that end in a number, as cameras and renderers number the frames of a sequence: shot.1001.exr.

Split here, because fileseq takes the dash of `shot-001.png` for a minus sign.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

_DIGITS = "0123456789"

_VERSION = re.compile(r"(?:^|[._-])v$", re.IGNORECASE)

MAX_SPAN = 100_000
"""Numbers with gaps that reach further (over an hour) are dates or catalogue numbers, not frames."""


class Numbered(NamedTuple):
    """A name: `base`, the number with `digits` (the minus sign is one), `suffix` with its dot."""

    number: int
    name: str
    base: str
    digits: int
    suffix: str

    @property
    def is_version(self) -> bool:
        """Whether the number counts versions and not frames: `logo_v1.png`, `logo_v2.png`."""
        return _VERSION.search(self.base) is not None


def numbered(name: str) -> Numbered | None:
    """None where no number stands before the suffix. By strings alone: a scan asks 100,000 times."""
    stem, dot, letters = name.rpartition(".")
    base = stem.rstrip(_DIGITS)
    if len(base) == len(stem) or not letters:
        return None
    if base[-1:] == "-" and (len(base) == 1 or base[-2] in "._"):
        base = base[:-1]
    digits = stem[len(base) :]
    return Numbered(int(digits), name, base, len(digits), dot + letters)


def are_frames(names: Sequence[Numbered]) -> bool:
    """Whether numbered images of one base name are frames in time, not pictures with a catalogue number.

    `GT01.png GT04.png` (no separator, short numbers, gaps) are pictures; `shot.01.png shot.04.png` frames.
    So are those of which a number is there twice, as of a render with another padding: hundreds of pictures
    would each be a clip.
    """
    numbers = {name.number for name in names}
    span = max(numbers) - min(numbers) + 1
    if span == len(numbers) or len(numbers) < len(names):
        return True
    glued = names[0].base[-1:].isalnum()
    return span <= MAX_SPAN and (not glued or max(name.digits for name in names) >= 3)
