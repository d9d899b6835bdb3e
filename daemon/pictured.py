"""The picture that a plate with alpha is: what a camera would have seen where its alpha is not 1.

A network finds the matte by the mixture at the edge. Straight colours of a render or a cut-out show none:
they stay the subject's own up to the last pixel, with nothing behind, and its soft edge would become a hard
one.
"""

from __future__ import annotations

import numpy as np

from daemon.media import ClipInfo, FrameSource, Pixels

_LEAST_COVER = 2.0**-24
"""Alpha below which a premultiplied file's colours were left as they are; see `daemon.media.stills`."""

_SAMPLES = 3
"""Frames that tell a cut-out: the first, the middle one, the last."""

_STRAY, _STRAYS = 0.03, 0.25
"""So far a colour may be from black or white where nothing is behind, but for this share of the pixels:
codecs ring around edges.
"""

_OVER, _OVERS = 0.05, 0.02
"""So far colours are above their alpha, in at least this share of the partly transparent pixels, where they
are not multiplied by it.
"""


def is_cut_out(source: FrameSource) -> bool:
    """Whether a clip of straight RGBA shows nothing behind its subject. Raises MediaError."""
    info = source.info
    if info.channels != 4 or info.premultiplied:
        return False
    last = len(info.numbers) - 1
    positions = sorted({round(n * last / (_SAMPLES - 1)) for n in range(_SAMPLES)})
    return any(_shows_nothing(next(iter(source.frames(n, n + 1))).pixels) for n in positions)


def pictured(pixels: Pixels, info: ClipInfo, *, cut_out: bool) -> Pixels:
    """The colours of a frame of RGBA, straight, as a picture: float32 [H, W, 3], in the file's own numbers.

    A premultiplied file's are those that it holds, which are its picture before black; a cut-out's are laid
    before black; all others are a picture as they are.
    """
    colours, alpha = pixels[..., :3], pixels[..., 3:]
    if info.premultiplied:
        return np.where((alpha >= _LEAST_COVER) & (alpha != 1), colours * alpha, colours)
    return colours * alpha if cut_out else colours


def _shows_nothing(pixels: Pixels) -> bool:
    """Whether there is nothing behind (black, or the white that some programs leave), and the colours in
    front are not multiplied by alpha already, as those of a picture before a black wall are.
    """
    colours, alpha = pixels[..., :3], pixels[..., 3]
    behind, partly = colours[alpha == 0], (alpha > _STRAY) & (alpha < 1)
    if not behind.size or not partly.any():
        return False
    strays = min(float((np.abs(behind - empty) > _STRAY).any(-1).mean()) for empty in (0, 1))
    overs = (colours[partly] > alpha[partly, None] + _OVER).any(-1)
    return strays <= _STRAYS and float(overs.mean()) >= _OVERS
