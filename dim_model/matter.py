"""``Matter``: frames and trimaps in, alpha out. Encoding, tiles, batches and the device, behind one call.

Only the unknown region is computed: known pixels are exactly 0 or 1. Tiles of all frames of a call fill
batches of a few fixed shapes, the last of each padded, so a tile's result does not depend on what it
travelled with, and a clip that is made in pieces, in any order, comes out bit for bit the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dim_model import nets
from dim_model.arrays import Floats
from dim_model.by_pixel import by_pixel
from dim_model.encode import Inputs, encode_tiles
from dim_model.finish import finished
from dim_model.numbered import positions
from dim_model.runtimes import DeviceError, Runtime, open_runtime
from dim_model.tiles import Tile, Tiling
from dim_model.weights import Weights, WeightsError, load

__all__ = ["DeviceError", "Matter"]


def _check_mattes(weights: Weights) -> None:
    """Raise ``WeightsError`` for weights of a network that makes no mattes, or is fed otherwise today."""
    card, inputs = weights.card, nets.inputs_of(weights.card.network)
    if not nets.is_matting(card.network):
        raise WeightsError(
            f"{weights.folder}: is of {card.network!r}, which makes no mattes; name weights of one that does."
        )
    if card.inputs != inputs:
        raise WeightsError(
            f"{weights.folder}: was trained on the inputs {card.inputs!r}, and {card.network!r} is now fed "
            f"{inputs!r}; train it anew."
        )


def _laid(picture: Tensor | None) -> Tensor | None:
    """The same, but pixel by pixel in memory, once for all who read it so."""
    return None if picture is None else torch.from_numpy(by_pixel(picture)).permute(2, 0, 1)


class Kind(NamedTuple):
    """Of batches: the width of their tiles in pixels, and how many there are in each."""

    width: int
    tiles: int


class Cover(NamedTuple):
    """Of a frame: its unknown pixels, int [N], flat indices in order; the tiles that hold them, and of which
    batches each of these is.
    """

    pixels: NDArray[np.intp]
    tiles: list[Tile]
    kinds: list[Kind]


class Matter:
    """A network on a device, ready for frames. Safe to call from one thread at a time."""

    def __init__(self, weights: Weights, runtime: Runtime, tiling: Tiling, batch: int) -> None:
        self.version = weights.card.version
        self.sha256 = weights.card.sha256
        tiles = f"tiles {batch} x {tiling.height} px" if runtime.batches else f"tiles of {tiling.height} px"
        self.description = f"{weights.card.version} on {runtime.description}, {tiles}"
        self._inputs = cast(Inputs, weights.card.inputs)
        self._runtime, self._tiling, self._batch = runtime, tiling, batch
        # Encoding releases the GIL and is as dear as the network, so frames are encoded side by side.
        self._cores = torch.get_num_threads()
        self._encoders = ThreadPoolExecutor(self._cores, "encode")

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        device: str = "auto",
        runtime: str = "auto",
        precision: str = "auto",
        batch: int = 8,
        tiling: Tiling | None = None,
    ) -> Matter:
        """Load a version of weights onto a device; tiling: other than the network's own. Raises
        ``WeightsError``, ``DeviceError``; never falls back.
        """
        weights = load(folder)
        _check_mattes(weights)
        tiling = tiling or nets.tiling_of(weights.card.network)
        return cls(weights, open_runtime(weights, device, runtime, precision), tiling, batch)

    def matte(
        self,
        rgb: Sequence[Tensor],
        trimap: Sequence[Tensor],
        clean: Sequence[Tensor | None] | None = None,
    ) -> list[Tensor]:
        """Alpha of each frame, float32 [1, H, W], 0..1.

        rgb: float32 [3, H, W], display-referred, 0..1. trimap: float32 [1, H, W] of exactly 0, 0.5, 1. Frames
        may differ in size. clean: float32 [3, H, W] of each frame, its clean plate laid over it, not a number
        where none is seen; None without. Where the trimap is 0 or 1, so is alpha.
        """
        # By numpy: torch would wake all its threads for it, on every frame, known ones too.
        known = [t.numpy(force=True) for t in trimap]
        covers = list(self._encoders.map(self._cover, known))
        behind = list(self._encoders.map(_laid, clean or [None] * len(rgb)))
        made = self._run(self._encoded(rgb, trimap, covers, behind))
        alphas = [[next(made[kind]) for kind in cover.kinds] for cover in covers]
        return list(self._encoders.map(self._join, rgb, known, covers, alphas, behind))

    def _cover(self, known: Floats) -> Cover:
        unknown = known == 0.5
        tiles = self._tiling.cover(unknown[0])
        return Cover(positions(unknown), tiles, [self._kind(tile.width, known.shape[1:]) for tile in tiles])

    def _join(
        self, rgb: Tensor, known: Floats, cover: Cover, alphas: Sequence[Tensor], behind: Tensor | None
    ) -> Tensor:
        if not cover.tiles:
            return torch.from_numpy(known.copy())
        made = self._tiling.join(known[0], cover.tiles, alphas, cover.pixels)
        plate = None if behind is None else by_pixel(behind)
        return torch.from_numpy(finished(by_pixel(rgb), known[0], cover.pixels, made, plate))[None]

    def _kind(self, width: int, frame: tuple[int, ...]) -> Kind:
        """Of what batches a tile of a frame, of so many rows and columns, is: together about as large as the
        batch of squares, but no larger than such a frame could need, so that small ones cost little. Nothing
        else has a say.
        """
        if not self._runtime.batches:
            return Kind(width, 1)
        context = 2 * self._tiling.margin
        most = -(-frame[0] // (self._tiling.height - context)) * -(-frame[1] // (width - context))
        return Kind(width, min(self._full(width), 1 << (most - 1).bit_length()))

    def _full(self, width: int) -> int:
        """Tiles of a batch that is about as large as the batch of squares."""
        return max(1, round(self._batch * self._tiling.height / width))

    def _encoded(
        self,
        rgb: Sequence[Tensor],
        trimap: Sequence[Tensor],
        covers: Sequence[Cover],
        clean: Sequence[Tensor | None],
    ) -> dict[Kind, list[Tensor]]:
        """The tiles of all frames, one after another, by kind and in batches; what is left of the last batch
        are zeros, so that no tile's result depends on how many there are.
        """
        batches: dict[Kind, list[Tensor]] = {}
        for kind, count in Counter(chain.from_iterable(cover.kinds for cover in covers)).items():
            batches[kind] = [self._room(kind) for _ in range(-(-count // kind.tiles))]
            batches[kind][-1][(count - 1) % kind.tiles + 1 :] = 0
        rooms = {kind: chain.from_iterable(some) for kind, some in batches.items()}
        on_two_cores = 2 * sum(bool(cover.tiles) for cover in covers) <= self._cores
        frames = [
            (
                picture,
                known,
                [(tile.y, tile.x) for tile in cover.tiles],
                self._inputs,
                [next(rooms[kind]) for kind in cover.kinds],
                behind,
                on_two_cores,
            )
            for picture, known, cover, behind in zip(rgb, trimap, covers, clean, strict=True)
            if cover.tiles
        ]
        list(self._encoders.map(encode_tiles, *zip(*frames, strict=True)) if frames else ())
        return batches

    def _room(self, kind: Kind) -> Tensor:
        size = self._tiling.height, kind.width
        return self._runtime.room(kind.tiles, size, self._inputs)

    def _run(self, batches: dict[Kind, list[Tensor]]) -> dict[Kind, Iterator[Tensor]]:
        # All at once: where tiles are run side by side, the last of a kind has those of the next beside it.
        made = iter(self._runtime(list(chain.from_iterable(batches.values()))))
        return {kind: chain.from_iterable([next(made) for _ in some]) for kind, some in batches.items()}

    @property
    def halved(self) -> int:
        """How often the device was out of memory, and the batch was halved."""
        return self._runtime.halved

    def warm_up(self) -> None:
        """Run an empty batch of each width and compile the search, so that the first frame is as fast as the
        next.
        """
        for width in self._tiling.widths:
            self._runtime([self._room(Kind(width, self._full(width))).zero_()])
        # Large enough for more than one level of the multigrid.
        rgb, trimap = torch.zeros(3, 96, 96), torch.full((1, 96, 96), 0.5)
        trimap[..., :16], trimap[..., 80:] = 0.0, 1.0
        self.matte([rgb], [trimap])

    def close(self) -> None:
        self._encoders.shutdown()
        self._runtime.close()
