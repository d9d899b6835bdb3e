"""What a run left behind: its network's averaged weights, and the run they came from."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor


class CheckpointError(ValueError):
    """One sentence: which checkpoint, what is wrong, how to mend it."""


@dataclass(frozen=True)
class Checkpoint:
    """network: a name of ``dim_model.nets``. state: averaged weights by the network's own names. step: steps
    taken. figures: what it reached when it was last validated, where the run notes it. encoder: what its
    encoder began with, ``imagenet`` or ``none``. sources: what the weights that it began with had been
    trained on.
    """

    network: str
    state: dict[str, Tensor]
    step: int
    figures: dict[str, float] = field(default_factory=dict)
    encoder: str = "none"
    sources: list[dict[str, str]] = field(default_factory=list)


def read(path: Path) -> Checkpoint:
    """Read a checkpoint of ``fit``; nothing but plain values is unpickled. Raises ``CheckpointError``."""
    try:
        data = torch.load(path, map_location="cpu", weights_only=True)
        state = {
            k.removeprefix("network."): v for k, v in data["state_dict"].items() if k.startswith("network.")
        }
        figures = {str(name): value for name, value in data.get("figures", {}).items()}
        own = data["hyper_parameters"]
        step, encoder = int(data["global_step"]), str(own.get("encoder", "none"))
        sources = [{str(k): str(v) for k, v in source.items()} for source in data.get("sources", [])]
        return Checkpoint(own["network"], state, step, figures, encoder, sources)
    except (
        OSError,
        RuntimeError,
        LookupError,
        TypeError,
        AttributeError,
        EOFError,
        pickle.UnpicklingError,
    ) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        if isinstance(error, pickle.UnpicklingError):  # PyTorch's own words advise to run whatever it holds
            reason = "it holds more than tensors and plain values, or something else"
        raise CheckpointError(
            f"{path}: is no checkpoint of dim-train fit ({reason}); name a run's last.ckpt."
        ) from error
