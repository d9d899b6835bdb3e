"""``dimd matte INPUT… --out DIR``: the same job without daemon, config or ledger."""

from __future__ import annotations

from pathlib import Path

import click

from daemon.cli.options import FAULTY, clip_options
from daemon.config import Format, Preset, Source


@click.command()
@clip_options
@click.option("--background", help="What the composite is laid over: media, '#rrggbb' or checker.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["auto", "png", "exr", "tiff", "prores4444", "ffv1", "movpng", "vp9"]),
    default="auto",
    help="Of all three; a video format is for video.",
)
@click.option("--device", default="auto", show_default=True)
@click.pass_context
def matte(
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
    background: str | None,
    form: Format,
    device: str,
) -> None:
    """Make alpha, foreground and composite of each INPUT: a still, a video, a folder or a pattern like
    shot.%04d.exr.
    """
    from daemon.config import SegmenterSettings, TrimapSettings
    from daemon.named import SingleError
    from daemon.single import matte_all

    try:
        failed = matte_all(
            inputs,
            out,
            derived=TrimapSettings(source=source, segmenter=SegmenterSettings(model=model, preset=preset)),
            trimap=trimap,
            mask=mask,
            clean=clean,
            background=background,
            colorspace=colorspace,
            frames=frames,
            handles=handles,
            scale=scale,
            form=form,
            device=device,
        )
    except SingleError as error:
        click.echo(str(error), err=True)
        context.exit(FAULTY)
    context.exit(1 if failed else 0)
