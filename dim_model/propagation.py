"""Alpha carried from the known pixels to the unknown ones, however far.

Sampling finds the colours that the trimap shows. A part of the subject whose colours are nowhere known, a
flag beside a bear, is explained by none of them; but its edges are where colour changes, and within them
alpha is a linear function of colour around every pixel (``laplacian``). And where the same colours come again
across a gap, alpha does (``likeness``). The quadratic form that says so is solved here; it is small at a
quarter of a frame's size, and its solution is read at full size through local lines, as the fast guided
filter does (He & Sun 2015).
"""

from __future__ import annotations

from dim_model import laplacian, multigrid
from dim_model.arrays import Floats, Mask
from dim_model.likeness import links

_STEPS = 10
"""Stopped early on purpose, as a regularisation (semi-convergence; Hansen, "Discrete Inverse Problems", 2010,
ch. 6). What is far from all that is known is still near the half that it began from, and says so; led to the
end it would be sure of what only a long chain of small differences told it. Chosen on drawn and rendered
scenes, where it is as good as the solution and half of the work.
"""
_REST = 1e-7
"""Draws alpha to a half where nothing ties it to anything, so that the system always has one solution."""


def propagate(rgb: Floats, alpha: Floats, unknown: Mask) -> Floats:
    """``alpha``, float32 [H, W], of exactly 0 or 1 where it is known, and solved for where not: 0..1.

    rgb: float32 [H, W, 3], 0..1; unknown: bool [H, W].
    """
    carried = alpha.copy()
    slot, coefficients = laplacian.rows(rgb, unknown, laplacian.RIDGE)
    neighbours, right = laplacian.split(slot, coefficients, carried, _REST)
    alike = links(rgb, slot, carried)
    carried[unknown] = multigrid.solve(slot, neighbours, coefficients, right, alike, _STEPS).clip(0, 1)
    return carried
