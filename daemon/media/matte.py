"""A picture as a matte, whatever channels whoever painted it saved it with."""

from __future__ import annotations

import numpy as np

from daemon.media.base import Pixels


def grey(pixels: Pixels) -> Pixels:
    """One channel [H, W] of a matte: its alpha where that says anything, else the mean of its colours. An
    alpha that is empty says nothing beside a grey picture, which is the matte then.
    """
    if pixels.shape[2] == 4:
        alpha, colours = pixels[..., 3], pixels[..., :3]
        is_matte = not alpha.any() and (colours == colours[..., :1]).all()
        if alpha.min() < 1 and not is_matte:
            return np.ascontiguousarray(alpha)
    return np.ascontiguousarray(pixels[..., : min(3, pixels.shape[2])].mean(-1))
