"""A range of a clip's frames by their own numbers, as a person writes it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

_ONE = re.compile(r"\d{1,9}")
_MANY = re.compile(r"(-?\d{1,9})?-(-?\d{1,9})?")


@dataclass(frozen=True)
class FrameRange:
    """first, last: numbers of the plate's frames, both of them in it; None: where the plate begins or ends.

    Positions from 0 where the plate is a video.
    """

    first: int | None = None
    last: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """``1001-1100``, ``1001``, ``1001-``, ``-1100`` (up to 1100), ``-5--1``. Raises ValueError."""
        if _ONE.fullmatch(text):
            return cls(int(text), int(text))
        found = _MANY.fullmatch(text)
        if found is None or text == "-":
            raise ValueError("give a frame such as 1001, or a range: 1001-1100, 1001- or -1100")
        first, last = (None if end is None else int(end) for end in found.groups())
        if first is not None and last is not None and first > last:
            raise ValueError(f"it runs backwards; give {last}-{first}")
        return cls(first, last)


def frame_range(value: object) -> str:
    """A range as settings keep it, from what YAML or a command line gives: 1001 may be a number there.

    Raises ValueError.
    """
    text = str(value).strip() if type(value) in (int, str) else ""
    FrameRange.parse(text)
    return text
