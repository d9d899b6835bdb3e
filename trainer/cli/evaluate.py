"""``dim-train evaluate``: how good weights are."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from trainer.cli.options import FOLDER, PATH


@click.command()
@click.option("--weights", type=PATH, help="A published version, e.g. dim_model/weights/current.")
@click.option("--checkpoint", type=PATH, help="A run's last.ckpt, judged without publishing it.")
@click.option("--images", type=FOLDER, required=True, help="Pictures; a sub-folder is a clip.")
@click.option("--trimaps", type=FOLDER, required=True, help="Same names as the images.")
@click.option("--alphas", type=FOLDER, required=True, help="Same names as the images.")
@click.option("--peers", is_flag=True, help="Run pymatting's closed-form and KNN on the same pictures.")
@click.option("--json", "as_json", is_flag=True, help="Figures as JSON instead of a table.")
@click.option("--out", type=PATH, help="Write each alpha here as 16-bit PNG.")
@click.option("--sheet", type=PATH, help="Write a picture sheet of the worst cases here, as PNG.")
@click.option("--worst", type=click.IntRange(1), default=8, help="Cases on the sheet.")
def evaluate(
    weights: Path | None,
    checkpoint: Path | None,
    images: Path,
    trimaps: Path,
    alphas: Path,
    peers: bool,
    as_json: bool,
    out: Path | None,
    sheet: Path | None,
    worst: int,
) -> None:
    """Judge weights on pictures with known alpha: SAD, MSE, Grad, Conn, MAD over the unknown region, and
    dtSSD for clips.
    """
    from rich.console import Console
    from rich.progress import track

    from dim_model.weights import WeightsError
    from trainer.candidate import opened_checkpoint, opened_version
    from trainer.checkpoint import CheckpointError
    from trainer.evaluate import PeersError, Watcher, Worst, estimates, judge, tables, written_to
    from trainer.pairs import PairsError, pairs

    if weights is not None and checkpoint is None:
        opening = opened_version(weights)
    elif checkpoint is not None and weights is None:
        opening = opened_checkpoint(checkpoint)
    else:
        raise click.UsageError("Name either --weights or --checkpoint.")
    if out is not None and out.resolve() in (folder.resolve() for folder in (images, trimaps, alphas)):
        raise click.UsageError(f"--out {out}: holds what is judged, and would be written over; name another.")
    kept = Worst(worst)
    watchers: list[Watcher] = []
    if out is not None:
        watchers.append(written_to(out))
    if sheet is not None:
        watchers.append(kept)
    told = Console(stderr=True)
    try:
        found = pairs(images, trimaps, alphas)
        with opening as matter:
            waiting = track(
                found, "judging", console=told, transient=True, disable=as_json or not sys.stderr.isatty()
            )
            figures = judge(matter, waiting, watchers, estimates if peers else None)
    except (PairsError, WeightsError, CheckpointError, PeersError, OSError) as error:
        raise click.ClickException(str(error)) from error
    # Rich gives a pipe 80 columns, too few for the peers.
    screen = Console() if sys.stdout.isatty() else Console(width=110)
    if as_json:
        click.echo(json.dumps(figures, indent=2))
    for table in () if as_json else tables(figures):
        screen.print(table)
    if sheet is None:
        return
    try:
        kept.save(sheet, figures["weights"])
    except OSError as error:
        raise click.ClickException(str(error)) from error
    if not as_json:
        screen.print(f"The worst are on {sheet}.", highlight=False)
