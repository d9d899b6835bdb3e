"""A trimap that somebody painted, or a rough mask that somebody or something made: ``NAME_trimap``,
``NAME_mask``.
"""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor

from daemon.config import TrimapSettings
from daemon.media.base import Frame
from daemon.trimaps.base import Trimap, TrimapSource
from daemon.trimaps.shot import Shot
from daemon.trimaps.sidecar import Sidecar, fitted, grey
from dim_model import trimap as trimaps

_SURE = 1.0
"""A person's word is not doubted."""


def _matte(sidecar: Sidecar, frame: Frame, index: int) -> Tensor:
    height, width = frame.pixels.shape[:2]
    matte = fitted(grey(sidecar.at(frame.number, index)), width, height)
    return torch.from_numpy(matte.copy())[None, None]


class PaintedTrimap(TrimapSource):
    """Any grey between black and white is unknown."""

    name = "trimap"

    def __init__(self, sidecar: Sidecar) -> None:
        self._sidecar = sidecar
        self.why = f"{sidecar.label} is beside the plate"

    @classmethod
    def of(cls, shot: Shot, settings: TrimapSettings) -> Self | None:
        sidecar = shot.sidecars.get("trimap")
        return cls(sidecar) if sidecar else None

    def trimap(self, frame: Frame, index: int, view: Tensor) -> Trimap:
        return Trimap(trimaps.from_grey(_matte(self._sidecar, frame, index))[0], _SURE)


class MaskTrimap(TrimapSource):
    """A band around the mask's edge is unknown: ``erode`` pixels inside it, ``dilate`` outside."""

    name = "mask"

    def __init__(self, sidecar: Sidecar, erode: int, dilate: int) -> None:
        self._sidecar, self._erode, self._dilate = sidecar, erode, dilate
        self.why = (
            f"{sidecar.label} is beside the plate; unknown {erode} px inside its edge and {dilate} px outside"
        )

    @classmethod
    def of(cls, shot: Shot, settings: TrimapSettings) -> Self | None:
        sidecar = shot.sidecars.get("mask")
        return cls(sidecar, *settings.widths(shot.info.width, shot.info.height)) if sidecar else None

    def trimap(self, frame: Frame, index: int, view: Tensor) -> Trimap:
        matte = _matte(self._sidecar, frame, index)
        return Trimap(trimaps.from_mask(matte, self._erode, self._dilate)[0], _SURE)
