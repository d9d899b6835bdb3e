"""Options that several commands share, and how a fault becomes an exit code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from daemon.config import Config, ConfigError, load

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
