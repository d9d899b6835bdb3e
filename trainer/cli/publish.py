"""``dim-train publish``: a checkpoint becomes a version."""

from __future__ import annotations

from pathlib import Path

import click

from trainer.cli.options import FOLDER, PATH


@click.command()
@click.option("--checkpoint", type=PATH, required=True, help="A run's last.ckpt.")
@click.option("--version", required=True, help="Name of the new version, e.g. swift-2026.11.1.")
@click.option(
    "--to",
    "root",
    type=PATH,
    required=True,
    help="The folder of versions, e.g. dim_model/weights; for trimap dim_model/trimap_weights.",
)
@click.option("--licence", default="Apache-2.0", help="Under which the weights are given.")
@click.option(
    "--source", "sources", multiple=True, help="NAME=LICENCE of a set it was trained on; give all of them."
)
@click.option("--figures", type=PATH, multiple=True, help="JSON of evaluate, as NAME.json.")
@click.option("--hours", type=click.FloatRange(0), required=True, help="Hours it was trained for.")
@click.option(
    "--validate",
    "validation",
    type=FOLDER,
    help="A set as synth writes it, on which it must not be worse than `current`; trimap needs no trimap/. "
    "Needed where there is a `current` to move.",
)
@click.option("--even-if-worse", is_flag=True, help="Publish it whatever --validate says, and without one.")
@click.option(
    "--onnx/--no-onnx",
    default=None,
    help="Write VERSION.onnx beside the tensors.  [default: where onnx and onnxscript are installed]",
)
@click.option(
    "--current/--no-current", default=True, help="Move `current` to it: running daemons take it up."
)
def publish(
    checkpoint: Path,
    version: str,
    root: Path,
    licence: str,
    sources: tuple[str, ...],
    figures: tuple[Path, ...],
    hours: float,
    validation: Path | None,
    even_if_worse: bool,
    onnx: bool | None,
    current: bool,
) -> None:
    """Publish a checkpoint as a version: safetensors, ONNX, and a card that says what it is and how good."""
    from dim_model.weights import WeightsError
    from trainer.checkpoint import CheckpointError
    from trainer.export import ExportError
    from trainer.pairs import PairsError
    from trainer.publish import FamilyError, Release, SourceError, WorseError, publish_checkpoint

    try:
        folder = publish_checkpoint(
            checkpoint,
            root,
            Release(version, licence, sources, figures, hours),
            validation=validation,
            even_if_worse=even_if_worse,
            onnx=onnx,
            current=current,
            say=click.echo,
        )
    except (
        CheckpointError,
        WeightsError,
        SourceError,
        FamilyError,
        PairsError,
        WorseError,
        ExportError,
    ) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(
            f"{root}: cannot be written to ({error.strerror}); make room there, or name another --to."
        ) from error
    click.echo(f"Published {folder}{'; current points at it' if current else ''}.")
