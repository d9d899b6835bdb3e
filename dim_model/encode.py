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
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from dim_model.by_pixel import by_pixel
from dim_model.explanation import COLOUR_CELL, explain

Inputs = Literal["plain", "sampled"]

CHANNELS: dict[Inputs, int] = {"plain": 4, "sampled": 16}

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
ESTIMATES = slice(11, 15)
CONFIDENCE = slice(15, 16)


def packed(channels: slice) -> slice:
    """Where these channels are in a packed tile."""
    return slice(CELL * channels.start, CELL * channels.stop)


def encode(
    rgb: Tensor, trimap: Tensor, inputs: Inputs = "sampled", clean: Sequence[Tensor | None] | None = None
) -> Tensor:
    """A network's input for whole frames.

    rgb: float32 [B, 3, H, W], display-referred, 0..1. trimap: float32 [B, 1, H, W] of exactly 0, 0.5, 1.
    Returns float32 [B, CHANNELS[inputs], H, W]: ``plain`` is RGB and trimap (Xu et al. 2017); ``sampled``
    adds, and tells the trimap as two masks, what ``explanation`` has: sampled foreground and background
    colours, two guided alphas, the sampled and the propagated one, and the sampling's confidence. clean: of
    each frame, see ``encode_tiles``.
    """
    height, width = rgb.shape[-2:]
    tiles = empty_tiles(len(rgb), (height + height % PACK, width + width % PACK), inputs)
    on_two_cores = torch.get_num_threads() > 1
    for n, (image, known, behind) in enumerate(zip(rgb, trimap, clean or [None] * len(rgb), strict=True)):
        encode_tiles(image, known, [(0, 0)], inputs, [tiles[n]], behind, on_two_cores)
    return F.pixel_shuffle(tiles, PACK)[..., :height, :width].contiguous().to(rgb.device)


def empty_tiles(count: int, size: tuple[int, int], inputs: Inputs, *, pinned: bool = False) -> Tensor:
    """Room for packed tiles of ``size``, height and width in pixels, both even: float32
    [count, 4 * CHANNELS[inputs], height / 2, width / 2], channels last. pinned: in memory that a CUDA device
    reads itself.
    """
    height, width = size
    laid = torch.empty(count, height // PACK, width // PACK, CHANNELS[inputs] * CELL, pin_memory=pinned)
    return laid.permute(0, 3, 1, 2)


def encode_tiles(
    rgb: Tensor,
    trimap: Tensor,
    corners: Sequence[tuple[int, int]],
    inputs: Inputs,
    rooms: Sequence[Tensor],
    clean: Tensor | None = None,
    on_two_cores: bool = True,
) -> None:
    """Write a network's input for tiles of one frame; each equals that part of the encoded frame.

    rgb: float32 [3, H, W]; trimap: float32 [1, H, W]; corners: top-left (y, x) of each tile; beyond the frame
    its edge is repeated; rooms: of ``empty_tiles``, one for each corner, as large as the tile; clean: float32
    [3, H, W], the background where it is known, not a number elsewhere, for ``sampled``. on_two_cores: see
    ``explanation.explain``.
    """
    laid = [room.permute(1, 2, 0).numpy() for room in rooms]
    picture = by_pixel(rgb)
    known = np.ascontiguousarray(trimap[0].numpy(force=True))
    if inputs == "plain":
        for tile, (y, x) in zip(laid, corners, strict=True):
            _fill_plain(tile, picture, known, y, x)
        return
    behind = None if clean is None else by_pixel(clean)
    explained = explain(picture, known, behind, on_two_cores=on_two_cores)
    for tile, (y, x) in zip(laid, corners, strict=True):
        _fill(tile, picture, known, explained, y, x)


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
def _fill(tile, rgb, trimap, explained, top, left):
    """Write a packed tile [h/2, w/2, 64] whose corner is at (top, left) of the frame."""
    (first_y, first_x), slot, estimates, foreground, background = explained
    # Indices without a sign: of one that may be negative numba asks whether it is meant from the end.
    bottom, right, cell = np.uintp(trimap.shape[0] - 1), np.uintp(trimap.shape[1] - 1), np.uintp(COLOUR_CELL)
    top, left, first_y, first_x = np.uintp(top), np.uintp(left), np.uintp(first_y), np.uintp(first_x)
    pack, four = np.uintp(PACK), np.uintp(CELL)
    three, five, eight, eleven = np.uintp(3), np.uintp(5), np.uintp(8), np.uintp(11)
    for j in range(np.uintp(tile.shape[0])):
        for i in range(np.uintp(tile.shape[1])):
            for at in range(four):
                y, x = min(top + pack * j + at // pack, bottom), min(left + pack * i + at % pack, right)
                known, packed = trimap[y, x], tile[j, i, at:]
                for k in range(three):
                    packed[four * k] = rgb[y, x, k]
                packed[four * three] = known == 1.0
                packed[four * four] = known == 0.0
                if known == 0.5:
                    v, u = y - first_y, x - first_x
                    n = np.uintp(slot[v, u])
                    for k in range(three):
                        packed[four * (five + k)] = foreground[v // cell, u // cell, k]
                        packed[four * (eight + k)] = background[v // cell, u // cell, k]
                    for k in range(five):
                        packed[four * (eleven + k)] = estimates[n, k]
                    continue
                for k in range(three):
                    packed[four * (five + k)] = packed[four * (eight + k)] = rgb[y, x, k]
                for k in range(four):
                    packed[four * (eleven + k)] = known
                packed[four * (eleven + four)] = 1.0
