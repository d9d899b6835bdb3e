"""Alpha carried from the known pixels along smooth changes of colour, however far: the matting Laplacian.

Sampling finds the colours that the trimap shows. A part of the subject whose colours are nowhere known, a
flag beside a bear, is explained by none of them; but its edges are where colour changes, and within them
alpha is a linear function of colour around every pixel (Levin, Lischinski & Weiss, "A Closed-Form Solution
to Natural Image Matting", 2008, eq. 12). The quadratic form that says so is solved at a quarter of the size,
where it is small, and its solution is read at full size through the local lines, as the fast guided filter
does (He & Sun 2015). Conjugate gradients with one cycle of aggregation multigrid as preconditioner (Notay,
"An aggregation-based algebraic multigrid method", 2010): ten steps come nearer to the solution than a
thousand plain ones.
"""

# numba types a kernel by its call; annotations on kernels would say it twice.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg"

from __future__ import annotations

import cv2
import numba
import numpy as np
from numba.typed import List
from numpy.typing import NDArray

from dim_model import guided

Floats = NDArray[np.float32]

_SCALE = 4
_RIDGE = 1e-7
"""Levin's: below this variance, colours 0..1, a window of 3 x 3 counts as flat."""
_READ_RIDGE = 1e-6
_REST = 1e-7
"""Draws alpha to a half where no window ties it to anything, so that the system always has one solution."""
_STEPS = 10
_COARSEST = 64
"""Unknowns: a system this small is swept until it is as good as solved."""


def propagate(rgb: Floats, trimap: Floats) -> Floats:
    """The propagated alpha of each unknown pixel in the order of ``flatnonzero``, float32 [N], 0..1.

    rgb: float32 [H, W, 3], 0..1; trimap: float32 [H, W] of exactly 0, 0.5, 1, with at least one 0.5.
    """
    height, width = trimap.shape
    size = (max(1, width // _SCALE), max(1, height // _SCALE))
    small, foreground, background = (
        np.asarray(cv2.resize(x, size, interpolation=cv2.INTER_AREA), np.float32)
        for x in (rgb, (trimap == 1.0).astype(np.float32), (trimap == 0.0).astype(np.float32))
    )
    # A cell is known when all of its pixels are; the area mean of ones may round below 1.
    alpha = (foreground > 0.999).astype(np.float32)
    unknown = (alpha == 0) & (background <= 0.999)
    slot, coefficients = _laplacian(small, unknown, _RIDGE)
    neighbours, right = _split(slot, coefficients, alpha, _REST)
    alpha[unknown] = _solve(slot, neighbours, coefficients, right).clip(0, 1)
    # Two cells more than the unknown: what the bilinear reading may touch.
    near = guided.grown(unknown, 2)
    lines = guided.lines(small, alpha, np.ones_like(alpha), near, 1, _READ_RIDGE)
    return np.asarray(guided.applied(rgb, lines, np.flatnonzero(trimap == 0.5)), np.float32)


def _solve(slot, neighbours, coefficients, right) -> Floats:
    levels, parents = List([(neighbours, coefficients)]), List()
    while len(coefficients) > _COARSEST:
        slot, parent, neighbours, coefficients = _coarsened(slot, neighbours, coefficients)
        levels.append((neighbours, coefficients))
        parents.append(parent)
    if not parents:  # a typed list needs an element to have a type
        parents.append(np.empty(0, np.int32))
    solution: Floats = _conjugate_gradients(levels, parents, right, _STEPS)
    return solution


@numba.njit(nogil=True, cache=True, fastmath=True)
def _laplacian(rgb, unknown, ridge):
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
    rows = np.zeros((count, 25), np.float32)
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
            c00, c01, c02 = s11 * s22 - s12 * s12, s02 * s12 - s01 * s22, s01 * s12 - s02 * s11
            c11, c12, c22 = s00 * s22 - s02 * s02, s01 * s02 - s00 * s12, s00 * s11 - s01 * s01
            determinant = s00 * c00 + s01 * c01 + s02 * c02
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
                    rows[row, 5 * (q // 3 - k // 3 + 2) + q % 3 - k % 3 + 2] += value
                rows[row, 12] += 1.0
    return slot, rows


@numba.njit(nogil=True, cache=True)
def _split(slot, rows, alpha, rest):
    """Move what is known to the right-hand side: rows then speak of unknowns alone. Changes ``rows``.

    Returns the row of each coefficient's pixel, int32 [N, 25], and the right-hand side, float32 [N].
    """
    height, width = slot.shape
    neighbours = np.empty((len(rows), 25), np.int32)
    right = np.full(len(rows), np.float32(0.5 * rest))
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
                    right[row] -= rows[row, k] * alpha[v, u]
                rows[row, k] = 0.0
            rows[row, 12] += np.float32(rest)
    return neighbours, right


@numba.njit(nogil=True, cache=True)
def _coarsened(slot, neighbours, rows):
    """The system of 2 x 2 pixels held equal: each one's row, int32 [H/2, W/2], every fine row's coarse one,
    int32 [N], and the neighbours and coefficients of 3 x 3 around each.
    """
    height, width = (slot.shape[0] + 1) // 2, (slot.shape[1] + 1) // 2
    coarse = np.full((height, width), -1, np.int32)
    parent, place = np.empty(len(rows), np.int32), np.empty((len(rows), 2), np.int32)
    for y in range(slot.shape[0]):
        for x in range(slot.shape[1]):
            if slot[y, x] >= 0:
                coarse[y // 2, x // 2] = 0
                place[slot[y, x]] = y // 2, x // 2
    count = 0
    for y in range(height):
        for x in range(width):
            if coarse[y, x] == 0:
                coarse[y, x] = count
                count += 1
    around, out = np.empty((count, 9), np.int32), np.zeros((count, 9), np.float32)
    for y in range(height):
        for x in range(width):
            row = coarse[y, x]
            if row < 0:
                continue
            for k in range(9):
                v, u = y + k // 3 - 1, x + k % 3 - 1
                inside = 0 <= v < height and 0 <= u < width and coarse[v, u] >= 0
                around[row, k] = coarse[v, u] if inside else row
    for row in range(len(rows)):
        y, x = place[row]
        parent[row] = coarse[y, x]
        for k in range(rows.shape[1]):
            if rows[row, k] != 0.0:
                v, u = place[neighbours[row, k]]
                out[parent[row], 3 * (v - y + 1) + u - x + 1] += rows[row, k]
    return coarse, parent, around, out


@numba.njit(nogil=True, cache=True, fastmath=True)
def _times(neighbours, rows, x, out):
    for row in range(x.size):
        value = np.float32(0)
        for k in range(rows.shape[1]):
            value += rows[row, k] * x[neighbours[row, k]]
        out[row] = value


@numba.njit(nogil=True, cache=True, fastmath=True)
def _sweep(neighbours, rows, right, x, backwards):
    """Gauss-Seidel, in place."""
    centre = rows.shape[1] // 2
    for i in range(x.size):
        row = x.size - 1 - i if backwards else i
        rest = right[row]
        for k in range(rows.shape[1]):
            rest -= rows[row, k] * x[neighbours[row, k]]
        x[row] += rest / rows[row, centre]


@numba.njit(nogil=True, cache=True, fastmath=True)
def _cycle(levels, parents, rights, solutions):
    """One V-cycle for ``rights[0]`` into ``solutions[0]``; symmetric, as conjugate gradients need it.

    A loop, because numba cannot load a recursive function from its cache.
    """
    deepest = len(levels) - 1
    for level in range(deepest):
        (neighbours, rows), right, x = levels[level], rights[level], solutions[level]
        x[:] = 0.0
        _sweep(neighbours, rows, right, x, False)
        covered = np.empty_like(x)
        _times(neighbours, rows, x, covered)
        coarser = rights[level + 1]
        coarser[:] = 0.0
        for row in range(x.size):
            coarser[parents[level][row]] += right[row] - covered[row]
    neighbours, rows = levels[deepest]
    solutions[deepest][:] = 0.0
    for _ in range(8):
        _sweep(neighbours, rows, rights[deepest], solutions[deepest], False)
        _sweep(neighbours, rows, rights[deepest], solutions[deepest], True)
    for level in range(deepest - 1, -1, -1):
        (neighbours, rows), x = levels[level], solutions[level]
        for row in range(x.size):
            x[row] += solutions[level + 1][parents[level][row]]
        _sweep(neighbours, rows, rights[level], x, True)


@numba.njit(nogil=True, cache=True, fastmath=True)
def _conjugate_gradients(levels, parents, right, steps):
    neighbours, rows = levels[0]
    x = np.full(right.size, np.float32(0.5))
    covered, step = np.empty_like(x), np.zeros_like(x)
    _times(neighbours, rows, x, covered)
    rights = [np.zeros(len(level[1]), np.float32) for level in levels]
    solutions = [np.zeros(len(level[1]), np.float32) for level in levels]
    residual, z = rights[0], solutions[0]
    residual[:] = right - covered
    before = np.float32(1)
    for i in range(steps):
        _cycle(levels, parents, rights, solutions)
        size = (residual * z).sum()
        if size <= 1e-12:
            break
        step = z + (size / before if i else np.float32(0)) * step
        before = size
        _times(neighbours, rows, step, covered)
        share = size / (step * covered).sum()
        x += share * step
        residual -= share * covered
    return x
