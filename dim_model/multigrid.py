"""Sparse systems on the pixels of a mask, solved by conjugate gradients with multigrid as preconditioner.

One V-cycle of aggregation multigrid (Notay, "An aggregation-based algebraic multigrid method", 2010) a step:
ten steps come nearer to the solution of a matting Laplacian than a thousand plain ones.
"""

# numba types a kernel by its call; annotations on kernels would say it twice.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg"

from __future__ import annotations

import numba
import numpy as np

from dim_model.arrays import Floats, Indices
from dim_model.likeness import Links

# What a kernel here calls is a part of it (``inline``): out of numba's cache it would be linked otherwise
# than in the process that compiled it, its sums taken in another order, and its last digits would be others.

_COARSEST = 64
"""Unknowns: a system this small is swept until it is as good as solved."""


def solve(
    slot: Indices, neighbours: Indices, rows: Floats, right: Floats, links: Links, steps: int
) -> Floats:
    """x of (rows + the links' graph Laplacian) x = right + the links' pull, nearly: float32 [N].

    slot: the unknown of each pixel, int32 [H, W], or -1. neighbours, rows: for each unknown the unknowns of
    the pixels in a square around its own, int32 [N, K], and their coefficients, float32 [N, K], its own in
    the middle. links: bind unknowns that lie anywhere; the cycle knows of them only how strongly each unknown
    is bound, the steps see to the rest. steps: they begin from 0.5, and what lies far from all that is known
    comes last.
    """
    rows = rows.copy()
    rows[:, rows.shape[1] // 2] += links.weight * links.degree
    right = right + links.weight * links.pull
    solution: Floats = _conjugate_gradients(
        slot, neighbours, rows, links.first, links.other, links.weight, right, steps
    )
    return solution


@numba.njit(nogil=True, cache=True)
def coarsened(slot, neighbours, rows):
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
                v, u = place[np.uintp(neighbours[row, k])]
                out[np.uintp(parent[row]), np.uintp(3 * (v - y + 1) + u - x + 1)] += rows[row, k]
    return coarse, parent, around, out


@numba.njit(nogil=True, cache=True, fastmath=True, inline="always")
def _times(neighbours, rows, x, out):
    for row in range(x.size):
        value = np.float32(0)
        for k in range(rows.shape[1]):
            value += rows[row, k] * x[np.uintp(neighbours[row, k])]
        out[row] = value


@numba.njit(nogil=True, cache=True, fastmath=True, inline="always")
def _less_links(first, other, weight, x, out):
    for row in range(x.size):
        value = np.float32(0)
        for k in range(first[row], first[row + 1]):
            value += x[np.uintp(other[k])]
        out[row] -= weight * value


@numba.njit(nogil=True, cache=True, fastmath=True, inline="always")
def _sweep(neighbours, rows, right, x, backwards):
    """Gauss-Seidel, in place."""
    centre = rows.shape[1] // 2
    for i in range(x.size):
        row = x.size - 1 - i if backwards else i
        rest = right[row]
        for k in range(rows.shape[1]):
            rest -= rows[row, k] * x[np.uintp(neighbours[row, k])]
        x[row] += rest / rows[row, centre]


@numba.njit(nogil=True, cache=True, fastmath=True, inline="always")
def _sweep_from_nothing(neighbours, rows, right, x):
    """``_sweep`` of an ``x`` of zeros, which need not be there: only what came before a row counts."""
    centre = rows.shape[1] // 2
    for row in range(x.size):
        rest = right[row]
        for k in range(centre):
            rest -= rows[row, k] * x[np.uintp(neighbours[row, k])]
        x[row] = rest / rows[row, centre]


@numba.njit(nogil=True, cache=True, fastmath=True, inline="always")
def _later(neighbours, rows, x, row):
    """What a sweep from nothing leaves of a row's right-hand side, negated: it has seen to all but those that
    come after the row.
    """
    value = np.float32(0)
    for k in range(rows.shape[1] // 2 + 1, rows.shape[1]):
        value += rows[row, k] * x[np.uintp(neighbours[row, k])]
    return value


@numba.njit(nogil=True, cache=True, fastmath=True, inline="always")
def _cycle(levels, parents, rights, solutions):
    """One V-cycle for ``rights[0]`` into ``solutions[0]``; symmetric, as conjugate gradients need it.

    A loop, because numba cannot load a recursive function from its cache.
    """
    deepest = len(levels) - 1
    for level in range(deepest):
        (neighbours, rows), x = levels[level], solutions[level]
        _sweep_from_nothing(neighbours, rows, rights[level], x)
        # Out of its list once, and not for every row.
        coarser, parent = rights[level + 1], parents[level]
        coarser[:] = 0.0
        for row in range(x.size):
            coarser[np.uintp(parent[row])] -= _later(neighbours, rows, x, row)
    neighbours, rows = levels[deepest]
    solutions[deepest][:] = 0.0
    for _ in range(8):
        _sweep(neighbours, rows, rights[deepest], solutions[deepest], False)
        _sweep(neighbours, rows, rights[deepest], solutions[deepest], True)
    for level in range(deepest - 1, -1, -1):
        (neighbours, rows), x = levels[level], solutions[level]
        coarser, parent = solutions[level + 1], parents[level]
        for row in range(x.size):
            x[row] += coarser[np.uintp(parent[row])]
        _sweep(neighbours, rows, rights[level], x, True)


@numba.njit(nogil=True, cache=True)
def _levels(slot, neighbours, rows):
    """The system and its coarser ones, and for each but the last every row's coarse one.

    Lists of the kernels' own: for one that Python makes, numba compiles a class in every process.
    """
    levels, parents = [(neighbours, rows)], [np.empty(0, np.int32)][:0]
    while len(rows) > _COARSEST:
        slot, parent, neighbours, rows = coarsened(slot, neighbours, rows)
        levels.append((neighbours, rows))
        parents.append(parent)
    return levels, parents


@numba.njit(nogil=True, cache=True, fastmath=True)
def _conjugate_gradients(slot, neighbours, rows, first, other, weight, right, steps):
    levels, parents = _levels(slot, neighbours, rows)
    x = np.full(right.size, np.float32(0.5))
    covered, step = np.empty_like(x), np.zeros_like(x)
    _times(neighbours, rows, x, covered)
    _less_links(first, other, weight, x, covered)
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
        _less_links(first, other, weight, step, covered)
        share = size / (step * covered).sum()
        x += share * step
        residual -= share * covered
    return x
