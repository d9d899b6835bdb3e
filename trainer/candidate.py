"""Weights that are to be judged: a published version, or a checkpoint as if it were one."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dim_model import nets, weights
from dim_model.matter import Matter
from dim_model.weights import WeightsError
from trainer.checkpoint import Checkpoint, CheckpointError, read

_MEND = "name one of a network that mattes, or judge trimaps by dim-train publish --validate"


def fitted(path: Path) -> Checkpoint:
    """A checkpoint whose tensors fit the network it names. Raises ``CheckpointError``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch remarks on a pickle that it is about to refuse
        found = read(path)
    if found.network not in nets.NETWORKS:
        there = ", ".join(sorted(nets.NETWORKS))
        raise CheckpointError(
            f"{path}: is of the network {found.network!r}, and there are only {there}; "
            "use the dim-train that made it."
        )
    try:
        nets.build(found.network).load_state_dict(found.state)
    except RuntimeError as error:
        raise CheckpointError(
            f"{path}: holds tensors that do not fit today's network {found.network!r}; "
            "train it anew, or use the dim-train that made it."
        ) from error
    return found


@contextmanager
def opened_version(folder: Path) -> Iterator[Matter]:
    """A ``Matter`` of a published version on the CPU in float32. Raises ``WeightsError``."""
    if folder.is_file():
        raise WeightsError(
            f"{folder}: is a file, and pickles are never loaded as weights; name the folder of a published "
            "version."
        )
    card = weights.load_card(folder)
    if not nets.is_matting(card.network):
        raise WeightsError(f"{folder}: is of {card.network}, which makes no mattes; {_MEND}.")
    inputs = nets.inputs_of(card.network)
    if card.inputs != inputs:
        raise WeightsError(
            f"{folder}: was trained on the inputs {card.inputs!r}, and {card.network!r} is now fed "
            f"{inputs!r}; train it anew."
        )
    matter = Matter.open(folder, device="cpu", precision="float32")
    try:
        yield matter
    finally:
        matter.close()


@contextmanager
def opened_checkpoint(path: Path) -> Iterator[Matter]:
    """The same of a checkpoint, under the version "checkpoint". Raises ``CheckpointError``."""
    found = fitted(path)
    if not nets.is_matting(found.network):
        raise CheckpointError(f"{path}: is of {found.network}, which makes no mattes; {_MEND}.")
    inputs = nets.inputs_of(found.network)
    card = weights.Card("checkpoint", found.network, inputs, "unpublished", [], {"steps": found.step})
    with tempfile.TemporaryDirectory(prefix="dim-train-") as scratch:
        with opened_version(weights.publish(Path(scratch), card, found.state)) as matter:
            yield matter
