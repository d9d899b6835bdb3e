"""Frames of one video that share a time stamp: each is kept, and gets a time of its own.

Matroska tells time by the millisecond, so a screen recording or a camera of a thousand frames a second and
more has two frames at one time there; an editor that rounds does the same. Whoever goes by the stamp alone
loses the second.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from daemon.media.base import ClipInfo, MediaError

_FINEST = (2**31 - 1) // 2
"""Ticks to a second, at most: FFmpeg holds 31 bits, of which a picture for each field takes one."""


def first_shared(stamps: Sequence[int]) -> int | None:
    """The first stamp that is there twice. stamps: in order."""
    return next((one for one, two in pairwise(stamps) if one == two), None)


def told_apart(name: str, info: ClipInfo) -> ClipInfo:
    """The clip with a stamp of its own for each frame, in ticks so much finer that those of one time all lie
    within what was one tick: no other frame is moved, and the sound stays in step. Where any was moved a
    remark says so.

    Raises MediaError where ticks cannot be so fine.
    """
    assert info.time_base is not None  # a video's
    shared = Counter(info.pts)
    finer = max(shared.values())
    if finer == 1:
        return info
    time_base = info.time_base / finer
    if time_base.denominator > _FINEST:
        raise MediaError(f"{name}: {finer} frames have one and the same time; export it again.")
    stamps: list[int] = []
    for stamp, count in shared.items():
        stamps += (stamp * finer + n * (finer // count) for n in range(count))
    moved = len(info.pts) - len(shared)
    frames = "1 frame has" if moved == 1 else f"{moved} frames have"
    remark = (
        f"{name}: {frames} the very time of the one before; none is left out, and each is shown later "
        f"by a part of 1/{1 / info.time_base} s."
    )
    end = None if info.end is None else info.end * finer
    return replace(info, time_base=time_base, pts=tuple(stamps), end=end, remarks=(*info.remarks, remark))
