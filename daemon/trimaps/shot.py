"""The plate that a trimap is to be derived for, and what lies beside it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from daemon.media.base import ClipInfo, Frame
from daemon.trimaps.sidecar import Sidecar

_SAMPLES = 3
"""Frames that a choice goes by: the first, the middle one, the last."""


@dataclass(frozen=True)
class Look:
    """A frame of the plate at position ``index``, and its view: float32 [3, H, W], display-referred, 0..1."""

    index: int
    frame: Frame
    view: Tensor


@dataclass(frozen=True)
class Shot:
    """A plate and what lies beside it: what a source is made of.

    label: the plate, for messages. stem: of the names of its sidecars. sidecars: by role ("trimap", "mask",
    "clean"). read: the frames at positions ``start`` to ``stop`` (None: the end). part: positions that are
    made; heard: those and the neighbours that their mattes hear. state: of the source in an earlier run.
    painted: positions that a source is not needed for.
    """

    label: str
    stem: str
    info: ClipInfo
    sidecars: Mapping[str, Sidecar]
    read: Callable[[int, int | None], Iterator[Look]]
    part: range
    heard: range
    state: Mapping[str, Any] = field(default_factory=dict)
    painted: Collection[int] = ()
    _kept: list[Look] = field(default_factory=list)

    def reach(self, has: Callable[[int], bool]) -> range:
        """The part, and as much around it of what is heard as there is without a gap."""
        first, stop = self.part.start, self.part.stop
        while first > self.heard.start and has(first - 1):
            first -= 1
        while stop < self.heard.stop and has(stop):
            stop += 1
        return range(first, stop)

    def samples_of(self, serves: Callable[[int], bool]) -> Sequence[Look]:
        """Those of ``samples`` that are served; none of them is: the first frame of the part."""
        served = [look for look in self.samples() if serves(look.index)]
        return served or [next(self.read(self.part.start, self.part.start + 1))]

    def samples(self) -> Sequence[Look]:
        """Frames from all over the shot, fewer than ``_SAMPLES`` where it is shorter; read once."""
        if not self._kept:
            last = len(self.info.numbers) - 1
            positions = sorted({round(n * last / (_SAMPLES - 1)) for n in range(_SAMPLES)})
            self._kept.extend(next(self.read(position, position + 1)) for position in positions)
        return self._kept
