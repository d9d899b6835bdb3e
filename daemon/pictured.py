"""The picture that a plate with alpha is: what a camera would have seen where its alpha is not 1.

A network finds the matte by the mixture at the edge. Straight colours of a render or a cut-out show none:
they stay the subject's own up to the last pixel, with nothing behind, and its soft edge would become a hard
one.
"""

from __future__ import annotations

import numpy as np

from daemon.media import ClipInfo, Pixels

_LEAST_COVER = 2.0**-24
"""Alpha below which a premultiplied file's colours were left as they are; see `daemon.media.stills`."""

_ROUNDED = 2 / 255
"""By so much a colour may pass its alpha, both in 8 bits, where it is multiplied by it."""


def pictured(pixels: Pixels, info: ClipInfo) -> Pixels:
    """The colours of a frame of RGBA, straight, as a picture: float32 [H, W, 3], in the file's own numbers.

    A premultiplied file's are those that it holds, which are its picture before black; a cut-out's are laid
    before black; all others are a picture as they are.
    """
    colours, alpha = pixels[..., :3], pixels[..., 3:]
    if info.premultiplied:
        return np.where((alpha >= _LEAST_COVER) & (alpha != 1), colours * alpha, colours)
    if info.kind != "video" and _is_cut_out(colours, alpha[..., 0]):
        return colours * alpha
    return colours


def _is_cut_out(colours: Pixels, alpha: Pixels) -> bool:
    """Whether there is nothing behind (black, or the white that some programs leave), and the colours in
    front are not multiplied by alpha already, as those of a picture before a black wall are.
    """
    behind = colours[alpha == 0]
    if not behind.size or not ((behind == 0).all() or (behind == 1).all()):
        return False
    partly = (alpha > 0) & (alpha < 1)
    return bool((colours[partly] > alpha[partly, None] + _ROUNDED).any())
