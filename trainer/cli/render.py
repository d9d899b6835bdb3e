"""``dim-train render``: hair, fur, feathers and plants with exact alpha, by Blender."""

from __future__ import annotations

import signal
from pathlib import Path

import click

from trainer.cli.options import COUNT, PATH, SEED


@click.command()
@click.option("--out", type=PATH, required=True, help="Where stills/, clips/ and renders.jsonl are written.")
@click.option("--count", type=click.IntRange(0), default=600, help="How many stills.")
@click.option(
    "--clips", type=click.IntRange(0), default=0, help="How many moving clips, each a folder of frames."
)
@click.option("--frames", type=COUNT, default=24, help="Frames of a clip, at 24 a second.")
@click.option("--size", type=COUNT, default=512, help="Side of a picture in pixels.")
@click.option("--samples", type=COUNT, default=64, help="Steps of alpha; twice as many where there is blur.")
@click.option("--seed", type=SEED, default=1, help="Picture n depends on the seed and n alone.")
@click.option("--workers", type=COUNT, default=1, help="Blenders at work, one core each.")
@click.option("--blender", type=PATH, help="Blender's executable.  [default: the one on PATH]")
@click.option(
    "--limit",
    type=click.FloatRange(0, min_open=True),
    default=600.0,
    help="Seconds until a render counts as hung.",
)
@click.option("--tries", type=COUNT, default=2, help="Tries of a render that fails before it is skipped.")
def render(
    out: Path,
    count: int,
    clips: int,
    frames: int,
    size: int,
    samples: int,
    seed: int,
    workers: int,
    blender: Path | None,
    limit: float,
    tries: int,
) -> None:
    """Render foregrounds as EXR: RGBA half, premultiplied, scene-linear. Goes on where it was stopped."""
    from trainer.render import Farm, NoBlenderError, find_blender, jobs

    try:
        executable = find_blender(blender)
    except NoBlenderError as error:
        raise click.ClickException(str(error)) from error
    farm = Farm(out, executable, size, samples, workers, limit, tries)
    told: list[int] = []

    def leave(number: int, frame: object) -> None:
        told.append(number)
        farm.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    try:
        done, skipped = farm.run(jobs(seed, count, clips, frames))
    except OSError as error:
        raise click.ClickException(
            f"{out}: cannot be written ({error}); check the folder and the disk."
        ) from error
    click.echo(
        f"Rendered {done} into {out}" + (f"; {skipped} failed, see failures.jsonl." if skipped else ".")
    )
    if told:
        raise SystemExit(128 + told[0])
    if skipped:
        raise SystemExit(1)
