"""One training run, from a seed to a checkpoint; a run that was stopped goes on from its last one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import lightning
import torch
from lightning.pytorch.callbacks import Callback, EMAWeightAveraging, LearningRateMonitor, ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor
from torch.utils.data import DataLoader

from trainer.module import Matting
from trainer.stream import CropStream

_VALIDATION_SEED = 999_983
"""Never a training seed: validation crops are drawn by the same generator, from scenes that no run has
trained on.
"""


@dataclass(frozen=True)
class Run:
    """What fixes a run. folder: checkpoints and TensorBoard's events. photos: folder of photographs."""

    network: str
    photos: Path
    folder: Path
    steps: int
    batch: int = 16
    crop: int = 256
    scene: int = 512
    validation: int = 64
    rate: float = 2e-3
    seed: int = 1
    workers: int = 1
    save_every: int = 250
    precision: str = "bf16-mixed"


def validation_crops(run: Run) -> list[Tensor]:
    """The same ``run.validation`` packed crops for every run with scenes and crops of these sizes."""
    stream = iter(CropStream(run.photos, run.crop, _VALIDATION_SEED, run.scene))
    # Neighbours in the stream come from one scene; every twelfth is from a scene of its own.
    return [next(stream) for _ in range(run.validation * 12)][::12]


def fit(run: Run, *, progress: bool = True) -> Path:
    """Train until ``run.steps``; returns the last checkpoint. Resumes where ``run.folder`` has one."""
    lightning.seed_everything(run.seed, workers=True)
    last = run.folder / "last.ckpt"
    callbacks: list[Callback] = [
        ModelCheckpoint(
            run.folder,
            filename="step-{step}",
            save_last=True,
            every_n_train_steps=run.save_every,
            # A run's folder that was copied goes on in its copy: never a last-v1.ckpt beside the last.
            enable_version_counter=False,
        ),
        EMAWeightAveraging(decay=0.99),
        LearningRateMonitor("step"),
    ]
    trainer = lightning.Trainer(
        max_steps=run.steps,
        max_epochs=-1,
        accelerator="auto",
        precision=cast(Any, run.precision),
        gradient_clip_val=1.0,
        callbacks=callbacks,
        logger=TensorBoardLogger(run.folder, name="", version=""),
        log_every_n_steps=20,
        val_check_interval=run.save_every,
        enable_progress_bar=progress,
        default_root_dir=run.folder,
    )
    # A resumed run draws new scenes rather than those it has seen: the stream's seed moves on with the
    # checkpoint.
    seen = torch.load(last, weights_only=False)["global_step"] if last.exists() else 0
    training = DataLoader(
        CropStream(run.photos, run.crop, run.seed * 1_000_003 + seen, run.scene),
        batch_size=run.batch,
        num_workers=run.workers,
        prefetch_factor=4 if run.workers else None,
        persistent_workers=run.workers > 0,
        # A forked worker inherits OpenCV's and OpenMP's locks but not their threads, and waits for ever.
        multiprocessing_context="spawn" if run.workers else None,
    )
    held_out: DataLoader[Tensor] = DataLoader(cast(Any, validation_crops(run)), batch_size=run.batch)
    model = Matting(run.network, run.rate, run.steps).to(memory_format=torch.channels_last)
    trainer.fit(model, training, held_out, ckpt_path=last if last.exists() else None)
    return last
