"""What is done to a foreground's colours once they are found: the screen's light is taken out of them, and
they go on outside the matte.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor

from daemon.clip_config import ForegroundSettings
from dim_model.despill import Channel, Method, despilled, edge_weight, mixed_weight, spill
from dim_model.screen import Screen


@dataclass(frozen=True)
class Treatment:
    """channel: what is despilled; None: nothing. opaque: whether that goes for opaque pixels too, which
    otherwise stay the plate bit for bit; reach: how far from the edge, in pixels; None: everywhere. extend:
    pixels beyond the matte that the ``foreground`` output's colour goes on for.
    """

    channel: Channel | None = None
    method: Method = "average"
    strength: float = 1.0
    opaque: bool = False
    reach: int | None = None
    extend: int = 0

    @classmethod
    def of(cls, settings: ForegroundSettings, trimap: Mapping[str, Any], width: int, height: int) -> Self:
        """trimap: the state of the clip's trimap source, which has the ``screen`` where there is one. width,
        height: of the plate.
        """
        named = settings.despill in ("green", "blue")
        channel: Channel | None = None
        if settings.despill == "auto":
            channel = _channel(trimap)
        elif settings.despill != "none":
            channel = settings.despill
        reach, extend = settings.widths(width, height)
        return cls(channel, settings.method, settings.strength, named, reach, extend)

    @property
    def is_for_known(self) -> bool:
        """Whether pixels that are wholly of the foreground, or wholly not, may get another colour."""
        return (self.channel is not None and self.opaque) or self.extend > 0

    def mixed(self, light: Tensor, alpha: Tensor) -> Tensor:
        """Of the partly transparent pixels: light [3, N], straight, scene-linear; alpha [N]."""
        if self.channel is None:
            return light
        weight = 1.0 if self.opaque else mixed_weight(alpha)
        return despilled(light, self.channel, self.method, self.strength * weight)

    def solid(self, light: Tensor, alpha: Tensor) -> tuple[Tensor, Tensor]:
        """The opaque pixels from which spill is taken, bool [H, W], and what is left of them, [3, N]; of a
        plate [3, H, W], scene-linear.
        """
        if self.channel is None or not self.opaque:
            return torch.zeros_like(alpha[0], dtype=torch.bool), light[:, :0, 0]
        weight = (edge_weight(alpha, self.reach) * (alpha == 1))[0]
        spilt = (spill(light, self.channel, self.method) > 0) & (weight > 0)
        return spilt, despilled(light[:, spilt], self.channel, self.method, self.strength * weight[spilt])


def _channel(trimap: Mapping[str, Any]) -> Channel | None:
    """Of the screen that the trimap was made by: that channel of the two in which it is stronger."""
    if "screen" not in trimap:
        return None
    _, green, blue = Screen.from_dict(trimap["screen"]).colour
    return "green" if green >= blue else "blue"


PLAIN = Treatment()
"""Nothing is done."""
