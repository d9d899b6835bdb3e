"""Frames that a sequence lacks, and what stands for them in the result.

A gap is filled when the frame before it is written, from what was made of that frame: mattes, trimaps and the
window of neighbours know of frames that are there, and a resumed run fills as an undisturbed one does.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import numpy as np

from daemon.media import ClipInfo, MediaError, Pixels

Missing = Literal["skip", "hold", "black", "refuse"]

_SHOWN = 8
"""Numbers that a sentence lists."""

_STANDS: Mapping[Missing, str] = {
    "skip": "and will be so in the result",
    "hold": "and the frame before stands there in the result",
    "black": "and black in the result",
}


class Gaps:
    """info: of the part of the plate that is made. how: `missing:` of the settings. label: what messages call
    the plate. Attributes: written, the part as it is written; sentences, for the user, none where every frame
    is there.

    Raises MediaError where frames are missing and that is refused.
    """

    def __init__(self, label: str, info: ClipInfo, how: Missing) -> None:
        self._plate, self._how = info.numbers, how
        filled = how in _STANDS and how != "skip"
        # A range may begin in a gap, whose frame before is none of it.
        before = tuple(number for number in info.missing if number < info.numbers[0])
        within = info.missing[len(before) :]
        self.written = replace(info, numbers=tuple(sorted({*info.numbers, *within}))) if filled else info
        self.sentences: list[str] = []
        if info.step > 1:
            self.sentences.append(f"{label}: has a frame every {info.step}, and so has the result.")
        if info.missing:
            which = _are(info.missing)
            if how == "refuse":
                raise MediaError(
                    f"{label}: {which} missing; supply what is missing, or set missing: to hold."
                )
            if filled and before:
                self.sentences.append(
                    f"{label}: {_are(before)} missing at the range's beginning, {_STANDS['skip']}."
                )
                which = _are(within) if within else ""
            if which:
                self.sentences.append(f"{label}: {which} missing, {_STANDS[how]}.")

    def position(self, start: int) -> int:
        """Where the plate's frame at position `start` stands among those written."""
        if start >= len(self._plate):
            return len(self.written.numbers)
        return bisect_left(self.written.numbers, self._plate[start])

    def after(self, index: int) -> tuple[int, ...]:
        """Numbers that are missing between the plate's frame at position `index` and its next, and filled."""
        return self.written.numbers[self.position(index) + 1 : self.position(index + 1)]

    def pictures(self, made: Mapping[str, Pixels]) -> dict[str, Pixels]:
        """What is written for a missing frame, from what was made of the frame before."""
        if self._how == "hold":
            return dict(made)
        return {name: np.zeros_like(picture) for name, picture in made.items()}


def listed(numbers: tuple[int, ...]) -> str:
    """``frame 3`` or ``frames 3, 4``, cut short."""
    shown = ", ".join(map(str, numbers[:_SHOWN])) + (" …" if len(numbers) > _SHOWN else "")
    return f"frames {shown}" if len(numbers) > 1 else f"frame {shown}"


def _are(numbers: tuple[int, ...]) -> str:
    return f"{listed(numbers)} {'are' if len(numbers) > 1 else 'is'}"
