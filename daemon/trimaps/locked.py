"""The background of a shot whose camera stands still, found in the shot: a clean plate that nobody took."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from torch import Tensor

from daemon.config import TrimapSettings
from daemon.media.base import Frame
from daemon.trimaps.base import Trimap, TrimapError, TrimapSource
from daemon.trimaps.fitting import Fitting
from daemon.trimaps.shot import Look, Shot
from dim_model.arrays import Floats
from dim_model.backdrop import Backdrop, StillError, find
from dim_model.cleanplate import reduced
from dim_model.register import camera_shift

_LEAST = 8
"""Frames of the shortest shot in which a background can be seen to return."""

_SAMPLES = 32
"""Frames that the background is sought in: one for every second of half a minute."""

_SOON = 12
"""Of a second, between the two frames that show what moves: he who stands at ease moves a pixel in it."""

_STANDS = 1.0
"""Pixels, at the reduced size, that a camera which stands still may shake by."""


class LockedTrimap(TrimapSource):
    """What differs from the background that the shot shows at other times is the subject; a band around its
    edge is unknown. The background is found by the samples alone, so a run that is resumed finds the same.
    """

    name = "locked"

    def __init__(self, shot: Shot, erode: int, dilate: int, fitting: Fitting) -> None:
        self._shot, self._erode, self._dilate, self._fitting = shot, erode, dilate, fitting
        self._backdrop: Backdrop | None = None
        self.why = "the camera stands still, and the shot itself shows its background"

    @classmethod
    def of(cls, shot: Shot, settings: TrimapSettings) -> Self | None:
        """Under ``auto``, None where the camera moves or nothing does; by name, a sentence on it."""
        if len(shot.info.numbers) < _LEAST:
            return None
        widths = settings.widths(shot.info.width, shot.info.height)
        source = cls(shot, *widths, Fitting.of(settings, shot.info, exact=True))
        chosen = "locked" in (settings.source, shot.state.get("source"))
        try:
            looks = [reduced(look.view) for look in shot.samples()]
            for other in looks[:-1]:
                source._check(looks[-1], other)
            if not chosen:
                source._found()
        except TrimapError:
            if chosen:
                raise
            return None
        return source

    def prepare(self, shot: Shot, keep: Path) -> Iterator[None]:
        if self._backdrop is None:
            yield from self._find()

    def trimap(self, frame: Frame, index: int, view: Tensor) -> Trimap:
        found = self._found().difference(view, self._erode, self._dilate)
        return Trimap(self._fitting(view, found.trimap), found.confidence, found.clean())

    def _found(self) -> Backdrop:
        if self._backdrop is None:
            for _ in self._find():
                pass
        assert self._backdrop is not None
        return self._backdrop

    def _find(self) -> Iterator[None]:
        """Finds the backdrop. Raises TrimapError where the camera moves, or too little does."""
        first: list[Floats] = []
        second: list[Floats] = []
        for one, soon in _pairs(self._shot):
            first.append(reduced(one.view))
            second.append(reduced(soon.view))
            self._check(first[len(first) // 2], first[-1])
            yield
        try:
            self._backdrop = yield from find(first, second)
        except StillError:
            raise TrimapError(
                f"{self._shot.label}: nothing or too little moves in it, so its subject is not to be told "
                f"from its ground; supply {self._shot.stem}_clean or {self._shot.stem}_mask, or choose "
                "another trimap source."
            ) from None
        self.why += f"; {self._backdrop.seen.mean():.0%} of it was seen"

    def _check(self, one: Floats, other: Floats) -> None:
        shift = camera_shift(other, one)
        if shift <= _STANDS:
            return
        full = shift * self._shot.info.height / one.shape[0]
        how = f"the camera moves by up to {math.ceil(full)} px" if math.isfinite(full) else "its view changes"
        raise TrimapError(
            f"{self._shot.label}: {how}; supply {self._shot.stem}_clean or {self._shot.stem}_mask, or choose "
            "another trimap source."
        )


def _pairs(shot: Shot) -> Iterator[tuple[Look, Look]]:
    """Samples from all over the shot, each with a frame soon after it."""
    soon = max(1, round(shot.info.rate / _SOON)) if shot.info.rate else 2
    soon = min(soon, len(shot.info.numbers) // 4)
    last = len(shot.info.numbers) - 1 - soon
    count = min(_SAMPLES, last + 1)
    for position in sorted({round(n * last / (count - 1)) for n in range(count)}):
        looks = list(shot.read(position, position + soon + 1))
        yield looks[0], looks[-1]
