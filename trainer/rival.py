"""A checkpoint held against the weights in use, on the same pictures in the same run."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from dim_model import metrics, weights
from dim_model.matter import Matter
from dim_model.weights import WeightsError
from trainer.candidate import opened_checkpoint, opened_version
from trainer.pairs import Case, pairs

_MEASURES = {"sad": metrics.sad, "mse": metrics.mse}


@dataclass(frozen=True)
class Verdict:
    """new, current: mean SAD and MSE over ``pictures``. against: the version of ``current``. current is None
    where there was nothing to compare with, and ``against`` says why.
    """

    pictures: int
    new: dict[str, float]
    current: dict[str, float] | None
    against: str

    @property
    def worse(self) -> bool:
        """In either figure."""
        return self.current is not None and any(self.new[m] > self.current[m] for m in _MEASURES)

    def __str__(self) -> str:
        if self.current is None:
            return (
                f"On {self.pictures} pictures SAD is {self.new['sad']:.4f} and MSE {self.new['mse']:.6f}; "
                f"there is nothing to compare with: {self.against}"
            )
        return (
            f"On {self.pictures} pictures SAD is {self.new['sad']:.4f} ({self.against}: "
            f"{self.current['sad']:.4f}) and MSE {self.new['mse']:.6f} ({self.current['mse']:.6f})."
        )


def compare(checkpoint: Path, root: Path, validation: Path) -> Verdict:
    """The checkpoint and ``current`` of ``root`` on a set as ``dim-train synth`` writes it: image/, trimap/,
    alpha/.

    A ``current`` that is not there, or that this code cannot load, is no rival. Raises ``CheckpointError``,
    ``PairsError``.
    """
    found = pairs(*(validation / kind for kind in ("image", "trimap", "alpha")))
    with ExitStack() as stack:
        matters = [stack.enter_context(opened_checkpoint(checkpoint))]
        try:
            matters.append(stack.enter_context(opened_version(weights.resolve(root))))
            against = matters[1].version
        except WeightsError as error:
            against = str(error)
        totals = [dict.fromkeys(_MEASURES, 0.0) for _ in matters]
        for pair in found:
            case = pair.read()
            for total, matter in zip(totals, matters, strict=True):
                _add(total, matter, case)
    new, *rival = ({m: round(value / len(found), 6) for m, value in total.items()} for total in totals)
    return Verdict(len(found), new, rival[0] if rival else None, against)


def _add(total: dict[str, float], matter: Matter, case: Case) -> None:
    alpha = matter.matte([case.rgb[0]], [case.trimap[0]])[0][None]
    for name, measure in _MEASURES.items():
        total[name] += float(measure(alpha, case.alpha, case.trimap))
