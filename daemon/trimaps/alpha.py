"""The alpha that the plate brings itself: partly transparent pixels are matted anew."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor

from daemon.config import TrimapSettings
from daemon.media.base import Frame
from daemon.trimaps.base import Trimap, TrimapSource
from daemon.trimaps.shot import Shot
from dim_model import trimap as trimaps

_CONFIDENCE = 0.9
"""Somebody made that alpha, but perhaps not for this."""


class AlphaTrimap(TrimapSource):
    """Unknown where the plate's alpha is between 0 and 1, and ``erode`` and ``dilate`` pixels around."""

    name = "alpha"

    def __init__(self, erode: int, dilate: int) -> None:
        self._erode, self._dilate = erode, dilate
        self.why = "the plate has an alpha channel that is not opaque"

    @classmethod
    def of(cls, shot: Shot, settings: TrimapSettings) -> Self | None:
        """Under ``auto``, None where the alpha tells nothing; by name, where it is opaque alone: that shots
        are empty may be so.
        """
        if shot.info.channels != 4:
            return None
        alphas = torch.stack([torch.from_numpy(look.frame.pixels[..., 3]) for look in shot.samples()])
        if not (trimaps.tells(alphas) or (settings.source == "alpha" and (alphas < 1).any())):
            return None
        # An alpha says itself where it is soft; the band only makes up for its being nearly right.
        erode, dilate = (width // 4 for width in settings.widths(shot.info.width, shot.info.height))
        return cls(erode, dilate)

    def trimap(self, frame: Frame, index: int, view: Tensor) -> Trimap:
        alpha = torch.from_numpy(frame.pixels[None, None, :, :, 3].copy())
        return Trimap(trimaps.from_alpha(alpha, self._erode, self._dilate)[0], _CONFIDENCE)
