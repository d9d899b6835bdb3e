"""The matting Laplacian: within 3 x 3 pixels, alpha is a linear function of colour.

Levin, Lischinski & Weiss, "A Closed-Form Solution to Natural Image Matting" (2008), eq. 12. Rows are made for
the unknown pixels alone; what is known stands on the right-hand side.
"""

# numba types a kernel by its call; annotations on kernels would say it twice.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg"

from __future__ import annotations

import numba
import numpy as np

from dim_model.symmetric import cofactors

RIDGE = 1e-7
"""Levin's: below this variance, colours 0..1, a window of 3 x 3 counts as flat."""


@numba.njit(nogil=True, cache=True, fastmath=True)
def rows(rgb, unknown, ridge):
    """Rows of the matting Laplacian for the unknown pixels, in reading order: float32 [N, 25], the
    coefficients of the 5 x 5 pixels around each; and each pixel's row, int32 [H, W], or -1.
    """
    height, width = unknown.shape
    slot = np.full((height, width), -1, np.int32)
    count = 0
    for y in range(height):
        for x in range(width):
            if unknown[y, x]:
                slot[y, x] = count
                count += 1
    coefficients = np.zeros((count, 25), np.float32)
    d, p = np.empty((9, 3)), np.empty((9, 3))
    for y in range(height - 2):
        for x in range(width - 2):
            if not unknown[y : y + 3, x : x + 3].any():
                continue
            for channel in range(3):
                mean = 0.0
                for k in range(9):
                    d[k, channel] = rgb[y + k // 3, x + k % 3, channel]
                    mean += d[k, channel] / 9
                for k in range(9):
                    d[k, channel] -= mean
            s00, s11, s22 = ridge, ridge, ridge
            s01, s02, s12 = 0.0, 0.0, 0.0
            for k in range(9):
                r, g, b = d[k, 0], d[k, 1], d[k, 2]
                s00 += r * r / 9
                s01 += r * g / 9
                s02 += r * b / 9
                s11 += g * g / 9
                s12 += g * b / 9
                s22 += b * b / 9
            c00, c01, c02, c11, c12, c22, determinant = cofactors(s00, s01, s02, s11, s12, s22)
            for k in range(9):
                r, g, b = d[k, 0], d[k, 1], d[k, 2]
                p[k, 0] = (c00 * r + c01 * g + c02 * b) / determinant
                p[k, 1] = (c01 * r + c11 * g + c12 * b) / determinant
                p[k, 2] = (c02 * r + c12 * g + c22 * b) / determinant
            for k in range(9):
                row = slot[y + k // 3, x + k % 3]
                if row < 0:
                    continue
                for q in range(9):
                    value = -(1.0 + p[k, 0] * d[q, 0] + p[k, 1] * d[q, 1] + p[k, 2] * d[q, 2]) / 9
                    coefficients[row, 5 * (q // 3 - k // 3 + 2) + q % 3 - k % 3 + 2] += value
                coefficients[row, 12] += 1.0
    return slot, coefficients


@numba.njit(nogil=True, cache=True)
def split(slot, coefficients, alpha, rest):
    """Move what is known to the right-hand side: rows then speak of unknowns alone. Changes ``coefficients``.

    Returns the row of each coefficient's pixel, int32 [N, 25], and the right-hand side, float32 [N].
    """
    height, width = slot.shape
    neighbours = np.empty((len(coefficients), 25), np.int32)
    right = np.full(len(coefficients), np.float32(0.5 * rest))
    for y in range(height):
        for x in range(width):
            row = slot[y, x]
            if row < 0:
                continue
            for k in range(25):
                v, u = y + k // 5 - 2, x + k % 5 - 2
                neighbours[row, k] = row
                if 0 <= v < height and 0 <= u < width:
                    if slot[v, u] >= 0:
                        neighbours[row, k] = slot[v, u]
                        continue
                    right[row] -= coefficients[row, k] * alpha[v, u]
                coefficients[row, k] = 0.0
            coefficients[row, 12] += np.float32(rest)
    return neighbours, right
