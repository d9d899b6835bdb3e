"""What a run begins with, where it is not to begin with nothing: weights that are good already."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from dim_model import weights
from trainer.candidate import fitted


class BeginningError(ValueError):
    """Weights that a run cannot begin with; one sentence."""


@dataclass(frozen=True)
class Beginning:
    """state: tensors by the network's own names. sources: what they were trained on, for the card of what
    comes of them. encoder: what their encoder began with.
    """

    state: dict[str, Tensor]
    sources: list[dict[str, str]]
    encoder: str = "none"


def beginning(path: Path, network: str) -> Beginning:
    """The weights of a published version's folder or of a checkpoint, for ``network``.

    Raises ``BeginningError``, ``WeightsError``, ``CheckpointError``.
    """
    if path.is_dir():
        version = weights.load(path)
        version.network()  # says so where the tensors do not fit
        found, begun = version.card.network, Beginning(version.state, version.card.sources)
    else:
        checkpoint = fitted(path)
        found = checkpoint.network
        begun = Beginning(checkpoint.state, checkpoint.sources, checkpoint.encoder)
    if found != network:
        raise BeginningError(f"--from {path}: is of {found}, not of {network}; give --net {found}.")
    return begun
