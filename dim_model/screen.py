"""Chroma screens: found by themselves, unevenly lit, of whatever green, blue or yellow-green the paint was.

How much of the screen shows through a pixel is told by its key: the least of the channels in which the screen
is strong less the greatest of those in which it is weak (Vlahos' colour difference, US 4,100,569, for any
screen colour). Compared with the screen's own key nearby, in the same frame, it is 1 on the screen and 0 on
anything neutral, whatever the light and the exposure do over the wall and over the shot.
"""

from __future__ import annotations

import colorsys
from dataclasses import asdict, dataclass
from typing import Any, Self

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from dim_model import trimap

_BINS = 48
_HUES = (50.0, 265.0)
"""Degrees: from yellow-green to blue. Skin, wood and hair are below, and purple clothes above."""

_SATURATION = 0.45
"""A sky is paler than this, a painted or a lit screen is not."""

_SHARE = 0.2
"""A colour that covers less of the shot is an object, not a screen."""

_STRONG = 0.6
"""A channel belongs to the screen's colour from this share of its greatest channel on."""

_SCREEN, _SUBJECT = 0.8, 0.45
"""Relative key above which a pixel is screen, and below which it is not: skin on yellow reaches 0.3."""

_NEAR = 0.08
"""Distance in chromaticity within which a pixel is surely of the screen's paint."""

_SHADOW = 0.3
"""Relative to the brightest of the screen in a frame, the darkest that still counts as screen."""

_ISLAND = 2e-3
"""Share of the frame below which a patch of screen that the edge of the frame does not touch is doubted."""

_SPECK = 2e-4
"""Share of the frame below which a lone patch of subject is noise."""


@dataclass(frozen=True)
class Screen:
    """colour: mean display-referred RGB, 0..1. share: of the sampled pixels that it covers. JSON-able."""

    colour: tuple[float, float, float]
    share: float

    @property
    def kind(self) -> str:
        """What a person would call it."""
        hue = colorsys.rgb_to_hsv(*self.colour)[0] * 360
        return "yellow-green" if hue < 80 else "green" if hue < 170 else "cyan" if hue < 200 else "blue"

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        red, green, blue = data["colour"]
        return cls((red, green, blue), data["share"])

    @classmethod
    def from_hex(cls, text: str) -> Self:
        """``#rrggbb``, as settings give it."""
        red, green, blue = (int(text[i : i + 2], 16) / 255 for i in (1, 3, 5))
        return cls((red, green, blue), 1.0)

    @property
    def _strong(self) -> list[int]:
        return [n for n, value in enumerate(self.colour) if value >= _STRONG * max(self.colour)]

    def key(self, rgb: Tensor) -> Tensor:
        """Least strong channel less greatest weak one, [B, 1, H, W], of rgb [B, 3, H, W]; negative on other
        colours.
        """
        strong = self._strong
        weak = [n for n in range(3) if n not in strong]
        return rgb[:, strong].amin(1, keepdim=True) - rgb[:, weak].amax(1, keepdim=True)


def _chromaticity(rgb: Tensor) -> Tensor:
    """Share of red and of green in each pixel, [B, 2, H, W]; blind to brightness."""
    return rgb[:, :2] / rgb.sum(1, keepdim=True).clamp_min(1e-3)


def find_screen(rgb: Tensor) -> Screen | None:
    """The screen of a shot, or None where there is none.

    rgb: float32 [B, 3, H, W], display-referred, 0..1: frames from all over the shot. A screen is the
    commonest saturated colour from yellow-green to blue that covers ``_SHARE`` of the pixels and reaches two
    edges of the frame.
    """
    high, low = rgb.amax(1, keepdim=True), rgb.amin(1, keepdim=True)
    vivid = ((high - low) > _SATURATION * high) & (high > 0.08)
    place = (_chromaticity(rgb) * _BINS).long().clamp_max(_BINS - 1)
    index = (place[:, :1] * _BINS + place[:, 1:])[vivid]
    counts = torch.bincount(index, minlength=_BINS * _BINS).float().view(1, 1, _BINS, _BINS)
    votes = F.avg_pool2d(counts, 3, 1, 1).flatten()
    for _ in range(8):
        peak = int(votes.argmax())
        red, green = (peak // _BINS + 0.5) / _BINS, (peak % _BINS + 0.5) / _BINS
        hue = colorsys.rgb_to_hsv(red, green, max(0.0, 1 - red - green))[0] * 360
        near = vivid & (_distance(rgb, (red, green)) < _NEAR)
        share = float(near.float().mean())
        if share < _SHARE:
            return None
        if _HUES[0] <= hue <= _HUES[1] and _reaches_edge(near):
            return Screen(tuple(float(c[near[:, 0]].mean()) for c in rgb.unbind(1)), share)  # type: ignore[arg-type]
        votes = votes.clone()
        cell = torch.arange(_BINS * _BINS)
        across = torch.maximum((cell // _BINS - peak // _BINS).abs(), (cell % _BINS - peak % _BINS).abs())
        votes[across <= 2] = 0
    return None


def _distance(rgb: Tensor, chroma: tuple[float, float]) -> Tensor:
    centre = torch.tensor(chroma, device=rgb.device).view(1, 2, 1, 1)
    return (_chromaticity(rgb) - centre).square().sum(1, keepdim=True).sqrt()


def _reaches_edge(near: Tensor) -> bool:
    """Whether the colour makes up a fair part of two of the frame's left, right and upper edges."""
    edges = (near[..., :, :2], near[..., :, -2:], near[..., :2, :])
    return sum(float(edge.float().mean()) > 0.25 for edge in edges) >= 2


def relative_key(rgb: Tensor, screen: Screen) -> Tensor:
    """How much of the screen shows in each pixel, float32 [B, 1, H, W]: 1 on it, 0 on what is neutral.

    rgb: float32 [B, 3, H, W], display-referred, 0..1. The screen's own level is taken from its surest pixels
    around, so a vignette, a wrinkle or a change of exposure is not foreground.
    """
    height, width = rgb.shape[-2:]
    key = screen.key(rgb)
    total = sum(screen.colour)
    sure = _distance(rgb, (screen.colour[0] / total, screen.colour[1] / total)) < _NEAR
    # A neck in shadow has a trace of a yellow screen's colour; it must not set the level by which it is
    # judged.
    bright = (key * sure)[..., ::4, ::4].flatten(1).quantile(0.95, dim=1).view(-1, 1, 1, 1)
    sure &= key > (_SHADOW * bright).clamp_min(0.02)
    reduce = max(1, min(height, width) // 48)
    both = F.avg_pool2d(
        torch.cat([key * sure, sure.float()], 1), reduce, ceil_mode=True, count_include_pad=False
    )
    everywhere = both.mean((2, 3), keepdim=True)
    for radius in (2, 6):  # near surroundings first, wider ones where there is no screen near
        side = 2 * radius + 1
        both = both + 1e-3 * F.avg_pool2d(both, side, 1, radius, count_include_pad=False)
    both = both + 1e-6 * everywhere
    level = both[:, :1] / both[:, 1:].clamp_min(1e-12)
    level = F.interpolate(
        F.avg_pool2d(level, 3, 1, 1, count_include_pad=False), (height, width), mode="bilinear"
    )
    return key / level.clamp_min(0.02)


def screen_trimap(rgb: Tensor, screen: Screen, erode: int, dilate: int) -> Tensor:
    """A trimap from a screen, float32 [B, 1, H, W].

    rgb: float32 [B, 3, H, W], display-referred, 0..1. ``erode`` pixels inside the subject's edge and
    ``dilate`` outside are unknown. A patch of screen colour inside the subject, a tie or an eye, is unknown
    rather than a hole.
    """
    calm = F.avg_pool2d(F.pad(rgb, (1, 1, 1, 1), mode="replicate"), 3, 1)
    share = relative_key(calm, screen)
    subject = _without_specks(share < _SUBJECT)
    backdrop = _without_islands(share > _SCREEN)
    return trimap.compose(trimap.shrink(subject, erode), trimap.shrink(backdrop & ~subject, dilate))


def _parts(mask: Tensor) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Connected parts of one mask [H, W]: their labels [H, W], and their areas by label."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(
        mask.numpy(force=True).astype(np.uint8), connectivity=8
    )
    return labels, stats[:, cv2.CC_STAT_AREA]


def _without_specks(mask: Tensor) -> Tensor:
    out = mask.clone()
    for picture in out[:, 0]:
        labels, areas = _parts(picture)
        small = areas < _SPECK * labels.size
        picture[torch.from_numpy(small[labels]).to(mask.device)] = False
    return out


def _without_islands(mask: Tensor) -> Tensor:
    out = mask.clone()
    for picture in out[:, 0]:
        labels, areas = _parts(picture)
        touching = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
        doubtful = areas < _ISLAND * labels.size
        doubtful[touching] = False
        picture[torch.from_numpy(doubtful[labels]).to(mask.device)] = False
    return out
