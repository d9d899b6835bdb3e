"""``dim-train``: draw training data, fit a network, judge it, publish its weights."""

from __future__ import annotations

import json
from pathlib import Path

import click

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_PATH = click.Path(path_type=Path)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(package_name="dimd", prog_name="dim-train")
def main() -> None:
    """Make weights for dimd, from drawn mattes over photographs."""


@main.command()
@click.option("--photos", type=_FOLDER, required=True, help="Photographs for backgrounds and texture.")
@click.option("--out", type=_PATH, required=True, help="Where image/ trimap/ alpha/ fg/ are written.")
@click.option("--count", default=100, help="How many pictures.")
@click.option("--size", default=512, help="Side of a picture in pixels.")
@click.option("--seed", default=1, help="The same seed draws the same pictures.")
def synth(photos: Path, out: Path, count: int, size: int, seed: int) -> None:
    """Draw pictures with exact alpha: a set to look at, or to judge by."""
    from trainer.drawn import write_drawn
    from trainer.synth import NoPhotosError

    try:
        write_drawn(photos, out, count, size, seed)
    except NoPhotosError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{count} pictures are in {out}/image, with trimap/, alpha/ and fg/ beside it.")


@main.command()
@click.option("--net", default="swift", help="A network of dim_model: swift or dim-vgg16.")
@click.option("--photos", type=_FOLDER, required=True, help="Photographs for backgrounds and texture.")
@click.option(
    "--run",
    "folder",
    type=_PATH,
    required=True,
    help="Checkpoints and TensorBoard events; a run there goes on.",
)
@click.option("--steps", default=20_000, help="Length of the run; the last 30 % let the learning rate fall.")
@click.option("--batch-size", default=16)
@click.option("--crop", default=256, help="Side of a training crop in pixels.")
@click.option("--rate", default=2e-3, help="AdamW's learning rate on its plateau.")
@click.option("--seed", default=1)
@click.option("--workers", default=1, help="Processes that draw scenes.")
@click.option("--precision", type=click.Choice(["bf16-mixed", "16-mixed", "32-true"]), default="bf16-mixed")
def fit(
    net: str,
    photos: Path,
    folder: Path,
    steps: int,
    batch_size: int,
    crop: int,
    rate: float,
    seed: int,
    workers: int,
    precision: str,
) -> None:
    """Train a network; watch it with `tensorboard --logdir RUN`."""
    from dim_model.nets import UnknownNetworkError
    from trainer.checkpoint import CheckpointError
    from trainer.fit import Run
    from trainer.fit import fit as train
    from trainer.synth import NoPhotosError

    run = Run(
        net,
        photos,
        folder,
        steps,
        batch=batch_size,
        crop=crop,
        rate=rate,
        seed=seed,
        workers=workers,
        precision=precision,
    )
    try:
        last = train(run)
    except (NoPhotosError, UnknownNetworkError, CheckpointError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Trained to step {steps}; the last checkpoint is {last}.")


@main.command()
@click.option("--weights", type=_FOLDER, help="A published version, e.g. dim_model/weights/current.")
@click.option("--checkpoint", type=_PATH, help="A run's last.ckpt, judged without publishing it.")
@click.option("--images", type=_FOLDER, required=True)
@click.option("--trimaps", type=_FOLDER, required=True, help="Same names as the images.")
@click.option("--alphas", type=_FOLDER, required=True, help="Same names as the images.")
@click.option("--json", "as_json", is_flag=True, help="Figures as JSON instead of a table.")
@click.option("--out", type=_PATH, help="Write each alpha here as 16-bit PNG.")
def evaluate(
    weights: Path | None,
    checkpoint: Path | None,
    images: Path,
    trimaps: Path,
    alphas: Path,
    as_json: bool,
    out: Path | None,
) -> None:
    """Judge weights on pictures with known alpha: SAD, MSE, Grad, Conn, MAD over the unknown region."""
    from dim_model.weights import WeightsError
    from trainer.checkpoint import CheckpointError
    from trainer.evaluate import judge, opened, table
    from trainer.pairs import PairsError, cases

    if (weights is None) == (checkpoint is None):
        raise click.UsageError("Name either --weights or --checkpoint.")
    try:
        with opened(weights, checkpoint) as matter:
            figures = judge(matter, cases(images, trimaps, alphas), out)
    except (PairsError, WeightsError, CheckpointError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(json.dumps(figures, indent=2) if as_json else table(figures))


@main.command()
@click.option("--checkpoint", type=_PATH, required=True, help="A run's last.ckpt.")
@click.option("--version", required=True, help="Name of the new version, e.g. swift-2026.11.1.")
@click.option(
    "--to", "root", type=_PATH, required=True, help="The folder of versions, e.g. dim_model/weights."
)
@click.option("--licence", default="Apache-2.0", help="Under which the weights are given.")
@click.option(
    "--source", "sources", multiple=True, help="NAME=LICENCE of a set it was trained on; give all of them."
)
@click.option(
    "--figures",
    type=click.Path(exists=True, path_type=Path),
    multiple=True,
    help="JSON of evaluate, as NAME.json.",
)
@click.option("--hours", type=float, required=True, help="Hours it was trained for.")
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
    current: bool,
) -> None:
    """Publish a checkpoint as a version: safetensors and a card that says what it is and how good."""
    from dim_model.weights import WeightsError
    from trainer.checkpoint import CheckpointError
    from trainer.publish import SourceError, publish_checkpoint

    try:
        folder = publish_checkpoint(
            checkpoint, root, version, licence, sources, figures, hours, current=current
        )
    except (CheckpointError, WeightsError, SourceError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Published {folder}{'; current points at it' if current else ''}.")


if __name__ == "__main__":
    main()
