"""An endless stream of whole pictures with their alphas, for the trimap network."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from trainer.pool import Pool
from trainer.prepare import Index
from trainer.run import VALIDATION_SEED, Run
from trainer.stream import CropStream
from trainer.synth import Maker, Mixture, Photos, Procedural
from trainer.synth.cutouts import KINDS, Cutouts
from trainer.synth.foreground import Rng
from trainer.synth.picture import make_picture, make_subject

_READ = 8
"""Pictures read for every subject made: it stands before four backgrounds, each seen twice."""

_HELD_OUT = 0.5
"""Share of validation pictures whose subject is of an index, where one has subjects for validation."""


def unpack(packed: Tensor) -> tuple[Tensor, Tensor]:
    """RGB [B, 3, S, S] and alpha [B, 1, S, S], float32, 0..1, of packed pictures [B, 4, S, S]."""
    both = packed.float()
    return both[:, :3], both[:, 3:]


def varied(rng: Rng, packed: Tensor) -> Tensor:
    """A packed picture, mirrored or not, in another light and under another white balance. Never upside down,
    nor in false colours: what a subject looks like is all there is to go by.
    """
    if rng.random() < 0.5:
        packed = packed.flip(-1)
    both = packed.float()
    if rng.random() < 0.8:
        gain = torch.from_numpy(rng.uniform(0.8, 1.2) * rng.uniform(0.92, 1.08, 3).astype(np.float32))
        both[:3] = (both[:3] * gain[:, None, None]).clamp(0, 1) ** float(rng.uniform(0.75, 1.35))
    if rng.random() < 0.05:
        both[:3] = both[:3].mean(0, keepdim=True)
    return both.half()


class PictureStream(CropStream):
    """Packed pictures without end, float16 [4, ``size``, ``size``], RGB and alpha; as exactly repeatable as
    crops.

    scene: side in pixels at which subjects are drawn. ``clips`` has no meaning here.
    """

    def read(self, worker: int, workers: int) -> Iterator[Tensor]:
        """The pictures that one of ``workers`` contributes."""
        shard, first = self._place.shard(worker, workers)
        photos = self.photographs()
        maker = self.maker(photos)

        def draw(rng: Rng) -> Tensor:
            return torch.from_numpy(make_subject(rng, maker, self._scene)).half()

        def cut(rng: Rng, subject: Tensor) -> Tensor:
            image, alpha = make_picture(rng, subject.float().numpy(), photos, self._size)
            return torch.from_numpy(np.dstack([image, alpha])).permute(2, 0, 1).half()

        pool = Pool(draw, cut, varied, self._pool, (self._seed, shard, 4), per_scene=_READ)
        for n in itertools.count(first):
            yield pool.read(n)


class _HeldOut(PictureStream):
    """Subjects that no run trains on: drawn from another seed, and of the indexes' own validation split."""

    _split = "valid"

    def maker(self, photos: Photos) -> Maker:
        there = [index for index in map(Index.read, self._indexes) if index.select("valid", KINDS)]
        shares: dict[Maker, float] = {Procedural(photos): 1 - (_HELD_OUT if there else 0)}
        for index in there:
            shares[Cutouts(index, "valid")] = _HELD_OUT / len(there)
        return Mixture(shares)


def validation_pictures(run: Run) -> list[Tensor]:
    """The same ``run.validation`` packed pictures for every run with these sizes and indexes."""
    stream = iter(_HeldOut(run.photos, run.crop, VALIDATION_SEED, run.scene, pool=1, indexes=run.indexes))
    return [next(stream) for _ in range(run.validation * _READ)][::_READ]
