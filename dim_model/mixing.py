"""Alpha by numbers and alpha by light: two answers for one edge, and the way from the one to the other.

A lens, a moving subject, a pixel's own extent and a renderer mix light: half of a black thing before white is
0.5 in light, and 0.74 in sRGB's numbers, of which it seems to be a quarter. A painter, and an editor that
knows of no light, mix numbers. Which it was cannot be seen in a picture, so a network that is to tell both
has to guess between them, and is wrong by either. Here it tells what can be seen: alpha by numbers, as the
field has it (Levin, Lischinski & Weiss, "A Closed-Form Solution to Natural Image Matting", 2008, eq. 1, of a
picture's numbers). From that and the colours of both sides follows the share of light.
"""

# numba types a kernel by its call; annotations on kernels would say it twice.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg"

from __future__ import annotations

import numba
import numpy as np

_ALIKE = np.float32(3e-4)
"""Squared distance of two colours at which what they say of alpha counts half, beside what is known of it."""

_LEAST = np.float32(1e-4)
"""What is mixed stays so, by so much: a hundredth of what 8 bits tell."""


@numba.njit(nogil=True, cache=True, fastmath=True)
def share(colours, foreground, background, alpha):
    """Which share of each colour is foreground, by where it lies between both sides: float32 [N], above 0 and
    below 1.

    colours, foreground, background: float32 [N, 3], C-contiguous, in the space in which they are mixed.
    alpha: float32 [N], what is said where foreground and background are alike.
    """
    out = np.empty(alpha.size, np.float32)
    for n in range(np.uintp(alpha.size)):
        across, along = np.float32(0), np.float32(0)
        for c in range(3):
            apart = foreground[n, c] - background[n, c]
            across += apart * apart
            along += apart * (colours[n, c] - background[n, c])
        mean = (along + _ALIKE * alpha[n]) / (across + _ALIKE)
        out[n] = min(max(mean, _LEAST), np.float32(1) - _LEAST)
    return out


@numba.njit(nogil=True, cache=True, fastmath=True)
def agreed(colours, foreground, background, alpha):
    """The foreground's colours, float32 [N, 3], after the least change of both sides that makes
    aF + (1 - a)B the colours. As ``share``; they stay within 0 and the brightest that they were.
    """
    out = np.empty(foreground.shape, np.float32)
    high = np.float32(0)
    for n in range(np.uintp(alpha.size)):
        for c in range(3):
            high = max(high, foreground[n, c])
    for n in range(np.uintp(alpha.size)):
        a = alpha[n]
        b = np.float32(1) - a
        scale = a / (a * a + b * b)
        for c in range(3):
            left = colours[n, c] - a * foreground[n, c] - b * background[n, c]
            f = foreground[n, c] + scale * left
            out[n, c] = min(max(f, min(foreground[n, c], np.float32(0))), high)
    return out
