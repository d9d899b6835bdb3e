"""Chroma screens: found by themselves, unevenly lit, of whatever green, blue or yellow-green the paint was.

How much of the screen shows through a pixel is told by its key: the least of the channels in which the screen
is strong less the greatest of those in which it is weak (Vlahos' colour difference, US 4,100,569, for any
screen colour). Compared with the screen's own key nearby, in the same frame, it is 1 on the screen and 0 on
anything neutral, whatever the light and the exposure do over the wall and over the shot.
"""

from __future__ import annotations

import colorsys
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from dim_model.arrays import Mask
from dim_model.pieces import Pieces

_BINS = 48
_HUES = (50.0, 265.0)
"""Degrees: from yellow-green to blue. Skin, wood and hair are below, and purple clothes above."""

_NAMES = (
    (20, "red"), (50, "orange"), (80, "yellow-green"), (170, "green"), (200, "cyan"), (265, "blue"),
    (340, "magenta"), (361, "red"),
)  # fmt: skip
"""Hues, by the degree that they end at. Outside of ``_HUES`` are screens that somebody named."""

_SATURATION = 0.45
"""A sky is paler than this, a painted or a lit screen is not."""

_SHARE = 0.2
"""A colour that covers less of the shot is an object, not a screen."""

_SPAN = 0.6
"""Share of the frame's rows, and of its columns, that a screen spans which reaches no edge."""

_STRONG = 0.6
"""A channel belongs to the screen's colour from this share of its greatest channel on."""

_NEAR = 0.08
"""Distance in chromaticity within which a pixel is surely of the screen's paint."""

_SHADOW = 0.3
"""Relative to the brightest of the screen in a frame, the darkest that still counts as screen."""

_PART = 0.1
"""Share of the screen's largest part from which another part belongs to its hull."""


@dataclass(frozen=True)
class Screen:
    """colour: mean display-referred RGB, 0..1. share: of the sampled pixels that it covers. hull: (x, y) of
    the corners of its convex hull over the shot, in shares of the frame; none: all of it. JSON-able.
    """

    colour: tuple[float, float, float]
    share: float
    hull: tuple[tuple[float, float], ...] = ()

    @property
    def kind(self) -> str:
        """What a person would call it."""
        hue = colorsys.rgb_to_hsv(*self.colour)[0] * 360
        return next(name for end, name in _NAMES if hue < end)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        red, green, blue = data["colour"]
        return cls((red, green, blue), data["share"], tuple((x, y) for x, y in data.get("hull", ())))

    @classmethod
    def from_hex(cls, text: str, rgb: Tensor) -> Self:
        """``#rrggbb``, as settings give it. rgb: float32 [B, 3, H, W], frames from all over the shot."""
        red, green, blue = (int(text[i : i + 2], 16) / 255 for i in (1, 3, 5))
        named = cls((red, green, blue), 1.0)
        return replace(named, share=float(_surest(rgb, named, named.key(rgb)).float().mean()))

    @property
    def _strong(self) -> list[int]:
        strong = [n for n, value in enumerate(self.colour) if value >= _STRONG * max(self.colour)]
        return strong if len(strong) < 3 else [self.colour.index(max(self.colour))]  # paler than a screen is

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
    edges of the frame, or spans most of it.
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
        if _HUES[0] <= hue <= _HUES[1] and (_reaches_edge(near) or _spans(near)):
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


def with_hull(screen: Screen, rgb: Tensor) -> Screen:
    """The screen, with the hull of where the frames ``rgb``, float32 [B, 3, H, W], show it: what lies beyond
    is no part of the set.
    """
    sure = _surest(rgb, screen, screen.key(rgb))
    mask = torch.stack([torch.from_numpy(_large(one)) for one in sure[:, 0].numpy(force=True)]).any(0)
    points = np.argwhere(mask.numpy())[:, ::-1].astype(np.int32)
    if len(points) < 3:
        return screen
    height, width = mask.shape
    corners = cv2.convexHull(np.ascontiguousarray(points))[:, 0]
    hull = tuple((float(x + 0.5) / width, float(y + 0.5) / height) for x, y in corners)
    return replace(screen, hull=hull)


def _large(mask: Mask) -> Mask:
    """Its parts that are no specks: a green bottle on a shelf does not reach the screen out to itself."""
    pieces = Pieces.of(mask)
    return pieces.only(pieces.areas >= _PART * pieces.areas.max())


def _surest(rgb: Tensor, screen: Screen, key: Tensor) -> Tensor:
    """Where the screen's paint is plain to see, bool [B, 1, H, W]."""
    total = sum(screen.colour)
    sure = _distance(rgb, (screen.colour[0] / total, screen.colour[1] / total)) < _NEAR
    # A neck in shadow has a trace of a yellow screen's colour; it must not set the level by which it is
    # judged.
    bright = (key * sure)[..., ::4, ::4].flatten(1).quantile(0.95, dim=1).view(-1, 1, 1, 1)
    return sure & (key > (_SHADOW * bright).clamp_min(0.02))


def _spans(near: Tensor) -> bool:
    """Whether the colour fills a frame's middle: a screen with the studio to be seen around it."""
    rows, columns = near.any(1).float().mean((0, 2)), near.any(1).float().mean((0, 1))
    return all(float((line > 0.25).float().mean()) > _SPAN for line in (rows, columns))


def relative_key(rgb: Tensor, screen: Screen, within: Tensor | None = None) -> Tensor:
    """How much of the screen shows in each pixel, float32 [B, 1, H, W]: 1 on it, 0 on what is neutral.

    rgb: float32 [B, 3, H, W], display-referred, 0..1. The screen's own level is taken from its surest pixels
    around, so a vignette, a wrinkle or a change of exposure is not foreground. within: bool [B, 1, H, W],
    where such pixels are looked for; None: everywhere.
    """
    height, width = rgb.shape[-2:]
    key = screen.key(rgb)
    sure = _surest(rgb, screen, key)
    if within is not None:
        sure &= within
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
