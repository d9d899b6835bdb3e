"""Trimaps out of what people supply: a painted trimap, a rough mask, an alpha of the plate's own.

A trimap is float32 [B, 1, H, W] of exactly ``BACKGROUND``, ``UNKNOWN`` and ``FOREGROUND``.
"""

# numba types a kernel by its call; annotations on kernels would say it twice.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg"

from __future__ import annotations

import numba
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

BACKGROUND, UNKNOWN, FOREGROUND = 0.0, 0.5, 1.0

_STEP = 1.5 / 255
"""One code value of eight bits, and half of one for rounding: a painted 254 is meant as white."""

_GREY = 0.1
"""How far from black or white a mask is grey: a codec's noise and a scaler's ringing stay below."""


def grow(mask: Tensor, by: int) -> Tensor:
    """Dilate a mask, bool [B, 1, H, W], by ``by`` pixels, in a square.

    Three taps at growing distances stand for a window of any width, so 100 pixels cost five passes, not 201.
    """
    for axis in (-1, -2):
        # Padded by all of it first: a tap that leaves the frame may come back.
        taps, reach = F.pad(mask, (by, by, 0, 0) if axis == -1 else (0, 0, by, by)), 0
        while reach < by:
            step = min(2 * reach + 1, by - reach)
            size = taps.shape[axis] - 2 * step
            left, middle, right = (taps.narrow(axis, start, size) for start in (0, step, 2 * step))
            taps, reach = left | middle | right, reach + step
        mask = taps
    return mask


def shrink(mask: Tensor, by: int) -> Tensor:
    """Erode a mask, bool [B, 1, H, W], by ``by`` pixels; the frame's edge does not eat into it."""
    return ~grow(~mask, by)


def compose(foreground: Tensor, background: Tensor) -> Tensor:
    """A trimap from what is certain on either side, bool [B, 1, H, W]; all else is unknown."""
    return UNKNOWN + 0.5 * (foreground.float() - background.float())


def from_grey(grey: Tensor) -> Tensor:
    """A painted trimap, float32 [B, 1, H, W], 0..1: near-white is foreground, near-black background, grey
    unknown.
    """
    return compose(grey >= 1 - _STEP, grey <= _STEP)


def from_mask(mask: Tensor, erode: int, dilate: int) -> Tensor:
    """A rough mask, float32 [B, 1, H, W], 0..1, above 0.5 foreground: unknown from ``erode`` pixels inside
    its edge to ``dilate`` outside, and where it is grey: whoever made it was not sure.
    """
    inside, grey = mask > 0.5, (mask > _GREY) & (mask < 1 - _GREY)
    return compose(shrink(inside, erode) & ~grey, ~(grow(inside, dilate) | grey))


def from_alpha(alpha: Tensor, erode: int, dilate: int) -> Tensor:
    """An alpha that is nearly right, float32 [B, 1, H, W], 0..1: what is partly transparent is unknown, and
    so many pixels around it.
    """
    return compose(shrink(alpha >= 1 - _STEP, erode), shrink(alpha <= _STEP, dilate))


def tells(alpha: Tensor) -> bool:
    """Whether an alpha, float32 [..., H, W], 0..1, tells a subject from a background: an opaque one does not,
    nor does an empty one, as software writes it beside a picture that has none.
    """
    return bool((alpha > _STEP).any() and (alpha < 1 - _STEP).any())


def coded(trimap: Tensor) -> tuple[Tensor, float]:
    """A trimap in bytes, for many wait: uint8 of its shape, 0, 1 and 2; and the share of it that is 1,
    unknown.
    """
    values = np.ascontiguousarray(trimap.numpy())
    codes = np.empty(values.shape, np.uint8)
    return torch.from_numpy(codes), _code(values.ravel(), codes.ravel()) / codes.size


@numba.njit(nogil=True, cache=True)
def _code(values, codes):
    unknown = 0
    for i in range(values.size):
        codes[i] = np.uint8(2 * values[i])
        unknown += codes[i] == 1
    return unknown
