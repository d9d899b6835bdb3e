"""sRGB's curve and its inverse (IEC 61966-2-1), a tenth of the time that a power takes.

No power is taken: a root is found by Newton's steps, which need no division, from a first guess that is made
of a number's bits (Lomont, "Fast Inverse Square Root", 2003), many numbers at once. Results are right to a
millionth of themselves. Negative values are mirrored, those above 1 go on, and what is not finite stays so.
"""

# numba types a kernel by its call; annotations on kernels would say it twice.
# mypy: disable-error-code="no-untyped-def, no-untyped-call"

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import torch
from torch import Tensor

from dim_model.arrays import Floats

KNEE = 0.8
"""Scene-linear values up to here are shown as they are; above, highlights roll off towards 1 rather than
clip.
"""

_FAST = {"contract", "nsz", "reassoc"}
"""What a compiler may take for the same: not that every number is one."""

_BLOCK = 4096
"""Numbers at a time: they stay in the nearest cache between one loop and the next."""

_MOST = np.float32(1e15)
"""Greater numbers are infinite: a root of theirs could not be raised again."""


def to_light(rgb: Tensor) -> Tensor:
    """Linear light of sRGB's numbers, float32 of any shape, laid in memory as they are."""
    return _each(_lit, rgb)


def from_light(light: Tensor) -> Tensor:
    """The inverse of ``to_light``."""
    return _each(_shown, light)


def _each(curve: Callable[[Floats, Floats, Any], None], colours: Tensor) -> Tensor:
    by_pixels = not colours.is_contiguous()
    given = (colours.movedim(0, -1) if by_pixels else colours).contiguous()
    made = torch.empty_like(given)
    laid = made.view(-1).numpy()
    curve(given.view(-1).numpy(), laid, laid.view(np.int32))
    return made.movedim(-1, 0) if by_pixels else made


# The least loops that there are, for the compiler to take sixteen numbers at once.


@numba.njit(nogil=True, cache=True, fastmath=_FAST)
def _rescaled(numbers, out):
    """What is raised to 2.4."""
    for i in range(numbers.size):
        out[i] = (abs(numbers[i]) + np.float32(0.055)) * np.float32(1 / 1.055)


@numba.njit(nogil=True, cache=True, fastmath=_FAST)
def _square_roots(numbers, out):
    for i in range(numbers.size):
        out[i] = np.sqrt(abs(numbers[i]))


@numba.njit(nogil=True, cache=True)
def _guessed(bits, magic, share):
    """A first guess of a number to the power of ``-share``, by its bits, which are nearly its logarithm.

    magic: the bits of 1, as often as 1 + ``share`` says, less a little.
    """
    for i in range(bits.size):
        bits[i] = magic - np.int32(np.float32(bits[i]) * share)


@numba.njit(nogil=True, cache=True, fastmath=_FAST)
def _raised(numbers, out):
    """To light, from a guess of ``_rescaled`` to the power of -1/5."""
    for i in range(numbers.size):
        size = abs(numbers[i])
        base = (size + np.float32(0.055)) * np.float32(1 / 1.055)
        root, k = out[i], np.float32(0.2) * base
        square = root * root
        root *= np.float32(1.2) - k * (square * square * root)
        square = root * root
        root *= np.float32(1.2) - k * (square * square * root)
        square = root * root
        root *= np.float32(1.2) - k * (square * square * root)
        square = root * root
        root *= np.float32(1.2) - k * (square * square * root)
        light = base * root
        light *= light * light
        plain = size * np.float32(1 / 12.92)
        light = light if size > np.float32(0.04045) else plain
        light = light if size < _MOST else size * np.float32(1e30)
        out[i] = light if numbers[i] >= 0 else -light


@numba.njit(nogil=True, cache=True, fastmath=_FAST)
def _lowered(numbers, out):
    """From light, from a guess of its square root to the power of -1/3."""
    for i in range(numbers.size):
        size = abs(numbers[i])
        base = np.sqrt(size)
        root, k = out[i], np.float32(1 / 3) * base
        root *= np.float32(4 / 3) - k * (root * root * root)
        root *= np.float32(4 / 3) - k * (root * root * root)
        root *= np.float32(4 / 3) - k * (root * root * root)
        root *= np.float32(4 / 3) - k * (root * root * root)
        rgb = np.float32(1.055) * (np.sqrt(base) * (base * (root * root))) - np.float32(0.055)
        plain = size * np.float32(12.92)
        rgb = rgb if size > np.float32(0.0031308) else plain
        rgb = rgb if size < _MOST else size * np.float32(1e30)
        out[i] = rgb if numbers[i] >= 0 else -rgb


@numba.njit(nogil=True, cache=True)
def _lit(numbers, out, bits):
    for start in range(0, numbers.size, _BLOCK):
        some, made = numbers[start : start + _BLOCK], out[start : start + _BLOCK]
        _rescaled(some, made)
        _guessed(bits[start : start + _BLOCK], np.int32(0x4C1E7000), np.float32(1 / 5))
        _raised(some, made)


@numba.njit(nogil=True, cache=True)
def _shown(numbers, out, bits):
    for start in range(0, numbers.size, _BLOCK):
        some, made = numbers[start : start + _BLOCK], out[start : start + _BLOCK]
        _square_roots(some, made)
        _guessed(bits[start : start + _BLOCK], np.int32(0x54A21D2A), np.float32(1 / 3))
        _lowered(some, made)
