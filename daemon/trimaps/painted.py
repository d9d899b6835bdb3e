"""A trimap that somebody painted, or a rough mask that somebody or something made: ``NAME_trimap``,
``NAME_mask``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from daemon.config import TrimapSettings
from daemon.media.base import Frame, Pixels
from daemon.media.matte import grey
from daemon.trimaps.base import Trimap, TrimapError, TrimapSource
from daemon.trimaps.fitting import Fitting
from daemon.trimaps.keyframes import KeyframeTrimap
from daemon.trimaps.shot import Shot
from daemon.trimaps.sidecar import Sidecar, fitted
from dim_model import trimap as trimaps

_SURE = 1.0
"""A person's word is not doubted."""


def _matte(pixels: Pixels, frame: Frame) -> Tensor:
    height, width = frame.pixels.shape[:2]
    matte = fitted(grey(pixels), width, height)
    return torch.from_numpy(matte.copy())[None, None]


class PaintedTrimap(TrimapSource):
    """Any grey between black and white is unknown. frames: positions that were painted; none: all. The others
    are left to ``beneath``; None: they are not made.
    """

    name = "trimap"

    def __init__(
        self, sidecar: Sidecar, frames: Collection[int] = (), beneath: TrimapSource | None = None
    ) -> None:
        self._sidecar, self._frames, self._beneath = sidecar, frozenset(frames), beneath
        self._last: tuple[Pixels, Trimap] | None = None
        self.why = f"{sidecar.label} is beside the plate"
        if frames:
            self.why += f" for {len(frames)} frames" if len(frames) > 1 else " for one frame"
        if beneath is not None:
            self.why += f"; for the others, {beneath.why}"

    def prepare(self, shot: Shot, keep: Path) -> Iterator[None]:
        if self._beneath is None:
            return iter(())
        return self._beneath.prepare(replace(shot, painted=self._frames), keep)

    def reach(self, shot: Shot) -> range:
        if not self._frames:
            return shot.heard
        beneath = self._beneath.reach(shot) if self._beneath is not None else ()
        return shot.reach(lambda index: index in self._frames or index in beneath)

    def trimap(self, frame: Frame, index: int, view: Tensor) -> Trimap:
        if self._beneath is not None and index not in self._frames:
            return self._beneath.trimap(frame, index, view)
        pixels = self._sidecar.key(frame.number) if self._frames else self._sidecar.at(frame.number, index)
        if self._last is None or self._last[0] is not pixels:  # a still gives the same for all frames
            self._last = pixels, Trimap(trimaps.from_grey(_matte(pixels, frame))[0], _SURE)
        return self._last[1]

    def state(self) -> dict[str, Any]:
        if self._beneath is None:
            return {}
        return {"beneath": self._beneath.told()}


class MaskTrimap(TrimapSource):
    """A band around the mask's edge is unknown: ``erode`` pixels inside it, ``dilate`` outside."""

    name = "mask"

    def __init__(self, sidecar: Sidecar, erode: int, dilate: int, fitting: Fitting) -> None:
        self._sidecar, self._erode, self._dilate, self._fitting = sidecar, erode, dilate, fitting
        self.why = (
            f"{sidecar.label} is beside the plate; unknown {erode} px inside its edge and {dilate} px outside"
        )

    @classmethod
    def of(cls, shot: Shot, settings: TrimapSettings) -> TrimapSource | None:
        """Masks of a part of the frames, and a still beside a clip that moves, are carried to the others."""
        sidecar = shot.sidecars.get("mask")
        if sidecar is None:
            return None
        widths, frames = settings.widths(shot.info.width, shot.info.height), len(shot.info.numbers)
        fitting = Fitting.of(settings, shot.info, exact=False)
        is_video = sidecar.info.kind == "video"
        # A video that is too short was rendered so; its pictures are no keyframes.
        lacking = sidecar.lacking(shot.part if is_video else None)
        if frames == 1 or (lacking is None and sidecar.info.kind != "still"):
            source = cls(sidecar, *widths, fitting)
            if frames == 1:
                source._check(shot.samples()[0].frame)
            return source
        if is_video and lacking is not None:
            raise lacking
        return KeyframeTrimap(sidecar, sidecar.keys(), shot, *widths, fitting)

    def _check(self, frame: Frame) -> None:
        """Raise TrimapError for the mask of the only frame if it tells nothing: of many frames some may be
        without their subject.
        """
        told = trimaps.from_mask(_matte(self._sidecar.at(frame.number, 0), frame), 0, 0)
        least, most = float(told.min()), float(told.max())
        if most == 0 or least == 1:
            what = "is white all over" if least else "shows no subject"
            raise TrimapError(f"{self._sidecar.label}: {what}; paint the subject white on black.")

    def reach(self, shot: Shot) -> range:
        return shot.reach(self._sidecar.serves)

    def trimap(self, frame: Frame, index: int, view: Tensor) -> Trimap:
        matte = _matte(self._sidecar.at(frame.number, index), frame)
        values = trimaps.from_mask(matte, self._erode, self._dilate)[0]
        return Trimap(self._fitting(view, values), _SURE)
