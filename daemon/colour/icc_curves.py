"""Curves of ICC profiles: a gamma, a formula or a table (ICC.1:2022, 10.6 and 10.18), and back.

They compare by their numbers, so that pictures with the same profile are known to be in the same space.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor

from daemon.colour.curves import IDENTITY, SRGB, Transfer
from dim_model import srgb

_NEAR = 1 / 2048
"""Codes that differ by less are the same curve: sRGB goes about as tables of 26, 1024 and 4096 entries."""

_MOST = 65536
"""Entries of a table: as many as 16 bits have codes."""


class CurveError(ValueError):
    """What is wrong with a curve, as the end of a sentence."""


class IccCurve(Protocol):
    """One channel's: float32 of any shape, 0..1 and what goes on beyond; hashable, equal by its numbers."""

    def to_light(self, codes: Tensor) -> Tensor: ...

    def from_light(self, light: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class Formula:
    """(a x + b)^g + e from x = d on, c x + f below it: all types of `para`, and a plain gamma."""

    g: float
    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 0.0
    e: float = 0.0
    f: float = 0.0

    def __post_init__(self) -> None:
        numbers = (self.g, self.a, self.b, self.c, self.d, self.e, self.f)
        if not all(map(math.isfinite, numbers)) or not 0.1 <= self.g <= 20 or not 1e-3 <= self.a <= 1e3:
            raise CurveError("has a curve that is none")
        if self.d < 1 and self.a * self.d + self.b < -1e-4:
            raise CurveError("has a curve that is none")
        if self.c < 0 or (0 < self.d <= 1 and self.c * self.d + self.f > self._at_bend + 1e-3):
            raise CurveError("has a curve that does not rise")

    @property
    def _at_bend(self) -> float:
        return float(max(self.a * self.d + self.b, 0.0) ** self.g + self.e)

    def to_light(self, codes: Tensor) -> Tensor:
        size = codes.abs()
        upper = (self.a * size + self.b).clamp_min(0) ** self.g + self.e
        return torch.copysign(torch.where(size >= self.d, upper, self.c * size + self.f), codes)

    def from_light(self, light: Tensor) -> Tensor:
        size = light.abs()
        upper = ((size - self.e).clamp_min(0) ** (1 / self.g) - self.b) / self.a
        if self.d <= 0:
            return torch.copysign(upper.clamp_min(0), light)
        lower = ((size - self.f) / self.c).clamp(0, self.d) if self.c > 0 else torch.full_like(size, self.d)
        return torch.copysign(torch.where(size >= self._at_bend, upper, lower), light)


@dataclass(frozen=True)
class Table:
    """Evenly spaced values of 16 bits, with straight lines between; the last line goes on above 1."""

    entries: tuple[int, ...]

    def __post_init__(self) -> None:
        rising = all(a <= b for a, b in zip(self.entries, self.entries[1:], strict=False))
        if not 2 <= len(self.entries) <= _MOST or not rising or self.entries[0] == self.entries[-1]:
            raise CurveError("has a curve that does not rise")

    def to_light(self, codes: Tensor) -> Tensor:
        return torch.copysign(_between(codes.abs(), self._places, self._values), codes)

    def from_light(self, light: Tensor) -> Tensor:
        return torch.copysign(_between(light.abs(), *self._rising), light)

    @cached_property
    def _values(self) -> Tensor:
        return torch.tensor(self.entries, dtype=torch.float64).div(65535).float()

    @cached_property
    def _places(self) -> Tensor:
        return torch.linspace(0, 1, len(self.entries), dtype=torch.float64).float()

    @cached_property
    def _rising(self) -> tuple[Tensor, Tensor]:
        """Light and codes without what is level, which has no inverse: black keeps its highest code, for it
        is where light begins, and white its lowest.
        """
        values = self._values
        kept = torch.ones(len(values), dtype=torch.bool)
        kept[1:] = values[1:] > values[:-1]
        if bool((values == values[0]).sum() > 1):
            kept[0], kept[int((values == values[0]).nonzero().max())] = False, True
        return values[kept], self._places[kept]


def _between(at: Tensor, places: Tensor, values: Tensor) -> Tensor:
    """Straight lines through (places, values), which rise; the first value below, the last line above."""
    after = torch.searchsorted(places, at.contiguous(), right=True).clamp(1, len(places) - 1)
    before = after - 1
    share = ((at - places[before]) / (places[after] - places[before])).clamp_min(0)
    return values[before] + share * (values[after] - values[before])


@dataclass(frozen=True)
class _Channels:
    """One way through the curves of red, green and blue, [3, ...]; equal by the curves."""

    curves: tuple[IccCurve, IccCurve, IccCurve]
    back: bool = False

    def __call__(self, rgb: Tensor) -> Tensor:
        if self.curves[0] == self.curves[1] == self.curves[2]:
            return self._one(self.curves[0])(rgb)
        return torch.stack([self._one(curve)(c) for curve, c in zip(self.curves, rgb, strict=True)])

    def _one(self, curve: IccCurve) -> Callable[[Tensor], Tensor]:
        return curve.from_light if self.back else curve.to_light


def transfer(curves: tuple[IccCurve, IccCurve, IccCurve]) -> Transfer:
    """Of red, green and blue; ours where they are sRGB's, or light itself."""
    codes = torch.linspace(0, 1, 1025)
    lights = [curve.to_light(codes) for curve in curves]
    if all(float((srgb.from_light(light) - codes).abs().max()) < _NEAR for light in lights):
        return SRGB
    if all(curve == Formula(1.0) for curve in curves):
        return IDENTITY
    first = curves[0]
    plain = isinstance(first, Formula) and first == Formula(first.g) and curves[1:] == (first, first)
    name = f"gamma {first.g:.3g}" if plain and isinstance(first, Formula) else "curve of its profile,"
    return Transfer(name, _Channels(curves), _Channels(curves, back=True))
