"""Optical flow between the frames of a window: coarse everywhere, and fine where a matte is mixed.

Coarse flow, of a picture of ``SCENE_LINES`` lines, tells a cut as surely as a finer one and costs a fifteenth
of it. Fine flow is for partly transparent pixels, so it is sought in a box around those of both frames, and
beyond it the coarse one stands. From a frame to one that is not its neighbour the way leads through those
between: sought anew it would cost as much again and lead no nearer (docs/performance.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import cv2
import numpy as np

from dim_model.arrays import Bytes, Floats, Mask
from dim_model.each import ONE_BY_ONE, Each
from dim_model.flow import QUICK, Flow, flows, grey, is_cut, moved, smaller, sought, trust

SCENE_LINES = 90
"""The shorter side of the picture that coarse flow is sought in."""

_MARGIN = 24
"""Pixels of a reduced frame around the mixed ones: what moves by less stays in the box."""


class Box(NamedTuple):
    """Rows ``top`` to ``bottom`` and columns ``left`` to ``right`` of a frame, the last of each not."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def inside(self) -> tuple[slice, slice]:
        """What takes it from a frame."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def corner(self) -> tuple[int, int]:
        return self.top, self.left

    @classmethod
    def around(cls, mixed: Mask, height: int, width: int) -> Box | None:
        """Of a frame that is reduced to ``height`` and ``width``; None: no pixel is mixed.

        mixed: bool [H, W], of the frame as it is.
        """
        x, y, across, down = cv2.boundingRect(mixed.view(np.uint8))
        if not across:
            return None
        tall, wide = mixed.shape
        return cls(
            max(0, y * height // tall - _MARGIN),
            min(height, -(-(y + down) * height // tall) + _MARGIN),
            max(0, x * width // wide - _MARGIN),
            min(width, -(-(x + across) * width // wide) + _MARGIN),
        )

    @classmethod
    def holding(cls, boxes: Iterable[Box | None]) -> Box | None:
        """The least that holds all of them."""
        some = [box for box in boxes if box is not None]
        if not some:
            return None
        tops, bottoms, lefts, rights = zip(*some, strict=True)
        return cls(min(tops), max(bottoms), min(lefts), max(rights))


@dataclass(frozen=True)
class Look:
    """A frame as flow sees it. small: float32 [h, w, 3], reduced, display-referred. box: of ``small``, around
    what is mixed; None: nothing is.
    """

    small: Floats
    box: Box | None

    @cached_property
    def tiny(self) -> Floats:
        """Reduced further, for coarse flow."""
        return smaller(self.small, SCENE_LINES)

    @cached_property
    def grey(self) -> Bytes:
        return grey(self.small)


class Pairs:
    """The flow between frames of a window, by their positions; each is sought once, for both ways. each: by
    what both are sought.
    """

    def __init__(self, each: Each = ONE_BY_ONE) -> None:
        self._each = each
        self._looks: dict[int, Look] = {}
        self._coarse: dict[tuple[int, int], Flow] = {}
        self._fine: dict[tuple[int, int], Flow] = {}

    def add(self, at: int, look: Look) -> None:
        self._looks[at] = look

    def forget(self, before: int) -> None:
        """What no frame from position ``before`` on asks for."""
        self._looks = {at: look for at, look in self._looks.items() if at >= before}
        self._coarse = {pair: flow for pair, flow in self._coarse.items() if min(pair) >= before}
        self._fine = {pair: flow for pair, flow in self._fine.items() if min(pair) >= before}

    def is_cut(self, here: int, there: int) -> bool:
        """Whether a shot ends between two neighbours."""
        return is_cut(self._scene(here, there))

    def flow(self, here: int, there: int) -> Flow:
        """From each pixel of the frame at position ``here`` to where it is at ``there``, of the size of their
        ``small``. Between frames that are not neighbours it is told in the box alone, and trusted nowhere
        else.
        """
        if (here, there) not in self._fine:
            find = self._sought if abs(here - there) == 1 else self._led
            self._fine[here, there], self._fine[there, here] = find(here, there)
        return self._fine[here, there]

    def _scene(self, here: int, there: int) -> Flow:
        if (here, there) not in self._coarse:
            out, back = flows(self._looks[here].tiny, self._looks[there].tiny, QUICK, self._each)
            self._coarse[here, there], self._coarse[there, here] = out, back
        return self._coarse[here, there]

    def _sought(self, here: int, there: int) -> tuple[Flow, Flow]:
        first, second = self._looks[here], self._looks[there]
        size = first.small.shape[:2]
        out, back = (_enlarged(self._scene(*pair), *size) for pair in ((here, there), (there, here)))
        box = Box.holding((first.box, second.box))
        if box is not None:
            some = box.inside
            greys = first.grey[some], second.grey[some]
            out.back[some], back.back[some] = sought(*greys, QUICK, self._each)
            ways, others = (out.back[some], back.back[some]), (back.back, out.back)
            smalls = (first.small[some], second.small[some]), (second.small, first.small)
            sure = self._each(trust, *smalls, ways, others, (box.corner, box.corner))
            out.trust[some], back.trust[some] = sure
        return out, back

    def _led(self, here: int, there: int) -> tuple[Flow, Flow]:
        first, second = self._looks[here], self._looks[there]
        height, width = first.small.shape[:2]
        box = Box.holding((first.box, second.box)) or Box(0, height, 0, width)
        out, back = (
            Flow(np.zeros((height, width, 2), np.float32), np.zeros((height, width), np.float32))
            for _ in range(2)
        )
        # The steps before the ways: a way that had to seek would wait for those that seek beside it.
        for step in range(min(here, there), max(here, there)):
            self.flow(step, step + 1)
        ways = self._each(self._way, (here, there), (there, here), (box, box))
        for whole, way in zip((out, back), ways, strict=True):
            whole.back[box.inside], whole.trust[box.inside] = way
        return out, back

    def _way(self, here: int, there: int, box: Box) -> Flow:
        """In the box: the steps between, one after the other, and trusted as far as all of them are."""
        step = 1 if there > here else -1
        back, trust = (some[box.inside] for some in self.flow(here, here + step))
        for between in range(here + step, there, step):
            onward = self.flow(between, between + step)
            trust = trust * moved(onward.trust, back, box.corner)
            back = back + moved(onward.back, back, box.corner)
        return Flow(back, trust)


def _enlarged(flow: Flow, height: int, width: int) -> Flow:
    """A flow of its own arrays, of that size."""
    tall, wide = flow.trust.shape
    if (tall, wide) == (height, width):
        return Flow(flow.back.copy(), flow.trust.copy())
    back, sure = (cv2.resize(some, (width, height), interpolation=cv2.INTER_LINEAR) for some in flow)
    back *= np.array([width / wide, height / tall], np.float32)
    return Flow(np.asarray(back, np.float32), np.asarray(sure, np.float32))
