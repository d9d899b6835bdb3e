"""``dimd trimap INPUT… --out DIR``: the trimaps alone, to look at or to paint over."""

from __future__ import annotations

from pathlib import Path

import click

from daemon.cli.options import FAULTY, clip_options
from daemon.config import Preset, Source


@click.command()
@clip_options
@click.pass_context
def trimap(
    context: click.Context,
    inputs: tuple[str, ...],
    out: Path,
    source: Source,
    trimap: str | None,
    mask: str | None,
    clean: str | None,
    model: Path | None,
    preset: Preset,
    colorspace: str,
    frames: str | None,
    handles: int,
    scale: float,
) -> None:
    """Write the trimap of every frame of each INPUT into DIR/NAME_trimap, as black, grey and white pictures.

    Paint over those that are wrong and put them beside the clip as NAME_trimap/: they win over whatever is
    derived, and the frames that are not there are derived as before.
    """
    from daemon.config import SegmenterSettings, TrimapSettings
    from daemon.named import SingleError
    from daemon.trimaps_alone import trimap_all

    try:
        settings = TrimapSettings(source=source, segmenter=SegmenterSettings(model=model, preset=preset))
        failed = trimap_all(
            inputs,
            out,
            settings,
            trimap=trimap,
            mask=mask,
            clean=clean,
            colorspace=colorspace,
            frames=frames,
            handles=handles,
            scale=scale,
        )
    except SingleError as error:
        click.echo(str(error), err=True)
        context.exit(FAULTY)
    context.exit(1 if failed else 0)
