"""Checkpoints that are whole or not there: written beside their place, synced, renamed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO

from trainer.checkpoint import CheckpointError


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
