"""The unknown band fitted to the picture, for trimaps that nobody painted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from torch import Tensor

from daemon.clip_config import REFERENCE_LINES, TrimapSettings
from daemon.media.base import ClipInfo
from dim_model import band


@dataclass(frozen=True)
class Fitting:
    """soft, hard: as of ``band.adapted``, in pixels of its reduced frame."""

    soft: int
    hard: int | None

    @classmethod
    def of(cls, settings: TrimapSettings, info: ClipInfo, *, exact: bool) -> Self:
        """For plates like ``info``. exact: whether the edge is where the source says; a rough mask's is not,
        so its band never shrinks.
        """
        scale = min(band.LINES, info.width, info.height) / REFERENCE_LINES
        hard = round(settings.hard * scale) if exact and settings.hard is not None else None
        return cls(round(settings.soft * scale), hard)

    def __call__(self, view: Tensor, values: Tensor) -> Tensor:
        """values: a trimap, float32 [1, H, W]; view: the frame, float32 [3, H, W], display-referred, 0..1."""
        return band.adapted(view, values, self.soft, self.hard)

    def into_fur(self, view: Tensor, values: Tensor) -> Tensor:
        """The same for a carried mask, whose band is as wide as its own matte is soft, but in fur."""
        return band.into_fur(view, values, self.soft)
