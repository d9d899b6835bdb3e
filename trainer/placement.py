"""Where a run computes: one device, several GPUs of this machine, or the processes that torchrun started."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import torch
from lightning.pytorch.strategies import DDPStrategy


class PlacementError(ValueError):
    """A GPU that is not there; one sentence."""


def placement(gpus: Sequence[int]) -> dict[str, Any]:
    """``accelerator``, ``devices`` and ``strategy`` for Lightning. Without ``gpus``: a GPU if there is one.

    Under torchrun each process takes the GPU of its own rank, of ``gpus`` or of all; without GPUs they talk
    through gloo. Raises ``PlacementError``.
    """
    there = torch.cuda.device_count()
    missing = [n for n in gpus if not 0 <= n < there]
    if missing:
        shown = f"shows GPUs 0 to {there - 1}" if there else "shows no GPU; leave --gpus out to use the CPU"
        raise PlacementError(f"GPU {missing[0]} is not there: this machine {shown}.")
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", "0"))  # torchrun's alone
    if processes and int(os.environ["WORLD_SIZE"]) > 1:
        wanted = len(gpus) or min(there, processes) or processes
        if processes != wanted:
            raise PlacementError(
                f"{processes} processes are to share {wanted} GPUs of this machine, one each; give torchrun "
                f"--nproc-per-node {wanted}."
            )
        return {
            "accelerator": "gpu" if there else "cpu",
            "devices": list(gpus) or processes,
            "num_nodes": int(os.environ.get("GROUP_WORLD_SIZE", "1")),
            "strategy": DDPStrategy(process_group_backend="nccl" if there else "gloo"),
        }
    if gpus:
        return {
            "accelerator": "gpu",
            "devices": list(gpus),
            "strategy": "ddp" if len(gpus) > 1 else "auto",
        }
    return {"accelerator": "auto", "devices": 1, "strategy": "auto"}


def device_of(gpus: Sequence[int]) -> torch.device:
    """Where this very process computes, as ``placement`` has it. Raises ``PlacementError``."""
    placement(gpus)
    if not torch.cuda.is_available():
        return torch.device("cpu")
    rank = int(os.environ.get("LOCAL_RANK", "0"))  # of torchrun, or of a process that Lightning started
    return torch.device("cuda", gpus[rank] if rank < len(gpus) else rank)
