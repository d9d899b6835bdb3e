"""Time code by SMPTE ST 12-1: what it is so many frames on.

``01:00:00;02`` counts in drop frames: the first two numbers of each minute but every tenth are left out, and
as many at a multiple of the rate, so that 29.97 frames a second keep to the clock.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

_TIMECODE = re.compile(r"(\d\d):(\d\d):(\d\d)([:;.,])(\d{2,3})")
_DROPPING = 30
"""Frames a second whose multiples can count in drop frames; two numbers are dropped for each such."""


class Count(NamedTuple):
    """A time code in parts. drop: it counts in drop frames."""

    hours: int
    minutes: int
    seconds: int
    frames: int
    drop: bool


def counted(first: str, rate: Fraction, position: int) -> Count | None:
    """The time code `position` frames after `first`; None where `first` is none, or the rate has none."""
    found = _TIMECODE.fullmatch(first)
    each = round(rate)
    if found is None or each <= 0:
        return None
    hours, minutes, seconds, frames = (int(found[n]) for n in (1, 2, 3, 5))
    drop = found[4] != ":" and each % _DROPPING == 0
    dropped = 2 * (each // _DROPPING) if drop else 0
    passed = hours * 60 + minutes
    count = (passed * 60 + seconds) * each + frames - dropped * (passed - passed // 10) + position
    if drop:
        tens, rest = divmod(count, 10 * 60 * each - 9 * dropped)
        count += 9 * dropped * tens + dropped * max(0, (rest - dropped) // (60 * each - dropped))
    seconds, frames = divmod(count, each)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return Count(hours % 24, minutes, seconds, frames, drop)


def after(first: str, rate: Fraction, position: int) -> str | None:
    """The same as text, written as `first` is."""
    found = counted(first, rate, position)
    if found is None:
        return None
    mark = first[8]
    return f"{found.hours:02d}:{found.minutes:02d}:{found.seconds:02d}{mark}{found.frames:02d}"


def tracked(first: str, rate: Fraction) -> str:
    """The same as a MOV's track takes it: the mark of drop frames, which some cameras write at 24 or 25 a
    second too, only at a rate that can drop them. Text that is none stays.
    """
    if _TIMECODE.fullmatch(first) is None or round(rate) % _DROPPING == 0:
        return first
    return f"{first[:8]}:{first[9:]}"


def doubled(first: str) -> str:
    """The time code of the same moment at twice the rate: of a frame's first field. Text that is none stays.

    What drop frames leave out at the one rate is twice what they leave out at the other, so a number that
    there is stays one.
    """
    found = _TIMECODE.fullmatch(first)
    return f"{first[:9]}{2 * int(found[5]):02d}" if found else first
