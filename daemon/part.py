"""The part of a clip that is made: so many of its frames, by their own numbers, and handles on either side.

What is left out stays visible to whoever needs it: a trimap source sees the whole shot, a matte its true
neighbours, and a sidecar is matched by the place of a frame in the whole plate. So a frame has the same bytes
in a part as in the whole.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from typing import Self

from daemon.frame_range import FrameRange
from daemon.media import ClipInfo, MediaError
from daemon.media.timecode import after


@dataclass(frozen=True)
class Part:
    """What is made of a clip. start, stop: positions in the whole plate. info: of that part alone, as its
    outputs are to be: numbers, PTS, time code, and between which times its sound is. sentences: for the user.
    """

    start: int
    stop: int
    info: ClipInfo
    sentences: tuple[str, ...] = ()

    @classmethod
    def of(cls, label: str, info: ClipInfo, frames: str | None, handles: int) -> Self:
        """frames: as ``FrameRange.parse`` takes it; None: all. handles: so many frames more on either side,
        as far as the plate has them. label: what messages call the plate.

        Raises MediaError for a range that the plate does not have.
        """
        numbers = info.numbers
        if frames is None:
            return cls(0, len(numbers), info)
        wanted = FrameRange.parse(frames)
        first = numbers[0] if wanted.first is None else wanted.first
        last = numbers[-1] if wanted.last is None else wanted.last
        inside = numbers[0] <= first <= last <= numbers[-1]
        if not inside or not numbers[bisect_left(numbers, first) : bisect_right(numbers, last)]:
            raise MediaError(f"{label}: {_has(info)}, not {frames}; set frames: to a range within that.")
        first, last = first - handles * info.step, last + handles * info.step
        start, stop = bisect_left(numbers, first), bisect_right(numbers, last)
        first, last = max(first, numbers[0]), min(last, numbers[-1])
        return cls._cut(label, info, start, stop, tuple(n for n in info.missing if first <= n <= last))

    @classmethod
    def _cut(cls, label: str, info: ClipInfo, start: int, stop: int, missing: tuple[int, ...]) -> Self:
        part, sentences = replace(info, numbers=info.numbers[start:stop], missing=missing), []
        if info.kind == "video" and info.time_base is not None and info.rate is not None:
            begun, end = info.pts[start] * info.time_base, None
            if stop < len(info.pts):
                end = info.pts[stop] * info.time_base
            # By the time that has passed, which at a constant rate is the number of frames.
            passed = round((begun - info.pts[0] * info.time_base) * info.rate)
            tags = info.tags
            if tags is not None and tags.timecode is not None and passed:
                tags = replace(tags, timecode=after(tags.timecode, info.rate, passed))
                if tags.timecode is None:
                    sentences.append(
                        f"{label}: its time code cannot be counted on to frame {part.numbers[0]}, and is "
                        "left out."
                    )
            heard = (begun if start else None, end)
            last = info.pts[stop] if stop < len(info.pts) else info.end
            part = replace(part, pts=info.pts[start:stop], end=last, tags=tags, heard=heard)
        return cls(start, stop, part, tuple(sentences))


def _has(info: ClipInfo) -> str:
    numbers = info.numbers
    if len(numbers) == 1:
        return f"has frame {numbers[0]} alone"
    gaps = " with gaps" if info.missing else ""
    return f"has frames {numbers[0]} to {numbers[-1]}{gaps}"
