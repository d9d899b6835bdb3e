"""How the learning rate goes over a run: the share of the full rate at each step.

A schedule depends on the step alone, so a run that was stopped goes on as if it had not been.
"""

from __future__ import annotations

import math
from collections.abc import Callable

Schedule = Callable[[int], float]
"""From a step, counted from 0, to a share of the full rate, 0..1."""

WARMUP = 200
"""Steps of linear rise: AdamW's second moments are noise before."""


class UnknownScheduleError(ValueError):
    """A name that no schedule has; one sentence."""


def plateau(steps: int, decay: float, rate: float, epoch: int) -> Schedule:
    """A plateau, then a linear fall to nothing over the last ``decay`` of the run.

    The plateau does not depend on ``steps``, so a run that did well can be given more and go on from a
    checkpoint of its plateau (Hu et al., MiniCPM, 2024, "warmup-stable-decay").
    """
    fall = max(1, int(steps * decay))
    return lambda step: max(0.0, min((step + 1) / WARMUP, 1.0, (steps - step) / fall))


def cosine(steps: int, decay: float, rate: float, epoch: int) -> Schedule:
    """Half a cosine from the full rate to nothing (Loshchilov & Hutter, SGDR, 2017, eq. 5, one cycle)."""
    return lambda step: min((step + 1) / WARMUP, 0.5 * (1 + math.cos(math.pi * min(1.0, step / steps))))


def staircase(steps: int, decay: float, rate: float, epoch: int) -> Schedule:
    """x 0.9 every 20 epochs and never below a rate of 1e-6, as Deep Image Matting's re-implementations
    train; they begin at 1e-4 and without a rise.
    """
    floor = 1e-6 / rate
    return lambda step: max(floor, 0.9 ** (step // epoch // 20))


SCHEDULES: dict[str, Callable[[int, float, float, int], Schedule]] = {
    "plateau": plateau,
    "cosine": cosine,
    "staircase": staircase,
}


def schedule(name: str, *, steps: int, decay: float, rate: float, epoch: int) -> Schedule:
    """The schedule ``name`` for a run of ``steps`` at the full ``rate`` with ``epoch`` steps to an epoch.

    Raises ``UnknownScheduleError``.
    """
    if name not in SCHEDULES:
        raise UnknownScheduleError(f"There is no schedule {name!r}; choose one of {', '.join(SCHEDULES)}.")
    return SCHEDULES[name](steps, decay, rate, epoch)
