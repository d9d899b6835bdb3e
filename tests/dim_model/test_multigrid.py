"""The solver: near a direct solution for a small and fixed amount of work, with links and without."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg

from dim_model import laplacian, multigrid
from dim_model.likeness import links
from tests.dim_model.linear import dense, noisy


@pytest.mark.parametrize("linked", [False, True])
def test_the_cycles_solve_the_system(linked: bool) -> None:
    picture = noisy(48, 64, 3)
    alpha = np.zeros((48, 64), np.float32)
    alpha[:, :20] = 1
    unknown = np.zeros((48, 64), bool)
    unknown[:, 20:44] = True
    slot, rows = laplacian.rows(picture, unknown, 1e-4)
    neighbours, right = laplacian.split(slot, rows, alpha, 1e-7)
    matrix = scipy.sparse.lil_matrix(dense(slot, rows)[:, np.flatnonzero(unknown)])
    alike, whole = links(picture, slot, alpha), right.copy()
    if not linked:
        alike = alike._replace(weight=np.float32(0))
    for row in range(len(rows)):
        matrix[row, row] += alike.weight * alike.degree[row]
        whole[row] += alike.weight * alike.pull[row]
        for other in alike.other[alike.first[row] : alike.first[row + 1]]:
            matrix[row, other] -= alike.weight
    exact = scipy.sparse.linalg.spsolve(matrix.tocsc(), whole)
    found = multigrid.solve(slot, neighbours, rows, right, alike, 20)
    assert np.abs(found - exact).mean() < 0.01
    assert exact.std() > 0.15
