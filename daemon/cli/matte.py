"""``dimd matte INPUT… --out DIR``: the same job without daemon, config or ledger."""

from __future__ import annotations

from pathlib import Path

import click

from daemon.asked import Asked
from daemon.cli.options import over_clips
from daemon.clip_config import Mixing
from daemon.config import Format


@click.command()
@over_clips
@click.option(
    "--background", help="What the composite is laid over: media, '#rrggbb' or checker.  [default: checker]"
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["auto", "png", "exr", "tiff", "prores4444", "ffv1", "movpng", "vp9"]),
    help="Of every output but layers; a video format is for video.  [default: as suits the clip]",
)
@click.option(
    "--mixing",
    type=click.Choice(["light", "display"]),
    help="What soft edges mix: light, for comps in linear light, or display numbers.  [default: light]",
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
def matte(
    asked: Asked,
    out: Path,
    background: str | None,
    form: Format | None,
    mixing: Mixing | None,
    device: str,
) -> int:
    """Make alpha, foreground and composite of each INPUT: a still, a video, a folder of one clip or a pattern
    like shot.%04d.exr.

    What is given here goes before the clip's own NAME.yaml.
    """
    from daemon.single import matte_all

    return matte_all(asked, out, background=background, form=form, mixing=mixing, device=device)
