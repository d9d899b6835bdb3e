"""A trimap that somebody painted, or a rough mask that somebody or something made: ``NAME_trimap``,
``NAME_mask``.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from daemon.media.base import Frame
from daemon.trimaps.sidecar import Sidecar, fitted, grey
from dim_model import trimap as trimaps


def _matte(sidecar: Sidecar, frame: Frame, index: int) -> Tensor:
    height, width = frame.pixels.shape[:2]
    matte = fitted(grey(sidecar.at(frame.number, index)), width, height)
    return torch.from_numpy(matte.copy())[None, None]


class PaintedTrimap:
    """Any grey between black and white is unknown."""

    name = "trimap"

    def __init__(self, sidecar: Sidecar) -> None:
        self._sidecar = sidecar
        self.why = f"{sidecar.label} is beside the plate"

    def trimap(self, frame: Frame, index: int, view: Tensor) -> Tensor:
        return trimaps.from_grey(_matte(self._sidecar, frame, index))[0]

    def state(self) -> dict[str, Any]:
        return {}


class MaskTrimap:
    """A band around the mask's edge is unknown: ``erode`` pixels inside it, ``dilate`` outside."""

    name = "mask"

    def __init__(self, sidecar: Sidecar, erode: int, dilate: int) -> None:
        self._sidecar, self._erode, self._dilate = sidecar, erode, dilate
        self.why = (
            f"{sidecar.label} is beside the plate; unknown {erode} px inside its edge and {dilate} px outside"
        )

    def trimap(self, frame: Frame, index: int, view: Tensor) -> Tensor:
        return trimaps.from_mask(_matte(self._sidecar, frame, index), self._erode, self._dilate)[0]

    def state(self) -> dict[str, Any]:
        return {}
