"""``Matter``: frames and trimaps in, alpha out. Encoding, tiles, batches and the device, behind one call.

Only the unknown region is computed: known pixels are exactly 0 or 1. Tiles of all frames of a call fill
batches of one fixed shape, the last one padded, so a tile's result does not depend on what it travelled with,
and a clip that is made in pieces, in any order, comes out bit for bit the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor

from dim_model import nets
from dim_model.arrays import Floats
from dim_model.encode import Inputs, empty_tiles, encode_tiles
from dim_model.runtimes import DeviceError, Runtime, open_runtime
from dim_model.tiles import Tiling
from dim_model.weights import Weights, WeightsError, load

__all__ = ["DeviceError", "Matter"]

_HAZE = 1 / 255
"""An alpha this near to 0 or 1 is meant to be: a network's outputs tend to an end and never reach it, and
what is left would show as a veil over the whole unknown region once a comp is graded.
"""


def _settled(alpha: Floats) -> Floats:
    return ((alpha - _HAZE) / (1 - 2 * _HAZE)).clip(0, 1)


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


class Matter:
    """A network on a device, ready for frames. Safe to call from one thread at a time."""

    def __init__(self, weights: Weights, runtime: Runtime, tiling: Tiling, batch: int) -> None:
        self.version = weights.card.version
        self.sha256 = weights.card.sha256
        self.description = (
            f"{weights.card.version} on {runtime.description}, tiles {batch} x {tiling.size} px"
        )
        self._inputs = cast(Inputs, weights.card.inputs)
        self._runtime, self._tiling, self._batch = runtime, tiling, batch
        # Encoding releases the GIL and is as dear as the network, so frames are encoded side by side.
        self._encoders = ThreadPoolExecutor(torch.get_num_threads(), "encode")

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        device: str = "auto",
        runtime: str = "auto",
        precision: str = "auto",
        batch: int = 16,
        tiling: Tiling | None = None,
    ) -> Matter:
        """Load a version of weights onto a device; tiling: other than the network's own. Raises
        ``WeightsError``, ``DeviceError``; never falls back.
        """
        weights = load(folder)
        _check_mattes(weights)
        tiling = tiling or nets.tiling_of(weights.card.network)
        return cls(
            weights, open_runtime(weights, device, runtime, precision, (batch, tiling.size)), tiling, batch
        )

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
        unknown = [t == 0.5 for t in known]
        corners = [self._tiling.cover(torch.from_numpy(u[0])) for u in unknown]
        done = iter(self._run(self._encoded(rgb, trimap, corners, clean or [None] * len(rgb))))
        out = []
        for t, u, where in zip(known, unknown, corners, strict=True):
            matte = t.copy()
            if where:
                pixels = np.flatnonzero(u)
                alpha = self._tiling.join(u.shape[1:], where, [next(done) for _ in where], pixels)
                matte.reshape(-1)[pixels] = _settled(alpha)
            out.append(torch.from_numpy(matte))
        return out

    def _encoded(
        self,
        rgb: Sequence[Tensor],
        trimap: Sequence[Tensor],
        corners: Sequence[list[tuple[int, int]]],
        clean: Sequence[Tensor | None],
    ) -> Tensor:
        """The tiles of all frames, one after another, and as many of zeros as fill the last batch."""
        counts = [len(some) for some in corners]
        count = sum(counts)
        side = self._tiling.size
        tiles = empty_tiles(-(-count // self._batch) * self._batch, (side, side), self._inputs)
        tiles[count:] = 0
        rooms = torch.split(tiles[:count], counts)
        frames = [
            (picture, known, where, self._inputs, room, behind)
            for picture, known, where, room, behind in zip(rgb, trimap, corners, rooms, clean, strict=True)
            if where
        ]
        list(self._encoders.map(encode_tiles, *zip(*frames, strict=True)) if frames else ())
        return tiles

    def _run(self, tiles: Tensor) -> list[Tensor]:
        batches = torch.split(tiles, self._batch) if len(tiles) else ()
        return [alpha for some in batches for alpha in self._runtime(some)]

    @property
    def halved(self) -> int:
        """How often the device was out of memory, and the batch was halved."""
        return self._runtime.halved

    def warm_up(self) -> None:
        """Run one empty batch and compile the search, so that the first frame is as fast as the next."""
        # Large enough for more than one level of the multigrid.
        rgb, trimap = torch.zeros(3, 96, 96), torch.full((1, 96, 96), 0.5)
        trimap[..., :16], trimap[..., 80:] = 0.0, 1.0
        self.matte([rgb], [trimap])

    def close(self) -> None:
        self._encoders.shutdown()
        self._runtime.close()
