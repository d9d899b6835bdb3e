"""Options that several commands share, and how a fault becomes an exit code."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, get_args

import click

from daemon.asked import Asked, AskedError
from daemon.config import Config, ConfigError, Preset, SegmenterSettings, Source, TrimapSettings, load
from daemon.frame_range import frame_range

F = TypeVar("F", bound=Callable[..., Any])

FAULTY = 2
"""Exit code where the config or the command is at fault, rather than a clip."""


def config_option(function: F) -> F:
    """``--config FILE``; given before or after the command's name."""
    return click.option(
        "--config",
        type=click.Path(dir_okay=False, path_type=Path),
        help="The config file.  [default: config.yaml]",
    )(function)


def _frames(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    try:
        return None if value is None else frame_range(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r}; {error}.") from error


def over_clips(function: Callable[..., int]) -> Callable[..., None]:
    """INPUT…, ``--out`` and what stands beside a clip, for a command that makes something of clips.

    function: is handed ``asked``, ``out`` and the command's own options, and returns how many clips failed.
    The command leaves with 1 where one did, with ``FAULTY`` and one sentence where it is itself at fault.
    """

    @functools.wraps(function)
    def command(
        *,
        inputs: tuple[str, ...],
        trimap: str | None,
        mask: str | None,
        clean: str | None,
        source: Source | None,
        model: Path | None,
        preset: Preset,
        colorspace: str | None,
        frames: str | None,
        handles: int | None,
        scale: float | None,
        **own: Any,
    ) -> None:
        derived = TrimapSettings(segmenter=SegmenterSettings(model=model, preset=preset))
        if source is not None:  # so that one that was not asked for is not set
            derived = TrimapSettings(source=source, segmenter=derived.segmenter)
        asked = Asked(inputs, trimap, mask, clean, derived, colorspace, frames, handles, scale)
        try:
            failed = function(asked=asked, **own)
        except AskedError as error:
            click.echo(str(error), err=True)
            raise click.exceptions.Exit(FAULTY) from error
        raise click.exceptions.Exit(1 if failed else 0)

    for option in (
        click.option(
            "--preset",
            type=click.Choice(get_args(Preset)),
            default="custom",
            show_default=True,
            help="What --model is, see docs/segmenters.md.",
        ),
        click.option(
            "--model",
            type=click.Path(dir_okay=False, path_type=Path),
            help="A network that gives a mask, .onnx or .tflite, for --source segmenter.",
        ),
        click.option(
            "--colorspace",
            help="Of the plate: a name of the config in $OCIO, else ACES.  [default: as the file says]",
        ),
        click.option(
            "--frames",
            callback=_frames,
            help="Only these, such as 1001-1100, 1001- or -1100; of a video from 0.  [default: all]",
        ),
        click.option(
            "--handles",
            type=click.IntRange(0, 1000),
            help="So many frames more on either side of --frames.",
        ),
        click.option(
            "--scale",
            type=click.FloatRange(0.1, 1.0),
            help="Of the raster, 0.1 to 1.0, for a preview.  [default: 1.0]",
        ),
        click.option("--clean", help="The same view without its subject: a still, a sequence or a video."),
        click.option("--mask", help="A rough mask, likewise."),
        click.option("--trimap", help="A painted trimap, of every frame or of a few."),
        click.option(
            "--source",
            type=click.Choice(get_args(Source)),
            help="What the trimap is derived from.  [default: the surest]",
        ),
        click.option(
            "--out",
            type=click.Path(file_okay=False, path_type=Path),
            required=True,
            help="Where the results go.",
        ),
        click.argument("inputs", nargs=-1, required=True, metavar="INPUT…"),
    ):
        option(command)
    return command


def loaded(context: click.Context, config: Path | None) -> Config:
    """The config that a command means. Leaves with ``FAULTY`` and one sentence where it is wrong."""
    path = config or (
        context.find_root().obj if isinstance(context.find_root().obj, Path) else Path("config.yaml")
    )
    try:
        return load(path)
    except ConfigError as error:
        click.echo(str(error), err=True)
        raise click.exceptions.Exit(FAULTY) from error
