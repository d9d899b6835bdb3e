"""One training run, from a seed to a checkpoint; a run that was stopped goes on exactly where it was."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import lightning
import torch
from lightning.pytorch.callbacks import (
    Callback,
    EMAWeightAveraging,
    LearningRateMonitor,
    ModelCheckpoint,
    RichProgressBar,
)
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor
from torch.utils.data import DataLoader

from trainer.checkpoint import CheckpointError, read
from trainer.durable import DurableCheckpoints
from trainer.gallery import Gallery
from trainer.module import Matting
from trainer.placement import placement
from trainer.stream import CropStream, Place
from trainer.synth import Photos

_VALIDATION_SEED = 999_983
"""Never a training seed: validation crops are drawn by the same generator, from scenes that no run has
trained on.
"""


@dataclass(frozen=True)
class Run:
    """What fixes a run. folder: checkpoints and TensorBoard's events. photos: folder of photographs. epoch:
    steps from one checkpoint and validation to the next; a run is a whole number of them, so ``steps`` is
    rounded up. batch: crops a step and a process. indexes: of ``dim-train prepare``, whose foregrounds are in
    a ``share`` of the scenes. clips: share of the steps that see moving crops, two frames of each.
    """

    network: str
    photos: Path
    folder: Path
    steps: int
    batch: int = 16
    crop: int = 256
    scene: int = 512
    validation: int = 64
    rate: float = 2e-3
    schedule: str = "plateau"
    decay: float = 0.3
    optimizer: str = "adamw"
    seed: int = 1
    workers: int = 1
    epoch: int = 250
    precision: str = "bf16-mixed"
    gpus: Sequence[int] = ()
    indexes: Sequence[Path] = ()
    share: float = 0.25
    clips: float = 0.0
    pool: int = 192

    def __post_init__(self) -> None:
        object.__setattr__(self, "epoch", min(self.epoch, self.steps))
        object.__setattr__(self, "steps", -(-self.steps // self.epoch) * self.epoch)


def validation_crops(run: Run) -> list[Tensor]:
    """The same ``run.validation`` packed crops for every run with scenes and crops of these sizes."""
    stream = iter(CropStream(run.photos, run.crop, _VALIDATION_SEED, run.scene, pool=1))
    # Neighbours in the stream come from one scene; every twelfth is from a scene of its own.
    return [next(stream) for _ in range(run.validation * 12)][::12]


def _seen(run: Run, last: Path) -> int:
    """Steps that the run in this folder has taken. Raises ``CheckpointError`` if it is of another network."""
    if not last.exists():
        return 0
    found = read(last)
    if found.network != run.network:
        raise CheckpointError(
            f"{last}: is a run of {found.network}, not of {run.network}; name another --run folder."
        )
    return found.step


def _record(run: Run, seen: int) -> None:
    """Append to ``runs.jsonl`` what was asked for, so that a checkpoint can be made again."""
    run.folder.mkdir(parents=True, exist_ok=True)
    entry = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "from_step": seen, **asdict(run)}
    with (run.folder / "runs.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry | {"torch": torch.__version__}, default=str) + "\n")


def _callbacks(run: Run, progress: bool) -> list[Callback]:
    kept: dict[str, Any] = {
        "auto_insert_metric_name": False,
        # A run's folder that was copied goes on in its copy: never a last-v1.ckpt beside the last.
        "enable_version_counter": False,
    }
    callbacks: list[Callback] = [
        ModelCheckpoint(
            run.folder,
            filename="step-{step}",
            save_last=True,
            every_n_train_steps=run.epoch,
            **kept,
        ),
        ModelCheckpoint(run.folder, filename="best", monitor="valid/sad", **kept),
        EMAWeightAveraging(decay=0.99),
        LearningRateMonitor("step"),
        Gallery(),
    ]
    return [*callbacks, RichProgressBar()] if progress else callbacks


def fit(run: Run, *, progress: bool = True) -> Path:
    """Train until ``run.steps``; returns the last checkpoint. Resumes where ``run.folder`` has one.

    Raises ``NoPhotosError``, ``PrepareError``, ``CheckpointError``, ``PlacementError``, ``DivergedError``.
    """
    lightning.seed_everything(run.seed, workers=True, verbose=False)
    model = Matting(
        run.network, run.rate, run.steps, run.epoch, run.schedule, run.decay, run.optimizer, run.seed
    ).to(memory_format=torch.channels_last)
    last = run.folder / "last.ckpt"
    seen = _seen(run, last)
    trainer = lightning.Trainer(
        **placement(run.gpus),
        max_steps=run.steps,
        max_epochs=-1,
        precision=cast(Any, run.precision),
        gradient_clip_val=1.0,
        callbacks=_callbacks(run, progress),
        plugins=[DurableCheckpoints()],
        logger=TensorBoardLogger(run.folder, name="", version=""),
        log_every_n_steps=min(10, run.epoch),
        val_check_interval=run.epoch,
        enable_progress_bar=progress,
        use_distributed_sampler=False,  # each process draws a stream of its own
        default_root_dir=run.folder,
    )
    if trainer.is_global_zero:
        _record(run, seen)
    stream = CropStream(
        run.photos,
        run.crop,
        run.seed,
        run.scene,
        place=Place(start=seen, batch=run.batch, rank=trainer.global_rank),
        pool=run.pool,
        indexes=run.indexes,
        share=run.share,
        clips=run.clips,
    )
    stream.maker(Photos(run.photos))  # what is wrong with the data is said here, not by a worker
    training = DataLoader(
        stream,
        batch_size=run.batch,
        num_workers=run.workers,
        prefetch_factor=4 if run.workers else None,
        persistent_workers=run.workers > 0,
        # A forked worker inherits OpenCV's and OpenMP's locks but not their threads, and waits for ever.
        multiprocessing_context="spawn" if run.workers else None,
    )
    held_out: DataLoader[Tensor] = DataLoader(cast(Any, validation_crops(run)), batch_size=run.batch)
    trainer.fit(model, training, held_out, ckpt_path=last if seen else None)
    return last
