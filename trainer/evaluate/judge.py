"""Figures of every picture, of every clip, and their means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dim_model import metrics
from dim_model.encode import GUIDED, encode
from dim_model.matter import Matter
from trainer.evaluate.peers import ratios
from trainer.pairs import Case, Pair, PairsError
from trainer.png import write_png

Figures = dict[str, Any]
"""As ``--json`` prints it.

weights: the version. mean: of each measure over pictures (dtssd: over clips). pictures: measures by name.
clips: by name, with dtssd. worse_than_guided: pictures whose MSE exceeds that of the network's own guided
input. peers: see ``trainer.evaluate.peers``.
"""

MEASURES = {
    "sad": metrics.sad,
    "mse": metrics.mse,
    "grad": metrics.grad,
    "conn": metrics.conn,
    "mad": metrics.mad,
}

Watcher = Callable[["Judged"], None]
Estimates = Callable[[Case], dict[str, Tensor]]


@dataclass(frozen=True)
class Judged:
    """alpha: what the network made of the case, float32 [1, 1, H, W]. figures: measures, and guided_mse."""

    case: Case
    alpha: Tensor
    figures: dict[str, float]


@dataclass
class _Clip:
    """A clip on its way: only its last frame is kept."""

    rows: list[dict[str, float]] = field(default_factory=list)
    steps: list[float] = field(default_factory=list)
    last: Judged | None = None

    def add(self, judged: Judged) -> None:
        if self.last is not None:
            if judged.alpha.shape != self.last.alpha.shape:
                raise PairsError(
                    f"{judged.case.name}: is of another size than the frame before it; give all frames of a "
                    "clip one size."
                )
            both = [
                torch.cat(two)
                for two in (
                    (self.last.alpha, judged.alpha),
                    (self.last.case.alpha, judged.case.alpha),
                    (self.last.case.trimap, judged.case.trimap),
                )
            ]
            self.steps.append(float(metrics.dtssd(*both)))
        self.rows.append(judged.figures)
        self.last = judged

    def figures(self) -> dict[str, float]:
        motion = {"dtssd": float(np.mean(self.steps))} if self.steps else {}
        return {"frames": len(self.rows)} | mean(self.rows) | motion


def measure(case: Case, alpha: Tensor) -> dict[str, float]:
    """All of ``MEASURES`` for one alpha, float32 [1, 1, H, W]."""
    return {name: float(f(alpha, case.alpha, case.trimap)) for name, f in MEASURES.items()}


def mean(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Of each figure over rows that all have it."""
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def written_to(folder: Path) -> Watcher:
    """Writes each alpha as 16-bit PNG, under the name of its picture."""

    def write(judged: Judged) -> None:
        write_png(folder / f"{judged.case.name}.png", judged.alpha[0, 0].numpy())

    return write


def judge(
    matter: Matter, pairs: Iterable[Pair], watchers: Sequence[Watcher] = (), peers: Estimates | None = None
) -> Figures:
    """Matte every picture and say how far it is from the truth.

    watchers: see each picture once it is judged. peers: gives other methods' alphas by name. Raises
    ``PairsError``, and what the watchers and ``peers`` raise.
    """
    pictures: dict[str, dict[str, float]] = {}
    others: dict[str, dict[str, dict[str, float]]] = {}
    clips: dict[str, _Clip] = {}
    others_clips: dict[str, dict[str, _Clip]] = {}
    for pair in pairs:
        case = pair.read()
        alpha = matter.matte([case.rgb[0]], [case.trimap[0]])[0][None]
        guided = metrics.mse(encode(case.rgb, case.trimap)[:, GUIDED], case.alpha, case.trimap)
        judged = Judged(case, alpha, measure(case, alpha) | {"guided_mse": float(guided)})
        pictures[case.name] = judged.figures
        if case.clip:
            clips.setdefault(case.clip, _Clip()).add(judged)
        if peers is not None:
            found = {name: Judged(case, a, measure(case, a)) for name, a in peers(case).items()}
            others[case.name] = {name: other.figures for name, other in found.items()}
            for name, other in found.items() if case.clip else ():
                others_clips.setdefault(case.clip, {}).setdefault(name, _Clip()).add(other)
        for watch in watchers:
            watch(judged)
    by_clip = {name: clip.figures() for name, clip in clips.items()}
    motion = [row["dtssd"] for row in by_clip.values() if "dtssd" in row]
    means = mean(list(pictures.values())) | ({"dtssd": float(np.mean(motion))} if motion else {})
    figures: Figures = {"weights": matter.version, "mean": means, "pictures": pictures}
    figures["worse_than_guided"] = [n for n, row in pictures.items() if row["mse"] > row["guided_mse"]]
    if by_clip:
        figures["clips"] = by_clip
    if others:
        figures["peers"] = ratios(pictures, others)
    if others_clips:
        figures["peers"]["clips"] = {
            clip: {name: other.figures() for name, other in row.items()} for clip, row in others_clips.items()
        }
    rounded: Figures = _rounded(figures)
    return rounded


def _rounded(value: Any) -> Any:
    """Six places: finer than any two runs agree."""
    if isinstance(value, dict):
        return {name: _rounded(inner) for name, inner in value.items()}
    return round(value, 6) if isinstance(value, float) else value
