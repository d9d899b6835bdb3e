"""A colour space: what a file's numbers are as light, and what a network sees of them.

Two kinds stand behind one protocol: ours, by a transfer function and primaries (here), and a config's, by
OpenColorIO (see ``ocio``). They meet in linear Rec.709, which has negative values for what lies outside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor

from daemon.colour.curves import IDENTITY, SRGB, Transfer
from daemon.colour.primaries import NAMES, REC709, Chromaticities, multiplied, to_rec709
from daemon.media.base import Encoding
from dim_model import srgb
from dim_model.clamped import clamped


class ColourSpace(Protocol):
    """Colours are float32 [3, ...]; negative and super-white values survive every way but ``view``.

    name: for people, and the manifest. is_linear: its numbers are light. tags: primaries and transfer in the
    code points of ITU-T H.273, (2, 2) where it has none. chromaticities: of its own primaries; None: unknown.
    """

    @property
    def name(self) -> str: ...

    @property
    def is_linear(self) -> bool: ...

    @property
    def tags(self) -> tuple[int, int]: ...

    @property
    def chromaticities(self) -> Chromaticities | None: ...

    def to_linear(self, rgb: Tensor) -> Tensor:
        """Scene-linear light that mixes as light does, from the file's own numbers."""
        ...

    def from_linear(self, light: Tensor) -> Tensor:
        """The inverse of ``to_linear``."""
        ...

    def to_rec709(self, rgb: Tensor) -> Tensor:
        """Linear Rec.709, from the file's own numbers."""
        ...

    def from_rec709(self, light: Tensor) -> Tensor:
        """The inverse of ``to_rec709``."""
        ...

    def view(self, rgb: Tensor) -> Tensor:
        """What a network sees: sRGB in 0..1, highlights rolled off. Not finite becomes a finite number."""
        ...


def seen(light: Tensor, *, rolled: bool) -> Tensor:
    """sRGB in 0..1 of linear Rec.709; rolled: it may hold more than a display shows, which is rolled off."""
    light = light.nan_to_num(0.0, 1e4, 0.0).clamp_min(0)
    if rolled:
        span, over = 1 - srgb.KNEE, light - srgb.KNEE
        light = torch.where(over > 0, srgb.KNEE + span * (1 - torch.exp(-over / span)), light)
    return srgb.from_light(light).clamp(0, 1)


@dataclass(frozen=True)
class Own:
    """A space of ours. transfer: to light of its ``primaries``. rolled: it may hold more than a display
    shows. tags: see ``ColourSpace``.
    """

    transfer: Transfer
    primaries: Chromaticities = REC709
    rolled: bool = True
    tags: tuple[int, int] = (2, 2)

    @property
    def name(self) -> str:
        return f"{self.transfer.name} {NAMES.get(self.primaries, 'of its own primaries')}"

    @property
    def is_linear(self) -> bool:
        return self.transfer is IDENTITY

    @property
    def chromaticities(self) -> Chromaticities | None:
        return self.primaries

    def to_linear(self, rgb: Tensor) -> Tensor:
        return self.transfer.to_light(rgb)

    def from_linear(self, light: Tensor) -> Tensor:
        return self.transfer.from_light(light)

    def to_rec709(self, rgb: Tensor) -> Tensor:
        light = self.to_linear(rgb)
        return light if self._matrix is None else multiplied(self._matrix, light)

    def from_rec709(self, light: Tensor) -> Tensor:
        return self.from_linear(light if self._inverse is None else multiplied(self._inverse, light))

    def view(self, rgb: Tensor) -> Tensor:
        if self == DISPLAY:  # what is shown already costs next to nothing
            return clamped(rgb)
        light = self.to_linear(rgb).nan_to_num(0.0, 1e4, 0.0)
        return seen(light if self._matrix is None else multiplied(self._matrix, light), rolled=self.rolled)

    @cached_property
    def _matrix(self) -> Tensor | None:
        return to_rec709(self.primaries)

    @cached_property
    def _inverse(self) -> Tensor | None:
        return None if self._matrix is None else self._matrix.double().inverse().float()


DISPLAY = Own(SRGB, rolled=False, tags=(1, 13))
"""What most files are: sRGB; and what video by BT.601 and BT.709 is taken for."""

LINEAR = Own(IDENTITY, tags=(1, 8))
"""Scene-linear light of Rec.709's primaries: what a float file is taken for that says nothing of itself."""


def assumed(encoding: Encoding) -> ColourSpace:
    """What a file is taken for that says nothing of itself."""
    return LINEAR if encoding == "linear" else DISPLAY


def convert(rgb: Tensor, source: ColourSpace, target: ColourSpace) -> Tensor:
    """Colours [3, ...] of ``source`` as ``target`` has them; the same tensor where they are one."""
    return rgb if source == target else target.from_rec709(source.to_rec709(rgb))
