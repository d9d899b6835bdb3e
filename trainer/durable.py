"""A run's folder on a disk that fills up: checkpoints are whole or not there, written beside their place,
synced, renamed; and what cannot be written is told in one sentence.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO

from trainer.checkpoint import CheckpointError

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG})


class DurableCheckpoints(TorchCheckpointIO):
    """A power cut leaves the old checkpoint or the new one; a full disk leaves the old one and says so."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any | None = None
    ) -> None:
        place = Path(path)
        scratch = place.with_name(f".{place.name}.part")
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            with scratch.open("wb") as file:
                torch.save(checkpoint, file)
                file.flush()
                os.fsync(file.fileno())
            scratch.replace(place)
        except (OSError, RuntimeError) as error:  # torch's zip writer raises RuntimeError on a full disk
            scratch.unlink(missing_ok=True)
            raise CheckpointError(
                f"{place}: could not be written ({error}); the checkpoint before it is whole: free some "
                "space and run the same command again."
            ) from error


@contextmanager
def room_in(folder: Path) -> Iterator[None]:
    """What a run writes beside its checkpoints, TensorBoard's events above all, on a full disk. Raises
    ``CheckpointError``.
    """
    usual = threading.excepthook

    def hook(fault: threading.ExceptHookArgs) -> None:
        # TensorBoard writes in a thread, whose error it raises once more where the run stands.
        if not _is_full(fault.exc_value):
            usual(fault)

    threading.excepthook = hook
    try:
        yield
    except OSError as error:
        if not _is_full(error):
            raise
        raise CheckpointError(
            f"{folder}: cannot be written to ({error.strerror}); the checkpoints there are whole: free some "
            "space and run the same command again."
        ) from error
    finally:
        threading.excepthook = usual


def _is_full(error: BaseException | None) -> bool:
    return isinstance(error, OSError) and error.errno in _NO_ROOM
