"""The alpha that the plate brings itself: partly transparent pixels are matted anew."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from daemon.media.base import Frame
from dim_model import trimap as trimaps


class AlphaTrimap:
    """Unknown where the plate's alpha is between 0 and 1, and ``erode`` and ``dilate`` pixels around."""

    name = "alpha"

    def __init__(self, erode: int, dilate: int) -> None:
        self._erode, self._dilate = erode, dilate
        self.why = "the plate has an alpha channel that is not opaque"

    def trimap(self, frame: Frame, index: int, view: Tensor) -> Tensor:
        alpha = torch.from_numpy(frame.pixels[None, None, :, :, 3].copy())
        return trimaps.from_alpha(alpha, self._erode, self._dilate)[0]

    def state(self) -> dict[str, Any]:
        return {}
