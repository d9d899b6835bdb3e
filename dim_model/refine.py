"""A matte made to follow the plate: a few steps towards alpha that is linear in colour within 3 x 3 pixels.

A network decides what is subject and what is not, but not how an edge runs from one pixel to the next: that
the plate shows. Where alpha is mixed, it is led down the quadratic form of the matting Laplacian L (Levin,
Lischinski & Weiss, "A Closed-Form Solution to Natural Image Matting", 2008, eq. 12) by Chebyshev iteration
(Golub & Varga 1961). L/9 is one less a guided filter with a radius of 1 (He, Sun & Tang, "Guided Image
Filtering", 2010), so its eigenvalues lie in 0..1, and no system is made: each step filters alpha. Steps take
away what is rough, and what they are too few for, how alpha changes over many pixels, stays the network's:
stopped early, as what is propagated is (``propagation``).

Kernels release the GIL.
"""

# numba types a kernel by its call; annotations on kernels would say it twice.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg"

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from dim_model.arrays import Floats, Mask
from dim_model.numbered import positions
from dim_model.residuals import (
    BESIDE,
    ROOM,
    ROW,
    STRIP,
    measure,
    number_rows,
    reach,
    read,
    residuals,
    spans,
)

_STEPS = 10
_ROUGH = 0.015
"""Eigenvalue of L/9 from which on a share is taken away, the same of all above: less of those below."""


def refined(rgb: Floats, alpha: Floats, mixed: Mask) -> Floats:
    """Alpha, float32 [H, W], not clamped: ``alpha`` where it is not ``mixed``, which holds all else.

    rgb: float32 [H, W, 3], display-referred, 0..1; alpha: float32 [H, W]; mixed: bool [H, W]. It is linear in
    ``alpha``, and its matrix between mixed pixels is symmetric: what of a change of the result comes of a
    mixed pixel is had by refining that change, with 0 where nothing is mixed (``trainer.refinement``).
    """
    out = alpha.copy()
    refine(rgb, out, positions(mixed), mixed.astype(np.float32))
    return out


def refine(rgb: Floats, alpha: Floats, mixed: NDArray[np.intp], freedom: Floats) -> None:
    """``refined``, in place. mixed: flat indices, in order; freedom: float32 [H, W], 0 but where it is mixed,
    there up to 1: how far a pixel follows the plate. At a tenth only what is roughest is taken away.
    """
    if min(alpha.shape) >= 3:
        _refine(rgb, alpha, mixed, freedom, _shares(_STEPS, _ROUGH))


def _shares(steps: int, least: float) -> Floats:
    """Of each step, what it takes of the residual and what of the step before: float32 [steps, 2], of
    Chebyshev iteration for eigenvalues of ``least``..1.
    """
    middle, half = (1 + least) / 2, (1 - least) / 2
    shares = np.zeros((steps, 2), np.float32)
    of_residual = 1 / middle
    shares[0] = of_residual, 0
    for i in range(1, steps):
        of_before = (0.5 if i == 1 else 0.25) * (half * of_residual) ** 2
        before, of_residual = of_residual, 1 / (middle - of_before / of_residual)
        # The step before is told as the change it made, of which a share of the residual's size was taken.
        shares[i] = of_residual, of_residual * of_before / before
    return shares


@numba.njit(nogil=True, cache=True)
def _refine(rgb, alpha, mixed, freedom, shares):
    height, width = alpha.shape
    strips = (width + STRIP - 1) // STRIP
    # Of each strip's row its mixed pixels, the windows that hold any of them, and its number where these see
    # it.
    pixels = np.zeros((strips, height, 2), np.int32)
    windows = np.zeros((strips, height, 2), np.int32)
    number = np.full((strips, height), -1, np.int32)
    spans(mixed, width, pixels)
    count = 0
    for strip in range(strips):
        reach(width, strip * STRIP, pixels[strip], windows[strip])
        count = number_rows(windows[strip], number[strip], count)
    colours, fits = np.empty(count * 3 * ROW, np.float32), np.empty(count * 9 * ROW, np.float32)
    free, change = np.zeros(count * ROW, np.float32), np.zeros(count * ROW, np.float32)
    left_over, room = np.empty(count * ROW, np.float32), np.zeros(ROOM, np.float32)
    for strip in range(strips):
        left = strip * STRIP
        read(rgb, left, windows[strip], number[strip], colours)
        measure(windows[strip], number[strip], colours, fits)
        _lay(freedom, left, pixels[strip], number[strip], free)
    flat = alpha.reshape(-1)
    for of_residual, of_before in shares:
        for strip in range(strips):
            here, around, rows = pixels[strip], windows[strip], number[strip]
            residuals(flat, width, strip * STRIP, here, around, rows, colours, fits, room, left_over)
        for strip in range(strips):
            here, rows = pixels[strip], number[strip]
            _step(flat, width, strip * STRIP, here, rows, left_over, free, change, of_residual, of_before)


@numba.njit(nogil=True, cache=True)
def _lay(freedom, left, pixels, number, free):
    """Of the pixels from a row's first mixed one to its last."""
    for y in range(len(pixels)):
        at, x = np.uintp(number[y] * ROW + BESIDE + pixels[y, 0]), np.uintp(left + pixels[y, 0])
        for i in range(np.uintp(pixels[y, 1] - pixels[y, 0])):
            free[at + i] = freedom[y, x + i]


@numba.njit(nogil=True, cache=True)
def _step(flat, width, left, pixels, number, left_over, free, change, of_residual, of_before):
    for y in range(len(pixels)):
        first, end = pixels[y]
        if not end:
            continue
        start, p = np.uintp(y * width + left + first), np.uintp(number[y] * ROW + BESIDE + first)
        for i in range(np.uintp(end - first)):
            by = free[p + i] * (of_residual * left_over[p + i] + of_before * change[p + i])
            change[p + i] = by
            flat[start + i] += by
