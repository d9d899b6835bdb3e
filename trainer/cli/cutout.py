"""``dim-train cutout``: outlined subjects of photographs as foregrounds."""

from __future__ import annotations

from pathlib import Path

import click

from trainer.cli.options import FOLDER, PATH

_OWN = Path(__file__).parent.parent / "outlined" / "photographs.yaml"


@click.command()
@click.option("--photos", type=FOLDER, required=True, help="Where the photographs lie, at any depth.")
@click.option("--out", type=PATH, required=True, help="Where NAME.png is written: straight colour and alpha.")
@click.option(
    "--outlines",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=_OWN,
    help="YAML: a rough outline of the subject of each photograph.  [default: those of dimd's own weights]",
    show_default=False,
)
@click.option(
    "--weights",
    type=FOLDER,
    help="The version whose mattes they are cut out by.  [default: the one that dimd ships]",
    show_default=False,
)
def cutout(photos: Path, out: Path, outlines: Path, weights: Path | None) -> None:
    """Cut outlined subjects out of photographs: foregrounds for `prepare`, with real colours and edges."""
    from dim_model.weights import SHIPPED, WeightsError, resolve
    from trainer.candidate import opened_version
    from trainer.outlined import Cutter, CutterError, OutlineError, read_outlines

    try:
        listed = read_outlines(outlines)
        with opened_version(weights or resolve(SHIPPED)) as matter:
            cutter = Cutter(photos, matter)
            for outline in listed:
                click.echo(cutter.cut(outline, out))
    except (CutterError, OutlineError, WeightsError, OSError) as error:
        raise click.ClickException(str(error)) from error
