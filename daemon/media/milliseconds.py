"""Time stamps in Matroska and WebM, which FFmpeg writes by the millisecond.

Two frames within one, as a screen recording or a camera of variable rate can have, would get the same stamp,
and whoever reads the file loses one of them: the second is moved to the next millisecond.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from daemon.media.base import ClipInfo

CONTAINERS = frozenset({"matroska", "webm"})
BASE = Fraction(1, 1000)


def stamps(info: ClipInfo) -> tuple[int, ...]:
    """A stamp of its own for each frame of a video, in order: the nearest, or the first that is free."""
    assert info.time_base is not None
    found: list[int] = []
    for stamp in info.pts:
        nearest = _nearest(stamp * info.time_base / BASE)
        found.append(max(nearest, found[-1] + 1) if found else nearest)
    return tuple(found)


def end(info: ClipInfo, stamps: Sequence[int]) -> int | None:
    """When the last frame of a video is shown no longer, after `stamps`."""
    assert info.time_base is not None
    return None if info.end is None else max(_nearest(info.end * info.time_base / BASE), stamps[-1] + 1)


def is_crowded(info: ClipInfo) -> bool:
    """Whether a frame would have to be later than it is by more than a millisecond."""
    if info.time_base is None:
        return False
    true = (stamp * info.time_base for stamp in info.pts)
    return any(late * BASE - time > BASE for late, time in zip(stamps(info), true, strict=True))


def _nearest(number: Fraction) -> int:
    """Halves away from 0, as FFmpeg rounds."""
    whole = int(abs(number) + Fraction(1, 2))
    return whole if number >= 0 else -whole
