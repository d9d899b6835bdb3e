"""``dim-train synth``: drawn pictures as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from trainer.cli.options import COUNT, FOLDER, PATH, SEED

if TYPE_CHECKING:
    from trainer.prepare import Split


@click.command()
@click.option("--photos", type=FOLDER, required=True, help="Photographs for backgrounds and texture.")
@click.option("--out", type=PATH, required=True, help="Where image/ trimap/ alpha/ fg/ are written.")
@click.option("--count", type=COUNT, default=100, help="How many pictures.")
@click.option("--size", type=click.IntRange(64), default=512, help="Side of a picture in pixels.")
@click.option("--frames", type=COUNT, default=1, help="More than one: moving clips, a sub-folder each.")
@click.option(
    "--index",
    "indexes",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="Foregrounds that dim-train prepare indexed, instead of drawn ones; may be given again.",
)
@click.option(
    "--split",
    type=click.Choice(["train", "valid", "test"]),
    default="test",
    help="Which part of every --index; fit trains on train alone.",
)
@click.option("--seed", type=SEED, default=1, help="The same seed draws the same pictures.")
def synth(
    photos: Path,
    out: Path,
    count: int,
    size: int,
    frames: int,
    indexes: tuple[Path, ...],
    split: Split,
    seed: int,
) -> None:
    """Draw pictures or moving clips with exact alpha: a set to look at, or to judge by."""
    from trainer.drawn import OtherSetError, write_drawn
    from trainer.prepare import PrepareError
    from trainer.synth import NoPhotosError

    try:
        write_drawn(photos, out, count, size, seed, frames, indexes=indexes, split=split)
    except (NoPhotosError, PrepareError, OtherSetError, OSError) as error:
        raise click.ClickException(str(error)) from error
    what = "pictures" if frames == 1 else f"clips of {frames} frames"
    click.echo(f"{count} {what} are in {out}/image, with trimap/, alpha/ and fg/ beside it.")
