"""An endless stream of encoded training crops.

Drawing and encoding a scene costs more than a training step on it, so a scene gives several crops and a crop
is used several times, each time mirrored, turned and with its colour channels exchanged. Encoding treats
directions and channels alike, so those turns of an encoded crop are encodings of the turned crop, at no cost.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from dim_model import encode
from dim_model.arrays import Floats
from trainer.pool import Pool
from trainer.prepare import Index, Split
from trainer.synth import Maker, Mixture, Photos, Procedural, make_clip, make_scene
from trainer.synth.cutouts import Cutouts, photographs
from trainer.synth.foreground import Rng
from trainer.synth.scene import Scene

_POOL = 192
"""Scenes whose crops a worker holds: 13 MB each."""
FRAMES = 2
"""Of a moving crop: what changes from one to the next is all that steadiness is about."""

_INPUTS = encode.CHANNELS["sampled"]
TRUTH = {
    "alpha": slice(_INPUTS, _INPUTS + 1),
    "foreground": slice(_INPUTS + 1, _INPUTS + 4),
    "background": slice(_INPUTS + 4, _INPUTS + 7),
}
"""Where a packed crop [23, S, S] keeps its truth; the first 16 channels are the encoded inputs."""

_TRIPLES = (0, 5, 8, _INPUTS + 1, _INPUTS + 4)
"""First channels of the colours in a packed crop."""


def pack(scene: Scene, plate: Floats | None = None) -> Tensor:
    """A scene as one float16 tensor [23, N, N]: ``sampled`` inputs, then truth in the order of ``TRUTH``.
    plate: float32 [N, N, 3], what a camera saw of the background alone.
    """
    rgb = torch.from_numpy(scene.image).permute(2, 0, 1)[None]
    clean = None if plate is None else [torch.from_numpy(plate).permute(2, 0, 1)]
    inputs = encode.encode(rgb, torch.from_numpy(scene.trimap)[None, None], clean=clean)[0]
    truth = [scene.alpha[None], scene.foreground.transpose(2, 0, 1), scene.background.transpose(2, 0, 1)]
    return torch.cat([inputs, *map(torch.from_numpy, truth)]).half()


def clean_plate(rng: Rng, scene: Scene) -> Floats:
    """The scene's background as another frame of the same camera: with grain of its own."""
    grain = rng.uniform(0.002, 0.02) * rng.standard_normal(scene.background.shape, np.float32)
    return np.asarray(np.clip(scene.background + grain, 0, 1), np.float32)


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


def in_tiles(crops: Tensor, size: int) -> Tensor:
    """Packed crops [B, C, S, S], or the frames of clips [B, T, C, S, S], cut into tiles of ``size`` as a
    daemon's frames are, [N, C, ``size``, ``size``], the frames of a clip one after the other. What is left
    over at the end is left out; crops of less than two tiles stay whole.
    """
    clips = crops if crops.ndim == 5 else crops[:, None]
    count = clips.shape[-1] // size
    if count < 2:
        return clips.flatten(0, 1)
    whole = clips[..., : count * size, : count * size]
    cut = whole.reshape(*whole.shape[:3], count, size, count, size)
    # From [B, T, C, rows, size, columns, size]: a tile's frames lie one after the other.
    return cut.permute(0, 3, 5, 1, 2, 4, 6).flatten(0, 3)


def crop(rng: Rng, packed: Tensor, size: int) -> Tensor:
    """A window of ``size`` around a random unknown pixel, wholly inside the picture; the same of all frames
    in [..., 23, N, N], around what is unknown in the first.
    """
    known = packed.view(-1, *packed.shape[-3:])[0, encode.KNOWN].any(0)
    unknown = known.logical_not().nonzero()
    y, x = unknown[rng.integers(len(unknown))].tolist() if len(unknown) else (0, 0)
    edge = packed.shape[-1] - size
    y = int(np.clip(y - rng.integers(size // 8, size - size // 8), 0, edge))
    x = int(np.clip(x - rng.integers(size // 8, size - size // 8), 0, edge))
    return packed[..., y : y + size, x : x + size].clone()


def turned(rng: Rng, packed: Tensor) -> Tensor:
    """One of the 8 x 6 pictures that differ by turns, mirrors and the order of the colour channels; all
    frames in [..., 23, N, N] alike.
    """
    if rng.random() < 0.5:
        packed = packed.flip(-1)
    if rng.random() < 0.5:
        packed = packed.flip(-2)
    if rng.random() < 0.5:
        packed = packed.transpose(-1, -2)
    order = np.arange(packed.shape[-3])
    exchange = rng.permutation(3) if rng.random() < 0.5 else np.arange(3)
    for first in _TRIPLES:
        order[first : first + 3] = first + exchange
    return packed.index_select(-3, torch.from_numpy(order)).contiguous()


@dataclass(frozen=True)
class Place:
    """Where in the stream a reader stands. start: batches of ``batch`` crops that were read before. rank:
    which of several processes reads, each a stream of its own.
    """

    start: int = 0
    batch: int = 1
    rank: int = 0

    def shard(self, worker: int, workers: int) -> tuple[int, int]:
        """The shard that a worker draws, and how many crops of it were read before.

        Batch k is drawn by shard k mod ``workers``; the loader asks worker 0 first wherever it starts.
        """
        role = (self.start + worker) % workers
        batches = (self.start - role + workers - 1) // workers
        return self.rank * workers + role, batches * self.batch


class CropStream(IterableDataset[Tensor]):
    """Packed crops without end, float16 [23, ``size``, ``size``]; [2, 23, ``size``, ``size``] if moving.

    Crop n of a shard depends on ``seed``, the shard and n alone: a stream that goes on from a ``Place`` gives
    what an unbroken one would have given, after it has drawn again the scenes that were in its pool.

    scene: side of a drawn scene in pixels; larger than a crop, so that sampling reaches beyond it as in a
    real frame. pool: scenes whose crops are held. indexes: of ``dim-train prepare``, whose foregrounds are in
    a ``share`` of the scenes, the others are drawn, and whose backgrounds join ``photos``. clips: share of
    the batches whose crops move. plates: share of the still scenes whose background is known, as from a clean
    plate.
    """

    _split: Split = "train"

    def __init__(
        self,
        photos: Path,
        size: int,
        seed: int,
        scene: int = 512,
        *,
        place: Place | None = None,
        pool: int = _POOL,
        indexes: Sequence[Path] = (),
        share: float = 0.0,
        clips: float = 0.0,
        plates: float = 0.0,
    ) -> None:
        self._folder, self._size, self._seed, self._scene = photos, size, seed, scene
        self._place, self._pool = place or Place(), pool
        self._indexes, self._share, self._clips, self._plates = indexes, share, clips, plates

    def photographs(self) -> Photos:
        """Those of the folder and of the indexes. Raises ``NoPhotosError``, and ``PrepareError`` for an index
        that cannot be used.
        """
        return photographs(self._folder, map(Index.read, self._indexes), self._split)

    def maker(self, photos: Photos) -> Maker:
        """Who makes the foregrounds. Raises ``PrepareError`` for an index that cannot be used."""
        shares: dict[Maker, float] = {Procedural(photos): 1 - self._share}
        for path in self._indexes:
            shares[Cutouts(Index.read(path))] = self._share / len(self._indexes)
        return Mixture(shares)

    def __iter__(self) -> Iterator[Tensor]:
        worker = get_worker_info()
        if worker:  # a worker is one of several processes; the trainer's own keeps all its threads
            cv2.setNumThreads(1)
            torch.set_num_threads(1)
            return self.read(worker.id, worker.num_workers)
        return self.read(0, 1)

    def read(self, worker: int, workers: int) -> Iterator[Tensor]:
        """The crops that one of ``workers`` contributes."""
        shard, first = self._place.shard(worker, workers)
        photos = self.photographs()
        maker = self.maker(photos)

        def still(rng: Rng) -> Tensor:
            scene = make_scene(rng, maker, photos, self._scene)
            # Drawn last, so that a share of none leaves every scene as it was.
            return pack(scene, clean_plate(rng, scene) if rng.random() < self._plates else None)

        def moving(rng: Rng) -> Tensor:
            return torch.stack([*map(pack, make_clip(rng, maker, photos, self._scene, FRAMES))])

        held = max(1, round(self._pool * self._clips / FRAMES))
        stills = Pool(still, self._crop, turned, self._pool, (self._seed, shard, 0))
        clips = Pool(moving, self._crop, turned, held, (self._seed, shard, 2))
        size = self._place.batch
        for n in itertools.count(first):
            batch, place = divmod(n, size)
            before = math.floor(batch * self._clips)  # batches that moved
            if math.floor((batch + 1) * self._clips) > before:
                yield clips.read(before * size + place)
            else:
                yield stills.read((batch - before) * size + place)

    def _crop(self, rng: Rng, packed: Tensor) -> Tensor:
        return crop(rng, packed, self._size)
