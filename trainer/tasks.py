"""What is different in training a network that mattes and one that makes trimaps; ``fit`` does the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor

from dim_model import nets
from trainer import imagenet
from trainer.beginning import beginning
from trainer.gallery import Gallery, trimap_gallery
from trainer.module import Learner, Matting
from trainer.pictures import PictureStream, validation_pictures
from trainer.run import VALIDATION_SEED, Run
from trainer.segmenting import Segmenting
from trainer.stream import CropStream, Place

_CROP = 256
"""Pixels: less than this of a scene shows too little of it."""

_HALVED = 16
"""Pixels: a network that mattes halves a crop four times."""


class TaskError(ValueError):
    """Settings of a run that do not go with its network; one sentence."""


@dataclass(frozen=True)
class Task:
    """module: of a run, and of how many steps it has taken. held_out: what it is validated on. monitor, mode:
    the figure by which ``best.ckpt`` is chosen, and whether less or more of it is better.
    """

    module: Callable[[Run, int], Learner]
    stream: Callable[[Run, Place], CropStream]
    held_out: Callable[[Run], list[Tensor]]
    monitor: str
    mode: Literal["min", "max"]
    gallery: Callable[[], Callback]


def _begun(run: Run, seen: int, model: Learner) -> Learner:
    """With the weights that the run is to begin with; one that goes on has its own."""
    if run.begin is not None and not seen:
        begun = beginning(run.begin, run.network)
        model.network.load_state_dict(begun.state)
        model.sources = begun.sources
        if "encoder" in model.hparams:
            model.hparams["encoder"] = begun.encoder
    return model


def _shared(run: Run) -> tuple[str, float, int, int, str, float, str, int]:
    """What every ``Learner`` is made of, in its order."""
    return run.network, run.rate, run.steps, run.epoch, run.schedule, run.decay, run.optimizer, run.seed


def _matting(run: Run, seen: int) -> Learner:
    return _begun(run, seen, Matting(*_shared(run)))


def _crops(run: Run, place: Place) -> CropStream:
    return CropStream(
        run.photos,
        run.crop,
        run.seed,
        run.scene,
        place=place,
        pool=run.pool,
        indexes=run.indexes,
        share=run.share,
        clips=run.clips,
        plates=run.plates,
    )


def tiles_side(network: str) -> int:
    """Side in pixels of a crop that is cut into whole tiles of a network that mattes."""
    size = nets.tiling_of(network).height
    return -(-_CROP // size) * size


def validation_crops(run: Run) -> list[Tensor]:
    """The same ``run.validation`` packed crops for every run with scenes and crops of these sizes."""
    stream = iter(CropStream(run.photos, run.crop, VALIDATION_SEED, run.scene, pool=1))
    threads = torch.get_num_threads()
    # On a machine whose cores are busy, threads that wait for one another at every crop take minutes.
    torch.set_num_threads(1)
    try:
        # Neighbours in the stream come from one scene; every twelfth is from a scene of its own.
        return [next(stream) for _ in range(run.validation * 12)][::12]
    finally:
        torch.set_num_threads(threads)


def _segmenting(run: Run, seen: int) -> Learner:
    model = Segmenting(*_shared(run), run.encoder)
    if run.encoder == "imagenet" and not seen:
        imagenet.load(model.encoder)
    return _begun(run, seen, model)


def _pictures(run: Run, place: Place) -> CropStream:
    return PictureStream(
        run.photos,
        run.crop,
        run.seed,
        run.scene,
        place=place,
        pool=run.pool,
        indexes=run.indexes,
        share=run.share,
    )


_MATTING = Task(_matting, _crops, validation_crops, "valid/sad", "min", Gallery)
_SEGMENTING = Task(
    _segmenting, _pictures, validation_pictures, "valid/miou", "max", lambda: Gallery(trimap_gallery)
)


def task_of(run: Run) -> Task:
    """How the run's network is trained. Raises ``TaskError``, ``UnknownNetworkError``."""
    if run.seed == VALIDATION_SEED:
        raise TaskError(f"--seed {run.seed}: is that of the validation crops; give another.")
    if nets.is_matting(run.network):
        if run.encoder != "none":
            raise TaskError(f"--encoder {run.encoder}: is for --net trimap; leave it out for {run.network}.")
        if run.crop % _HALVED or not _HALVED <= run.crop <= run.scene:
            raise TaskError(
                f"--crop {run.crop}: is no multiple of {_HALVED} up to the {run.scene} pixels of a scene; "
                f"try {tiles_side(run.network)}."
            )
        return _MATTING
    if run.clips:
        raise TaskError(f"--clips: teaches mattes to be steady, and {run.network} makes none; leave it out.")
    if run.plates:
        raise TaskError(
            f"--clean-plates: are told to networks that matte, and {run.network} makes trimaps; leave it out."
        )
    if run.crop % 32 or run.crop < 64:
        raise TaskError(
            f"--crop {run.crop}: is no multiple of 32 from 64 on, as {run.network} needs; try 320."
        )
    return _SEGMENTING
