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
    # Indices without a sign: of one that may be negative numba asks whether it is meant from the end.
    two, three, five, nine, middle = np.uintp(2), np.uintp(3), np.uintp(5), np.uintp(9), np.uintp(12)
    for y in range(np.uintp(max(0, height - 2))):
        for x in range(np.uintp(max(0, width - 2))):
            is_told = True
            for k in range(nine):
                is_told &= not unknown[y + k // three, x + k % three]
            if is_told:
                continue
            for channel in range(three):
                mean = 0.0
                for k in range(nine):
                    d[k, channel] = rgb[y + k // three, x + k % three, channel]
                    mean += d[k, channel] / 9
                for k in range(nine):
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
            for k in range(nine):
                if not unknown[y + k // three, x + k % three]:
                    continue
                row = np.uintp(slot[y + k // three, x + k % three])
                for q in range(nine):
                    value = -(1.0 + p[k, 0] * d[q, 0] + p[k, 1] * d[q, 1] + p[k, 2] * d[q, 2]) / 9
                    place = five * (two + q // three - k // three) + two + q % three - k % three
                    coefficients[row, place] += value
                coefficients[row, middle] += 1.0
    return slot, coefficients


@numba.njit(nogil=True, cache=True)
def split(slot, coefficients, alpha, rest):
    """Move what is known to the right-hand side: rows then speak of unknowns alone. Changes ``coefficients``.

    Returns the row of each coefficient's pixel, int32 [N, 25], and the right-hand side, float32 [N].
    """
    height, width = np.uintp(slot.shape[0]), np.uintp(slot.shape[1])
    neighbours = np.empty((len(coefficients), 25), np.int32)
    right = np.full(len(coefficients), np.float32(0.5 * rest))
    two, five, middle = np.uintp(2), np.uintp(5), np.uintp(12)
    for y in range(height):
        for x in range(width):
            if slot[y, x] < 0:
                continue
            row = np.uintp(slot[y, x])
            for k in range(five * five):
                # What would be before the first row or column is far behind the last.
                v, u = y + k // five - two, x + k % five - two
                neighbours[row, k] = row
                if v < height and u < width:
                    if slot[v, u] >= 0:
                        neighbours[row, k] = slot[v, u]
                        continue
                    right[row] -= coefficients[row, k] * alpha[v, u]
                coefficients[row, k] = 0.0
            coefficients[row, middle] += np.float32(rest)
    return neighbours, right
