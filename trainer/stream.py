"""An endless stream of encoded training crops.

Drawing and encoding a scene costs more than a training step on it, so a scene gives several crops and a crop
is used several times, each time mirrored, turned and with its colour channels exchanged. Encoding treats
directions and channels alike, so those turns of an encoded crop are encodings of the turned crop, at no cost.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from dim_model import encode
from trainer.synth import Photos, Procedural, make_scene
from trainer.synth.foreground import Rng
from trainer.synth.scene import Scene

_CROPS = 4
_USES = 3
_POOL = 768
"""Crops held by a worker: 3 MB each."""

_INPUTS = encode.CHANNELS["sampled"]
TRUTH = {
    "alpha": slice(_INPUTS, _INPUTS + 1),
    "foreground": slice(_INPUTS + 1, _INPUTS + 4),
    "background": slice(_INPUTS + 4, _INPUTS + 7),
}
"""Where a packed crop [24, S, S] keeps its truth; the first 17 channels are the encoded inputs."""

_TRIPLES = (0, 5, 8, _INPUTS + 1, _INPUTS + 4)
"""First channels of the colours in a packed crop."""


def pack(scene: Scene) -> Tensor:
    """A scene as one float16 tensor [24, N, N]: ``sampled`` inputs, then truth in the order of ``TRUTH``."""
    rgb = torch.from_numpy(scene.image).permute(2, 0, 1)[None]
    inputs = encode.encode(rgb, torch.from_numpy(scene.trimap)[None, None])[0]
    truth = [scene.alpha[None], scene.foreground.transpose(2, 0, 1), scene.background.transpose(2, 0, 1)]
    return torch.cat([inputs, *map(torch.from_numpy, truth)]).half()


def unpack(crops: Tensor, inputs: encode.Inputs) -> tuple[Tensor, dict[str, Tensor]]:
    """A batch of packed crops as a network's input and the truth that ``losses`` takes, float32."""
    crops = crops.float()
    sampled = crops[:, :_INPUTS]
    truth = {name: crops[:, where] for name, where in TRUTH.items()}
    truth["image"] = sampled[:, encode.RGB]
    truth["trimap"] = 0.5 * (1 + sampled[:, 3:4] - sampled[:, 4:5])
    if inputs == "plain":
        return torch.cat([truth["image"], truth["trimap"]], 1), truth
    return sampled, truth


def crop(rng: Rng, packed: Tensor, size: int) -> Tensor:
    """A window of ``size`` around a random unknown pixel, wholly inside the picture."""
    unknown = packed[encode.UNKNOWN][0].nonzero()
    y, x = unknown[rng.integers(len(unknown))].tolist() if len(unknown) else (0, 0)
    edge = packed.shape[-1] - size
    y = int(np.clip(y - rng.integers(size // 8, size - size // 8), 0, edge))
    x = int(np.clip(x - rng.integers(size // 8, size - size // 8), 0, edge))
    return packed[:, y : y + size, x : x + size].clone()


def turned(rng: Rng, packed: Tensor) -> Tensor:
    """One of the 8 x 6 pictures that differ by turns, mirrors and the order of the colour channels."""
    if rng.random() < 0.5:
        packed = packed.flip(-1)
    if rng.random() < 0.5:
        packed = packed.flip(-2)
    if rng.random() < 0.5:
        packed = packed.transpose(-1, -2)
    order = np.arange(packed.shape[0])
    exchange = rng.permutation(3) if rng.random() < 0.5 else np.arange(3)
    for first in _TRIPLES:
        order[first : first + 3] = first + exchange
    return packed[torch.from_numpy(order)].contiguous()


class CropStream(IterableDataset[Tensor]):
    """Packed crops [24, ``size``, ``size``], float16, without end. ``seed`` and the worker's number fix the
    stream.

    scene: side of a drawn scene in pixels; larger than a crop, so that sampling reaches beyond it as in a
    real frame.
    """

    def __init__(self, photos: Path, size: int, seed: int, scene: int = 512) -> None:
        self._folder, self._size, self._seed, self._scene = photos, size, seed, scene

    def __iter__(self) -> Iterator[Tensor]:
        worker = get_worker_info()
        if worker:  # a worker is one of several processes; the trainer's own keeps all its threads
            cv2.setNumThreads(1)
            torch.set_num_threads(1)
        rng = np.random.default_rng([self._seed, worker.id if worker else 0])
        photos = Photos(self._folder)
        maker = Procedural(photos)
        pool: list[Tensor] = []
        while True:
            scene = pack(make_scene(rng, maker, photos, self._scene))
            for _ in range(_CROPS):
                fresh = crop(rng, scene, self._size)
                if len(pool) < _POOL:
                    pool.append(fresh)
                else:
                    pool[rng.integers(_POOL)] = fresh
                for _ in range(_USES):
                    yield turned(rng, pool[rng.integers(len(pool))])
