"""The yardstick: what pymatting's closed-form and KNN matting make of the same pictures in the same run.

Levin, Lischinski & Weiss, "A Closed-Form Solution to Natural Image Matting" (2006); Chen, Li & Tang, "KNN
Matting" (2013). Both run as pymatting ships them.
"""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trainer.pairs import Case

Rows = Mapping[str, Mapping[str, float]]


class PeersError(RuntimeError):
    """One sentence: what hinders the comparison, how to mend it."""


def estimates(case: Case) -> dict[str, Tensor]:
    """``closed_form`` and ``knn``, each float32 [1, 1, H, W], 0..1; where nothing is unknown, the trimap.

    Raises ``PeersError``.
    """
    try:
        from pymatting import estimate_alpha_cf, estimate_alpha_knn
    except ImportError as error:
        raise PeersError("--peers: needs pymatting; run pip install 'dimd[train]'.") from error
    methods = {"closed_form": estimate_alpha_cf, "knn": estimate_alpha_knn}
    if not (case.trimap == 0.5).any():  # such as a frame without the subject, where neither has an answer
        return dict.fromkeys(methods, case.trimap)
    rgb = case.rgb[0].permute(1, 2, 0).numpy().astype(np.float64)
    trimap = case.trimap[0, 0].numpy().astype(np.float64)
    found = {}
    for name, method in methods.items():
        try:
            # It tells stdout, where --json goes, when it tries a preconditioner again.
            with redirect_stdout(io.StringIO()), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                alpha = method(rgb, trimap)
        except ValueError as error:
            reason = str(error).strip().splitlines()[0]
            raise PeersError(
                f"{case.name}: pymatting's {name} finds no alpha ({reason}); take the picture out, or judge "
                "without --peers."
            ) from error
        found[name] = torch.from_numpy(alpha.astype(np.float32))[None, None]
    return found


def ratios(ours: Rows, others: Mapping[str, Rows]) -> dict[str, Any]:
    """The network against the better of both, below 1 where the network is nearer to the truth.

    ours: figures by picture. others: figures by picture and peer. Returns ``pictures``: the peers' figures
    and ``ratio``, ours over the better peer's, a measure at a time; ``mean``: of each peer;
    ``ratio_of_means``: our mean over the lower of theirs; ``mean_ratio``: the geometric mean of the pictures'
    ratios. A ratio to nothing (a picture without unknown pixels) is left out. Where there are clips, the
    judge adds ``clips``: of each, every peer's figures, dtssd too.
    """
    first = next(iter(others.values()))
    measures = list(next(iter(first.values())))
    means = {peer: {m: _mean([row[peer][m] for row in others.values()]) for m in measures} for peer in first}
    pictures = {name: {**row, "ratio": _against(ours[name], row, measures)} for name, row in others.items()}
    our_mean = {m: _mean([ours[name][m] for name in others]) for m in measures}
    logs = {m: [math.log(p["ratio"][m]) for p in pictures.values() if m in p["ratio"]] for m in measures}
    return {
        "pictures": pictures,
        "mean": means,
        "ratio_of_means": _against(our_mean, means, measures),
        "mean_ratio": {m: math.exp(_mean(values)) for m, values in logs.items() if values},
    }


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _against(ours: Mapping[str, float], peers: Rows, measures: Sequence[str]) -> dict[str, float]:
    best = {m: min(row[m] for row in peers.values()) for m in measures}
    return {m: ours[m] / best[m] for m in measures if ours[m] > 0 and best[m] > 0}
