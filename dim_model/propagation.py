"""Alpha carried from the known pixels to the unknown ones, however far.

Sampling finds the colours that the trimap shows. A part of the subject whose colours are nowhere known, a
flag beside a bear, is explained by none of them; but its edges are where colour changes, and within them
alpha is a linear function of colour around every pixel (``laplacian``). And where the same colours come again
across a gap, alpha does (``likeness``). The quadratic forms that say so are solved at a quarter of the size,
where they are small, and their solutions are read at full size through the local lines, as the fast guided
filter does (He & Sun 2015).
"""

from __future__ import annotations

import cv2
import numpy as np

from dim_model import guided, laplacian, multigrid
from dim_model.arrays import Floats
from dim_model.likeness import links

_SCALE = 4
_READ_RIDGE = 1e-6
_STEPS = 10
"""Stopped early on purpose, as a regularisation (semi-convergence; Hansen, "Discrete Inverse Problems", 2010,
ch. 6). What is far from all that is known is still near the half that it began from, and says so; led to the
end it would be sure of what only a long chain of small differences told it. Chosen on drawn and rendered
scenes, where it is as good as the solution and half of the work.
"""
_REST = 1e-7
"""Draws alpha to a half where nothing ties it to anything, so that the system always has one solution."""


def propagate(rgb: Floats, trimap: Floats) -> Floats:
    """The propagated and the linked alpha of each unknown pixel in the order of ``flatnonzero``, float32
    [N, 2], 0..1: carried by smooth changes of colour alone, and by likeness of colour too.

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
    slot, coefficients = laplacian.rows(small, unknown, laplacian.RIDGE)
    neighbours, right = laplacian.split(slot, coefficients, alpha, _REST)
    # Two cells more than the unknown: what the bilinear reading may touch.
    near, pixels = guided.grown(unknown, 2), np.flatnonzero(trimap == 0.5)

    def lines(solution: Floats) -> Floats:
        alpha[unknown] = solution.clip(0, 1)
        return guided.lines(small, alpha, np.ones_like(alpha), near, 1, _READ_RIDGE)

    alike = links(small, slot, alpha)
    solutions = [
        multigrid.solve(slot, neighbours, coefficients, right, _STEPS, some) for some in (None, alike)
    ]
    return np.asarray(guided.applied(rgb, np.stack([lines(x) for x in solutions], 2), pixels), np.float32)
