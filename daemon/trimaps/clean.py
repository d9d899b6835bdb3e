"""The plate without its subject beside it: ``NAME_clean``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
import torch
from torch import Tensor

from daemon.config import TrimapSettings
from daemon.media.base import Frame
from daemon.trimaps.base import Trimap, TrimapError, TrimapSource
from daemon.trimaps.fitting import Fitting
from daemon.trimaps.shot import Look, Shot
from daemon.trimaps.sidecar import Sidecar, fitted
from dim_model.cleanplate import Difference, difference

_LEAST = 0.25
"""Confidence below which a picture is no clean plate of this shot: seven eighths of the frame differ, or the
rest has another detail.
"""
_MOST = 0.8
"""Share of the frame that differs, above which nothing more is said of the rest."""


class CleanTrimap(TrimapSource):
    """What differs from the clean plate is the subject; a band around its edge is unknown."""

    name = "clean"

    def __init__(self, sidecar: Sidecar, erode: int, dilate: int, fitting: Fitting) -> None:
        self._sidecar, self._erode, self._dilate, self._fitting = sidecar, erode, dilate, fitting
        self.why = f"what differs from {sidecar.label} is the subject"

    @classmethod
    def of(cls, shot: Shot, settings: TrimapSettings) -> Self | None:
        sidecar = shot.sidecars.get("clean")
        if sidecar is None:
            return None
        ending = sidecar.ending(shot.part)
        if ending is not None:
            raise ending
        widths = settings.widths(shot.info.width, shot.info.height)
        source = cls(sidecar, *widths, Fitting.of(settings, shot.info, exact=True))
        source._check(shot.samples_of(source.serves))
        return source

    def _check(self, samples: Sequence[Look]) -> None:
        """Raise TrimapError where even the best of the samples differs nearly everywhere, or is of another
        view.
        """
        found = [self._compared(look.frame, look.index, look.view) for look in samples]
        if max(d.confidence for d in found) < _LEAST:
            least = min(found, key=lambda d: d.share)
            what = f"differs from the plate over {least.share:.0%} of the frame"
            if least.same < 1 and least.share < _MOST:
                what = "shows another view than the plate, which lacks its detail"
            raise TrimapError(
                f"{self._sidecar.label}: {what}; supply the same view without its subject, or choose another "
                "trimap source."
            )

    def serves(self, index: int) -> bool:
        return self._sidecar.serves(index)

    def reach(self, shot: Shot) -> range:
        return shot.reach(self.serves)

    def trimap(self, frame: Frame, index: int, view: Tensor) -> Trimap:
        found = self._compared(frame, index, view)
        return Trimap(self._fitting(view, found.trimap), found.confidence, found.clean())

    def _compared(self, frame: Frame, index: int, view: Tensor) -> Difference:
        height, width = view.shape[-2:]
        colours = self._sidecar.colours(frame.number, index)
        clean = torch.from_numpy(np.ascontiguousarray(fitted(colours, width, height).transpose(2, 0, 1)))
        return difference(view, self._sidecar.space.view(clean), self._erode, self._dilate)
