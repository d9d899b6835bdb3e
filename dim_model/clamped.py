"""Numbers as a display has them, in one pass: torch takes two, and each costs as much as reading a frame."""

# numba types a kernel by its call; annotations on kernels would say it twice.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg"

from __future__ import annotations

import numba
import numpy as np
import torch
from torch import Tensor


def clamped(rgb: Tensor) -> Tensor:
    """Colours float32 [3, ...] in 0..1, laid pixel by pixel; what is not a number is 0."""
    laid = np.ascontiguousarray(rgb.movedim(0, -1).numpy())
    out = np.empty_like(laid)
    _clamp(laid.ravel(), out.ravel())
    return torch.from_numpy(out).movedim(-1, 0)


@numba.njit(nogil=True, cache=True)
def _clamp(numbers, out):
    zero, one = np.float32(0), np.float32(1)
    for i in range(numbers.size):
        above = max(zero, numbers[i])  # of no number this is zero
        out[i] = min(one, above)
