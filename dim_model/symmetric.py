"""Symmetric 3 x 3 matrices in kernels: covariances of colours, which every line of alpha is solved by."""

# numba types a kernel by its call; annotations on kernels would say it twice.
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numba


@numba.njit(nogil=True, cache=True, fastmath=True, inline="always")
def cofactors(s00, s01, s02, s11, s12, s22):
    """The inverse in closed form, but for a division: its six cofactors, in the order of what is given, and
    the determinant that they are to be divided by.
    """
    c00, c01, c02 = s11 * s22 - s12 * s12, s02 * s12 - s01 * s22, s01 * s12 - s02 * s11
    c11, c12, c22 = s00 * s22 - s02 * s02, s01 * s02 - s00 * s12, s00 * s11 - s01 * s01
    return c00, c01, c02, c11, c12, c22, s00 * c00 + s01 * c01 + s02 * c02
