"""``dim-train prepare``: an index of a training set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trainer.cli.options import FOLDER, PATH

if TYPE_CHECKING:
    from trainer.prepare import Skipped

_SHARE = click.FloatRange(0, 1)


def _tell(skipped: Iterable[Skipped]) -> None:
    for line in skipped:
        click.echo(f"skipped  {line.skipped}: {line.reason}")


@click.command()
@click.argument("root", type=FOLDER)
@click.option("--out", type=PATH, help="The index; index.jsonl in ROOT if not given.", show_default=False)
@click.option(
    "--layout",
    type=click.Choice(["human-half", "video-pairs", "triples", "composition", "cutouts"]),
    help="How the set lies on disk, where it does not show: clip*/ and matting*/; fgr/ and pha/; image/ and "
    "alpha/; fg/ and alpha/; pictures and videos with alpha.",
)
@click.option(
    "--backgrounds",
    "elsewhere",
    type=FOLDER,
    multiple=True,
    help="Backgrounds for training, beside bg*/ and background*/ of a composition set; may be given again.",
)
@click.option("--seed", default=1, help="Of the split; the same seed divides alike.")
@click.option("--valid", type=_SHARE, default=0.05, help="Share of clips and foregrounds to validate on.")
@click.option("--test", type=_SHARE, default=0.05, help="Share of clips and foregrounds to test on.")
@click.option(
    "--premultiplied",
    is_flag=True,
    help="Colours of PNG, WebP and video were multiplied by alpha; EXR and TIFF say so themselves.",
)
def prepare(
    root: Path,
    out: Path | None,
    layout: str | None,
    elsewhere: tuple[Path, ...],
    seed: int,
    valid: float,
    test: float,
    premultiplied: bool,
) -> None:
    """Index the training set in ROOT: what belongs together, its size, hash and split.

    Every file that is skipped is named with its reason. Run again, it looks only into what is new or changed.
    """
    from rich.console import Console

    from trainer.prepare import NAME, NothingToTrainOnError, PrepareError, Shares
    from trainer.prepare import prepare as index

    if valid + test > 1:
        raise click.UsageError("--valid and --test take more than all of it; give shares that add up to 1.")
    try:
        report = index(
            root,
            out or root / NAME,
            layout=layout,
            elsewhere=elsewhere,
            shares=Shares(seed, valid, test),
            premultiplied=premultiplied,
            console=Console(stderr=True),
        )
    except PrepareError as error:
        if isinstance(error, NothingToTrainOnError):
            _tell(error.skipped)
        raise click.ClickException(str(error)) from error
    done = report.index
    _tell(done.skipped)
    for path in report.gone:
        click.echo(f"gone     {path}")
    for path in report.left_out:
        click.echo(f"left out {path}: is not of this set any more")
    for (kind, split), count in sorted(done.counts().items()):
        click.echo(f"{count:7d}  {kind}, {split}")
    for fault, count in sorted(Counter(line.fault for line in done.skipped).items()):
        click.echo(f"{count:7d}  skipped: {fault}")
    click.echo(
        f"{done.path} lists {len(done.entries)} of layout {done.header.layout}; {report.examined} examined, "
        f"{report.kept} known, {len(done.skipped)} skipped, {len(report.gone)} files gone."
    )
