"""A checkpoint of the trimap network held against the weights in use, on the same pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from dim_model import nets, segment, weights
from dim_model.weights import WeightsError
from trainer.candidate import fitted
from trainer.classes import counts, figures, told
from trainer.pairs import pairs

_MEASURES = ("miou", "coverage")


@dataclass(frozen=True)
class Verdict:
    """new, current: what ``classes.figures`` gives over ``pictures``. against: the version of ``current``.
    current is None where there was nothing to compare with, and ``against`` says why.
    """

    pictures: int
    new: dict[str, float]
    current: dict[str, float] | None
    against: str

    @property
    def worse(self) -> bool:
        """In mean IoU or in coverage: either alone is bought by giving up the other."""
        return self.current is not None and any(self.new[m] < self.current[m] for m in _MEASURES)

    def __str__(self) -> str:
        mine = f"On {self.pictures} pictures {told(self.new)}"
        if self.current is None:
            return f"{mine}; there is nothing to compare with: {self.against}"
        return f"{mine}; of {self.against} {told(self.current)}."


def compare_trimaps(checkpoint: Path, root: Path, validation: Path) -> Verdict:
    """The checkpoint and ``current`` of ``root`` on a set of image/ and alpha/, as ``dim-train synth`` writes
    it.

    A ``current`` that is not there, or that this code cannot load, is no rival. Raises ``CheckpointError``,
    ``PairsError``.
    """
    images, alphas = validation / "image", validation / "alpha"
    found = pairs(images, alphas, alphas)  # a pair wants a trimap, and here alpha stands for it
    mine = fitted(checkpoint)
    module = nets.build(mine.network)
    module.load_state_dict(mine.state)
    networks = [segment.network_of(module)]
    try:
        folder = weights.resolve(root)
        networks.append(segment.opened(folder))
        against = folder.name
    except WeightsError as error:
        against = str(error)
    tables = [torch.zeros(4, 3, dtype=torch.int64) for _ in networks]
    for pair in found:
        case = pair.read()
        for table, network in zip(tables, networks, strict=True):
            made = segment.segment(network, case.rgb[0])
            table += counts(made.trimap[None], case.alpha)
    new, *rival = ({m: round(value, 4) for m, value in figures(table).items()} for table in tables)
    return Verdict(len(found), new, rival[0] if rival else None, against)
