"""From a checkpoint to a published version: the averaged weights, the same as ONNX, and a card that proves
where they come from.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from dim_model import canary, nets, weights
from dim_model.encode import Inputs
from dim_model.matter import Matter
from dim_model.runtimes import open_runtime
from trainer import export, imagenet
from trainer.candidate import fitted
from trainer.rival import compare
from trainer.trimap_rival import compare_trimaps


class SourceError(ValueError):
    """A ``--source`` or ``--figures`` that does not say what a card needs; one sentence."""


class FamilyError(ValueError):
    """Weights of another kind than those in the folder; one sentence."""


class WorseError(RuntimeError):
    """The checkpoint is worse than the weights in use, or nobody knows; one sentence."""


@dataclass(frozen=True)
class Release:
    """What the card says and the checkpoint does not know.

    sources: NAME=LICENCE of every set it was trained on. figures: files of ``dim-train evaluate --json``.
    hours: that it was trained for.
    """

    version: str
    licence: str
    sources: Sequence[str]
    figures: Sequence[Path]
    hours: float


def _source(text: str) -> dict[str, str]:
    name, equals, licence = text.rpartition("=")
    if not (name and equals and licence):
        raise SourceError(f"--source {text}: names no licence; write it as NAME=LICENCE.")
    return {"name": name, "licence": licence}


def _figures(path: Path) -> Any:
    try:
        figures = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(figures, dict) or "mean" not in figures:
            raise ValueError("it has no mean")
    except (OSError, ValueError) as error:
        raise SourceError(
            f"{path}: is not JSON of dim-train evaluate ({error}); write it with --json."
        ) from error
    return figures


def prepared(checkpoint: Path, release: Release) -> weights.Weights:
    """The version as it would be published. Raises ``CheckpointError``, ``SourceError``."""
    if not release.sources:
        raise SourceError(
            f"{release.version}: says not what it was trained on; give every set as --source NAME=LICENCE."
        )
    sources = [_source(text) for text in release.sources]
    found = fitted(checkpoint)
    sources += [source for source in found.sources if source not in sources]
    figures = {path.stem: _figures(path) for path in release.figures}
    if found.encoder == "imagenet" and imagenet.SOURCE not in sources:
        sources.append(imagenet.SOURCE)
    if found.figures:
        figures = {"validation": {"mean": found.figures}} | figures
    card = weights.Card(
        version=release.version,
        network=found.network,
        inputs=nets.inputs_of(found.network),
        licence=release.licence,
        sources=sources,
        training={"steps": found.step, "hours": release.hours},
        figures=figures,
    )
    return weights.Weights(card, checkpoint, found.state)


def _answered(new: weights.Weights) -> weights.Card:
    """The card with the answer to the canary picture, by which a daemon knows that it computes what was
    trained; of float32 on the CPU. Raises ``WeightsError`` for weights that no daemon would take up.
    """
    if not nets.is_matting(new.card.network):
        return new.card
    tiling = nets.tiling_of(new.card.network)
    matter = Matter(new, open_runtime(new, "cpu", "torch", "float32"), tiling, 1)
    try:
        (alpha,) = matter.matte(*([each] for each in canary.picture()))
    finally:
        matter.close()
    if reason := canary.fault(alpha, {}):
        raise weights.WeightsError(f"{new.folder}: {reason}; train it anew.")
    return replace(new.card, canary=canary.answer(alpha, cast(Inputs, new.card.inputs)))


def _keep_apart(root: Path, card: weights.Card) -> None:
    """Whoever follows ``current`` wants mattes, or trimaps. Raises ``FamilyError``."""
    for version in weights.versions(root):
        try:
            other = weights.load_card(root / version).network
        except weights.WeightsError:
            continue  # nobody can follow it, so nobody is misled
        if nets.is_matting(other) != nets.is_matting(card.network):
            raise FamilyError(
                f"{root}: holds weights of {other}, and a daemon that follows its `current` could do nothing "
                f"with {card.network}; give --to a folder of its own, such as dim_model/trimap_weights."
            )


def _in_use(root: Path) -> str | None:
    """The version that ``current`` names, if anyone could follow it."""
    try:
        return weights.load_card(weights.resolve(root)).version
    except weights.WeightsError:
        return None


def publish_checkpoint(
    checkpoint: Path,
    root: Path,
    release: Release,
    *,
    validation: Path | None = None,
    even_if_worse: bool = False,
    onnx: bool | None = None,
    current: bool = True,
    say: Callable[[str], None] = print,
) -> Path:
    """Publish under ``root`` and return the new folder.

    validation: a set on which the checkpoint must not be worse than ``current``; what it reached there goes
    into the card. Without one ``current`` is not moved off weights in use, unless ``even_if_worse``. onnx:
    write VERSION.onnx beside the tensors; None does so where the exporter is installed.
    current: move the link. say: is told the figures, and what was left out. Raises ``CheckpointError``,
    ``WeightsError``, ``SourceError``, ``FamilyError``, ``PairsError``, ``WorseError``, ``ExportError``.
    """
    new = prepared(checkpoint, release)
    _keep_apart(root, new.card)
    if validation is None and current and not even_if_worse and (used := _in_use(root)):
        raise WorseError(
            f"{checkpoint}: may be worse than {used}, which is in use in {root}; give --validate SET to hold "
            "both against each other, or --even-if-worse."
        )
    card = _answered(new)
    if validation is not None:
        judge = compare if nets.is_matting(card.network) else compare_trimaps
        verdict = judge(checkpoint, root, validation)
        say(str(verdict))
        if verdict.worse and not even_if_worse:
            raise WorseError(
                f"{checkpoint}: is worse than {verdict.against} on {validation}; train on, or give "
                "--even-if-worse."
            )
        reached = {"pictures": verdict.pictures, "mean": verdict.new}
        card = replace(card, figures={validation.name: reached} | card.figures)
    if onnx is None:
        onnx = export.available()
        if not onnx:
            say("It has no ONNX file, since onnx and onnxscript are missing: pip install 'dimd[train]'.")
    beside = {f"{release.version}.onnx": export.to_onnx(new)} if onnx else {}
    folder = weights.publish(root, card, new.state, beside)
    if current:
        weights.point(root, release.version)
    return folder
