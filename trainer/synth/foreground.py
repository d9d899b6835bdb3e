"""A foreground with exact alpha, and the protocol of those who make one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from dim_model.arrays import Floats

Rng = np.random.Generator


@dataclass(frozen=True)
class Foreground:
    """alpha: float32 [N, N], 0..1. colour: float32 [N, N, 3], straight, display-referred, 0..1, sensible
    wherever alpha is above 0. kind: what it is meant to be, for the gallery.
    """

    alpha: Floats
    colour: Floats
    kind: str


class Maker(Protocol):
    """Makes foregrounds without end; the same state of ``rng`` gives the same one."""

    def make(self, rng: Rng, size: int) -> Foreground: ...
