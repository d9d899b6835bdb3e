"""What a network is told of a frame: the pixels, the trimap and, for ``swift``, what the trimap's colours
explain.

Encoding sees the whole frame, so a tile that is made from it loses nothing. It stands outside the network
because it has nothing to learn: the same numbers serve training, every runtime and every later network. Only
unknown pixels are explained; at a known pixel every estimate is what the trimap says.
"""

# numba types a kernel by its call; annotations on kernels would say it twice.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg"

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dim_model import guided, propagation, sampling, windows

Inputs = Literal["plain", "sampled"]
Floats = NDArray[np.float32]

CHANNELS: dict[Inputs, int] = {"plain": 4, "sampled": 18}

# Channels of "sampled", in order.
RGB = slice(0, 3)
KNOWN = slice(3, 5)
"""1 where the trimap says foreground; 1 where it says background."""
FOREGROUND = slice(5, 8)
BACKGROUND = slice(8, 11)
GUIDED = slice(11, 12)
GUIDED_WIDE = slice(12, 13)
SAMPLED = slice(13, 14)
PROPAGATED = slice(14, 15)
LINKED = slice(15, 16)
ESTIMATES = slice(11, 16)
CONFIDENCE = slice(16, 17)
UNKNOWN = slice(17, 18)

_COLOUR_RADIUS = 3
_NARROW = 5
_WIDE = 20


def encode(rgb: Tensor, trimap: Tensor, inputs: Inputs = "sampled") -> Tensor:
    """A network's input for whole frames.

    rgb: float32 [B, 3, H, W], display-referred, 0..1. trimap: float32 [B, 1, H, W] of exactly 0, 0.5, 1.
    Returns float32 [B, CHANNELS[inputs], H, W]: ``plain`` is RGB and trimap (Xu et al. 2017); ``sampled``
    adds sampled foreground and background colours, two guided alphas, the sampled, the propagated and the
    linked alpha, and the sampling's confidence.
    """
    whole = rgb.shape[-2:]
    return torch.cat([encode_tiles(i, t, [(0, 0)], whole, inputs) for i, t in zip(rgb, trimap, strict=True)])


def encode_tiles(
    rgb: Tensor,
    trimap: Tensor,
    corners: Sequence[tuple[int, int]],
    size: Sequence[int],
    inputs: Inputs,
    clean: Tensor | None = None,
) -> Tensor:
    """A network's input for tiles of one frame; each equals that part of the encoded frame.

    rgb: float32 [3, H, W]; trimap: float32 [1, H, W]; corners: top-left (y, x) of each tile; size: (height,
    width) of a tile; beyond the frame its edge is repeated; clean: float32 [3, H, W], the background where it
    is known, not a number elsewhere, for ``sampled``. Returns float32 [N, CHANNELS[inputs], *size] on
    the frame's device.
    """
    height, width = size
    if inputs == "plain":
        both = torch.cat([rgb, trimap])
        rows = [torch.arange(y, y + height).clamp_max(both.shape[1] - 1) for y, _ in corners]
        columns = [torch.arange(x, x + width).clamp_max(both.shape[2] - 1) for _, x in corners]
        return torch.stack([both[:, r[:, None], c] for r, c in zip(rows, columns, strict=True)])
    picture = np.ascontiguousarray(rgb.permute(1, 2, 0).numpy(force=True))
    known = np.ascontiguousarray(trimap[0].numpy(force=True))
    behind = None if clean is None else np.ascontiguousarray(clean.permute(1, 2, 0).numpy(force=True))
    values, slot = _explain(picture, known, behind)
    out = np.empty((len(corners), CHANNELS["sampled"], height, width), np.float32)
    for tile, (y, x) in zip(out, corners, strict=True):
        _fill(tile, picture, known, values, slot, y, x)
    return torch.from_numpy(out).to(rgb.device)


def _explain(rgb: Floats, trimap: Floats, clean: Floats | None = None) -> tuple[Floats, sampling.Indices]:
    """Channels 5 to 16 of each unknown pixel, float32 [N, 12], and each pixel's row in them, int32 [H, W], or
    -1.
    """
    foreground, background, unknown = trimap == 1.0, trimap == 0.0, trimap == 0.5
    pixels = np.flatnonzero(unknown)
    values = np.empty((pixels.size, 12), np.float32)
    if not (foreground.any() and background.any() and pixels.size):
        # One side is nowhere known: there is nothing to sample, and a confidence of 0 says so to the network.
        values[:, 0:3] = values[:, 3:6] = rgb.reshape(-1, 3)[pixels]
        values[:, 6:11], values[:, 11] = 0.5, 0.0
        return values, _slots(pixels, trimap.shape)

    found = sampling.sample(rgb, trimap, clean)
    alpha = foreground.astype(np.float32)
    alpha.ravel()[pixels] = found.alpha
    confidence = np.ones_like(alpha)
    confidence.ravel()[pixels] = found.confidence
    picture = rgb.copy()
    for channels, colour, other in (
        (slice(0, 3), found.foreground, background),
        (slice(3, 6), found.background, foreground),
    ):
        picture.reshape(-1, 3)[pixels] = colour
        lean = 0.05 + alpha if channels.start == 0 else 1.05 - alpha
        weight = np.where(other, np.float32(0), confidence * lean + np.float32(1e-4))
        values[:, channels] = windows.means(picture, weight, unknown, _COLOUR_RADIUS)[unknown]
    del picture, lean, weight  # whole frames, of which the filters need their own
    trust = confidence + np.float32(1e-3)
    values[:, 6] = guided.smooth(rgb, alpha, trust, unknown, _NARROW)
    values[:, 7] = guided.smooth(rgb, alpha, trust, unknown, _WIDE, half=True)
    values[:, 8] = found.alpha
    values[:, 9], values[:, 10] = propagation.propagate(rgb, trimap)
    values[:, 11] = found.confidence
    return values, _slots(pixels, trimap.shape)


def _slots(pixels: NDArray[np.intp], shape: tuple[int, ...]) -> sampling.Indices:
    """Of each pixel of a frame its row in what is told of ``pixels``, int32 [H, W], or -1."""
    slot = np.full(shape, -1, np.int32)
    slot.ravel()[pixels] = np.arange(pixels.size, dtype=np.int32)
    return slot


@numba.njit(nogil=True, cache=True)
def _fill(tile, rgb, trimap, values, slot, top, left):
    """Write the channels of one tile [18, h, w] whose corner is at (top, left) of the frame."""
    for j in range(tile.shape[1]):
        y = min(top + j, trimap.shape[0] - 1)
        for k in range(3):
            for i in range(tile.shape[2]):
                colour = rgb[y, min(left + i, trimap.shape[1] - 1), k]
                tile[k, j, i] = tile[5 + k, j, i] = tile[8 + k, j, i] = colour
        for i in range(tile.shape[2]):
            known = trimap[y, min(left + i, trimap.shape[1] - 1)]
            tile[3, j, i] = known == 1.0
            tile[4, j, i] = known == 0.0
            tile[11, j, i] = tile[12, j, i] = tile[13, j, i] = tile[14, j, i] = tile[15, j, i] = known
            tile[16, j, i] = 1.0
            tile[17, j, i] = known == 0.5
        for i in range(tile.shape[2]):
            row = slot[y, min(left + i, trimap.shape[1] - 1)]
            if row >= 0:
                for k in range(12):
                    tile[5 + k, j, i] = values[row, k]
