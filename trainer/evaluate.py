"""How good weights are, on pictures whose alpha is known."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dim_model import metrics, nets, weights
from dim_model.encode import GUIDED, encode
from dim_model.matter import Matter
from trainer.checkpoint import read
from trainer.pairs import Case

Figures = dict[str, Any]

MEASURES = {
    "sad": metrics.sad,
    "mse": metrics.mse,
    "grad": metrics.grad,
    "conn": metrics.conn,
    "mad": metrics.mad,
}


@contextmanager
def opened(version: Path | None, checkpoint: Path | None) -> Iterator[Matter]:
    """A ``Matter`` on the CPU in float32: of a version, or of a checkpoint as if it were published."""
    with tempfile.TemporaryDirectory(prefix="dim-train-") as scratch:
        if checkpoint is not None:
            found = read(checkpoint)
            inputs = nets.inputs_of(found.network)
            card = weights.Card("checkpoint", found.network, inputs, "unpublished", [], {"steps": found.step})
            version = weights.publish(Path(scratch), card, found.state)
        assert version is not None
        matter = Matter.open(version, device="cpu", precision="float32")
        try:
            yield matter
        finally:
            matter.close()


def _measure(case: Case, alpha: Any) -> dict[str, float]:
    return {name: round(float(f(alpha, case.alpha, case.trimap)), 6) for name, f in MEASURES.items()}


def judge(matter: Matter, cases: Iterable[Case], out: Path | None = None) -> Figures:
    """Figures of each case and their means: the network's, and for comparison those of its own guided input.

    Alphas are written under ``out``, where that is given, as 16-bit PNG.
    """
    pictures: dict[str, dict[str, Any]] = {}
    for case in cases:
        alpha = matter.matte([case.rgb[0]], [case.trimap[0]])[0][None]
        guided = encode(case.rgb, case.trimap)[:, GUIDED]
        pictures[case.name] = _measure(case, alpha) | {"guided_mse": _measure(case, guided)["mse"]}
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(
                str(out / f"{case.name}.png"), np.round(alpha[0, 0].numpy() * 65535).astype(np.uint16)
            )
    names = [*MEASURES, "guided_mse"]
    mean = {n: round(float(np.mean([p[n] for p in pictures.values()])), 6) for n in names} if pictures else {}
    return {"weights": matter.version, "mean": mean, "pictures": pictures}


def table(figures: Figures) -> str:
    """The figures as text, a picture a line, the mean last."""
    names = list(figures["mean"])
    lines = [f"{'picture':24s}" + "".join(f"{n:>12s}" for n in names)]
    for name, row in [*figures["pictures"].items(), ("mean", figures["mean"])]:
        lines.append(f"{name[:24]:24s}" + "".join(f"{row[n]:12.4f}" for n in names))
    return "\n".join(lines)
