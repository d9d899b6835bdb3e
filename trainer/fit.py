"""One training run, from a seed to a checkpoint; a run that was stopped goes on exactly where it was."""

from __future__ import annotations

import json
import signal
from dataclasses import asdict
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
)
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor
from torch.utils.data import DataLoader

from trainer.candidate import fitted
from trainer.checkpoint import CheckpointError
from trainer.durable import DurableCheckpoints, room_in
from trainer.placement import placement
from trainer.prepare import PrepareError
from trainer.progress import StepsBar
from trainer.run import Run
from trainer.stream import Place
from trainer.synth import NoPhotosError
from trainer.tasks import Task, task_of

__all__ = ["Run", "StoppedError", "WorkerError", "fit"]


class StoppedError(RuntimeError):
    """A run that a signal ended before its last step; one sentence. signal: which."""

    def __init__(self, sentence: str, number: signal.Signals) -> None:
        super().__init__(sentence)
        self.signal = number


class WorkerError(RuntimeError):
    """A process that draws scenes is gone; one sentence."""


def _whence(last: Path) -> str:
    return f"goes on from {last}" if last.exists() else "begins anew, since there is no checkpoint yet"


def _stopped(run: Run, last: Path, number: signal.Signals) -> StoppedError:
    return StoppedError(
        f"{run.folder}: was stopped by {number.name}; the same command {_whence(last)}.", number
    )


def _without_trace(error: Exception) -> str:
    """What a worker said; PyTorch puts its whole traceback before it."""
    told = str(error).strip()
    return told.splitlines()[-1].partition(": ")[2] if "Original Traceback" in told else told


def _seen(run: Run, last: Path) -> int:
    """Steps that the run in this folder has taken. Raises ``CheckpointError`` if it is of another network, or
    of one that has changed since.
    """
    if not last.exists():
        return 0
    found = fitted(last)
    if found.network != run.network:
        raise CheckpointError(
            f"{last}: is a run of {found.network}, not of {run.network}; name another --run folder."
        )
    return found.step


def _record(run: Run, seen: int) -> None:
    """Append to ``runs.jsonl`` what was asked for, so that a checkpoint can be made again. Raises
    ``CheckpointError``.
    """
    entry = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "from_step": seen, **asdict(run)}
    try:
        run.folder.mkdir(parents=True, exist_ok=True)
        with (run.folder / "runs.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry | {"torch": torch.__version__}, default=str) + "\n")
    except OSError as error:
        raise CheckpointError(
            f"{run.folder}: cannot be written to ({error.strerror}); make room there, or name another --run."
        ) from error


def _callbacks(run: Run, task: Task, progress: bool) -> list[Callback]:
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
        ModelCheckpoint(run.folder, filename="best", monitor=task.monitor, mode=task.mode, **kept),
        EMAWeightAveraging(decay=0.99),
        LearningRateMonitor("step"),
        task.gallery(),
    ]
    return [*callbacks, StepsBar()] if progress else callbacks


def fit(run: Run, *, progress: bool = True) -> Path:
    """Train until ``run.steps``; returns the last checkpoint. Resumes where ``run.folder`` has one.

    Raises ``NoPhotosError``, ``PrepareError``, ``CheckpointError``, ``PlacementError``, ``DivergedError``,
    ``TaskError``, ``ImageNetError``, ``UnknownNetworkError``, ``BeginningError``, ``WeightsError``,
    ``StoppedError``, ``WorkerError``.
    """
    task = task_of(run)
    lightning.seed_everything(run.seed, workers=True, verbose=False)
    last = run.folder / "last.ckpt"
    seen = _seen(run, last)
    model = task.module(run, seen).to(memory_format=torch.channels_last)
    trainer = lightning.Trainer(
        **placement(run.gpus),
        max_steps=run.steps,
        max_epochs=-1,
        precision=cast(Any, run.precision),
        gradient_clip_val=1.0,
        callbacks=_callbacks(run, task, progress),
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
    stream = task.stream(run, Place(start=seen, batch=run.batch, rank=trainer.global_rank))
    stream.maker(stream.photographs())  # what is wrong with the data is said here, not by a worker
    training = DataLoader(
        stream,
        batch_size=run.batch,
        num_workers=run.workers,
        prefetch_factor=4 if run.workers else None,
        persistent_workers=run.workers > 0,
        # A forked worker inherits OpenCV's and OpenMP's locks but not their threads, and waits for ever.
        multiprocessing_context="spawn" if run.workers else None,
    )
    held_out: DataLoader[Tensor] = DataLoader(cast(Any, task.held_out(run)), batch_size=run.batch)
    try:
        with room_in(run.folder):
            trainer.fit(model, training, held_out, ckpt_path=last if seen else None)
    except SystemExit as stop:  # what Lightning makes of a signal; of SIGTERM with the status 0
        got = signal.SIGTERM if trainer.received_sigterm else signal.SIGINT
        raise _stopped(run, last, got) from stop
    except (NoPhotosError, PrepareError) as error:
        raise type(error)(_without_trace(error)) from error
    except (RuntimeError, ConnectionError, EOFError) as error:
        # Of that PyTorch has no class of its own; killed while it hands a scene over, it is a line that ends.
        if isinstance(error, RuntimeError) and not str(error).startswith("DataLoader worker"):
            raise
        raise WorkerError(
            f"{run.folder}: a process that draws scenes was killed, for want of memory as a rule; with fewer "
            f"--workers, or more memory, the same command {_whence(last)}."
        ) from error
    return last
