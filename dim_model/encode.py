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
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import cv2
import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from dim_model import guided, propagation, sampling, windows
from dim_model.arrays import Floats, Indices, Mask

Inputs = Literal["plain", "sampled"]

CHANNELS: dict[Inputs, int] = {"plain": 4, "sampled": 18}

PACK = 2
"""A tile is packed: so many rows and columns of pixels are one, with the channels of all of them, as
``pixel_unshuffle`` lays them. No layer of a network works at full size, so none would read it otherwise; made
so, and channels last, it is never laid anew.
"""

CELL = PACK**2
"""Pixels that a packed tile has in one place: so many of its channels are one of an encoding's."""

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
TOLD = slice(0, 17)
"""All but ``UNKNOWN``, which ``KNOWN`` says too."""

_AROUND = 128
"""Pixels: more than ``sampling`` reaches."""
_BLOCK = 64
"""Pixels."""

_COLOUR_RADIUS = 1
"""Cells."""
_RADII = (5, 20)
"""Pixels: of the guided alphas."""
_SCALE = 4
"""How many times less than the frame's is the size at which they are fitted."""


def packed(channels: slice) -> slice:
    """Where these channels are in a packed tile."""
    return slice(CELL * channels.start, CELL * channels.stop)


def encode(
    rgb: Tensor, trimap: Tensor, inputs: Inputs = "sampled", clean: Sequence[Tensor | None] | None = None
) -> Tensor:
    """A network's input for whole frames.

    rgb: float32 [B, 3, H, W], display-referred, 0..1. trimap: float32 [B, 1, H, W] of exactly 0, 0.5, 1.
    Returns float32 [B, CHANNELS[inputs], H, W]: ``plain`` is RGB and trimap (Xu et al. 2017); ``sampled``
    adds sampled foreground and background colours, two guided alphas, the sampled, the propagated and the
    linked alpha, and the sampling's confidence. clean: of each frame, see ``encode_tiles``.
    """
    height, width = rgb.shape[-2:]
    tiles = empty_tiles(len(rgb), (height + height % PACK, width + width % PACK), inputs)
    for n, (image, known, behind) in enumerate(zip(rgb, trimap, clean or [None] * len(rgb), strict=True)):
        encode_tiles(image, known, [(0, 0)], inputs, [tiles[n]], behind)
    return F.pixel_shuffle(tiles, PACK)[..., :height, :width].contiguous().to(rgb.device)


def empty_tiles(count: int, size: tuple[int, int], inputs: Inputs) -> Tensor:
    """Room for packed tiles of ``size``, height and width in pixels, both even: float32
    [count, 4 * CHANNELS[inputs], height / 2, width / 2], channels last.
    """
    height, width = size
    laid = torch.empty(count, height // PACK, width // PACK, CHANNELS[inputs] * CELL)
    return laid.permute(0, 3, 1, 2)


def encode_tiles(
    rgb: Tensor,
    trimap: Tensor,
    corners: Sequence[tuple[int, int]],
    inputs: Inputs,
    rooms: Sequence[Tensor],
    clean: Tensor | None = None,
) -> None:
    """Write a network's input for tiles of one frame; each equals that part of the encoded frame.

    rgb: float32 [3, H, W]; trimap: float32 [1, H, W]; corners: top-left (y, x) of each tile; beyond the frame
    its edge is repeated; rooms: of ``empty_tiles``, one for each corner, as large as the tile; clean: float32
    [3, H, W], the background where it is known, not a number elsewhere, for ``sampled``.
    """
    laid = [room.permute(1, 2, 0).numpy() for room in rooms]
    picture = np.ascontiguousarray(rgb.permute(1, 2, 0).numpy(force=True))
    known = np.ascontiguousarray(trimap[0].numpy(force=True))
    if inputs == "plain":
        for tile, (y, x) in zip(laid, corners, strict=True):
            _fill_plain(tile, picture, known, y, x)
        return
    behind = None if clean is None else np.ascontiguousarray(clean.permute(1, 2, 0).numpy(force=True))
    part = _concerned(known)
    seen, hint = np.ascontiguousarray(picture[part]), np.ascontiguousarray(known[part])
    values, inside = _explain(seen, hint, None if behind is None else np.ascontiguousarray(behind[part]))
    slot = np.full(known.shape, -1, np.int32)
    slot[part] = inside
    for tile, (y, x) in zip(laid, corners, strict=True):
        _fill(tile, picture, known, values, slot, y, x)


def _concerned(trimap: Floats) -> tuple[slice, slice]:
    """The part of a frame that is looked at: around what is unknown, as far as candidates are sought, in
    whole blocks, so that it is the same for frames that differ by little; all of it, if one side is known
    outside alone.
    """
    x, y, across, down = cv2.boundingRect((trimap == 0.5).view(np.uint8))

    def blocks(first: int, length: int) -> slice:
        return slice(
            max(0, (first - _AROUND) // _BLOCK * _BLOCK), -(-(first + length + _AROUND) // _BLOCK) * _BLOCK
        )

    part = blocks(y, down), blocks(x, across)
    sides = (trimap[part] == 1.0).any(), (trimap[part] == 0.0).any()
    return part if across and all(sides) else (slice(None), slice(None))


def _explain(rgb: Floats, trimap: Floats, clean: Floats | None = None) -> tuple[Floats, Indices]:
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

    # Neither needs the other, so a frame by itself has two cores work on it.
    with ThreadPoolExecutor(1, "propagate") as beside:
        carried = beside.submit(propagation.propagate, rgb, trimap)
        found = sampling.sample(rgb, trimap, clean)
        _smooth(values, rgb, found, (foreground, background, unknown))
        values[:, 8], values[:, 11] = found.alpha, found.confidence
        values[:, 9:11] = carried.result()
    return values, _slots(pixels, trimap.shape)


def _smooth(values: Floats, rgb: Floats, found: sampling.Samples, sides: tuple[Mask, Mask, Mask]) -> None:
    """Write channels 5 to 12 of ``_explain``: the sampled colours and alpha, smoothed. sides: where the
    trimap is 1, 0 and between, bool [H, W].
    """
    foreground, background, unknown = sides
    alpha, confidence = found.laid(foreground)
    # Of its four pixels the first tells a cell's colours: a network sees them together, and smoothed colours
    # hardly differ between them.
    first = (slice(None, None, PACK), slice(None, None, PACK))
    wanted = cv2.dilate(unknown.view(np.uint8), np.ones((PACK, PACK), np.uint8), anchor=(0, 0))[first]
    wanted = np.ascontiguousarray(wanted).view(np.bool_)
    y, x = np.divmod(found.pixels, unknown.shape[1])
    cell = y // PACK * wanted.shape[1] + x // PACK
    picture = np.ascontiguousarray(rgb[first])
    for channels, colour, other, offset in (
        (slice(0, 3), found.foreground, background, 0.05),
        (slice(3, 6), found.background, foreground, -1.05),
    ):
        picture.reshape(-1, 3)[found.cells] = colour
        weight = _leaning(alpha[first], confidence[first], other[first], offset)
        values[:, channels] = windows.means(picture, weight, wanted, _COLOUR_RADIUS).reshape(-1, 3)[cell]
    trust = confidence + np.float32(1e-3)
    values[:, 6:8] = guided.smooth(rgb, alpha, trust, unknown, _RADII, _SCALE)


@numba.njit(nogil=True, cache=True)
def _leaning(alpha, confidence, other, offset):
    """What a cell counts in the mean of its side's colours: the more, the surer it is, and the more of it is
    of that side; next to nothing where it is of the ``other``, for there must be a mean.
    """
    weight = np.empty(alpha.shape, np.float32)
    for y in range(alpha.shape[0]):
        for x in range(alpha.shape[1]):
            lean = abs(alpha[y, x] + np.float32(offset))
            weight[y, x] = 1e-7 if other[y, x] else confidence[y, x] * lean + np.float32(1e-4)
    return weight


def _slots(pixels: NDArray[np.intp], shape: tuple[int, ...]) -> Indices:
    """Of each pixel of a frame its row in what is told of ``pixels``, int32 [H, W], or -1."""
    slot = np.full(shape, -1, np.int32)
    slot.ravel()[pixels] = np.arange(pixels.size, dtype=np.int32)
    return slot


@numba.njit(nogil=True, cache=True)
def _fill_plain(tile, rgb, trimap, top, left):
    """Write a packed tile [h/2, w/2, 16] whose corner is at (top, left) of the frame."""
    for j in range(PACK * tile.shape[0]):
        y, place = min(top + j, trimap.shape[0] - 1), PACK * (j % PACK)
        for i in range(PACK * tile.shape[1]):
            x = min(left + i, trimap.shape[1] - 1)
            cell, at = tile[j // PACK, i // PACK], place + i % PACK
            for k in range(3):
                cell[CELL * k + at] = rgb[y, x, k]
            cell[CELL * 3 + at] = trimap[y, x]


@numba.njit(nogil=True, cache=True)
def _fill(tile, rgb, trimap, values, slot, top, left):
    """Write a packed tile [h/2, w/2, 72] whose corner is at (top, left) of the frame."""
    for j in range(PACK * tile.shape[0]):
        y, place = min(top + j, trimap.shape[0] - 1), PACK * (j % PACK)
        for i in range(PACK * tile.shape[1]):
            x = min(left + i, trimap.shape[1] - 1)
            cell, at = tile[j // PACK, i // PACK], place + i % PACK
            known, row = trimap[y, x], slot[y, x]
            for k in range(3):
                cell[CELL * k + at] = rgb[y, x, k]
            cell[CELL * 3 + at] = known == 1.0
            cell[CELL * 4 + at] = known == 0.0
            cell[CELL * 17 + at] = known == 0.5
            if row >= 0:
                for k in range(12):
                    cell[CELL * (5 + k) + at] = values[row, k]
                continue
            for k in range(3):
                cell[CELL * (5 + k) + at] = cell[CELL * (8 + k) + at] = rgb[y, x, k]
            for k in range(11, 16):
                cell[CELL * k + at] = known
            cell[CELL * 16 + at] = 1.0
