"""From a checkpoint to a published version: the averaged weights, and a card that proves where they come
from.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dim_model import nets, weights
from trainer.checkpoint import read


class SourceError(ValueError):
    """A ``--source`` or ``--figures`` that does not say what a card needs; one sentence."""


def _source(text: str) -> dict[str, str]:
    name, equals, licence = text.rpartition("=")
    if not (name and equals and licence):
        raise SourceError(f"--source {text}: names no licence; write it as NAME=LICENCE.")
    return {"name": name, "licence": licence}


def _figures(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SourceError(
            f"{path}: is not JSON of dim-train evaluate ({error}); write it with --json."
        ) from error


def publish_checkpoint(
    checkpoint: Path,
    root: Path,
    version: str,
    licence: str,
    sources: Sequence[str],
    figures: Sequence[Path],
    hours: float,
    *,
    current: bool,
) -> Path:
    """Publish under ``root`` and return the new folder. Raises ``CheckpointError``, ``WeightsError``,
    ``SourceError``.
    """
    if not sources:
        raise SourceError(
            f"{version}: says not what it was trained on; give every set as --source NAME=LICENCE."
        )
    found = read(checkpoint)
    card = weights.Card(
        version=version,
        network=found.network,
        inputs=nets.inputs_of(found.network),
        licence=licence,
        sources=[_source(text) for text in sources],
        training={"steps": found.step, "hours": hours},
        figures={path.stem: _figures(path) for path in figures},
    )
    folder = weights.publish(root, card, found.state)
    if current:
        weights.point(root, version)
    return folder
