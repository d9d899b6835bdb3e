"""``dimd check``: would the daemon start, and could it work?"""

from __future__ import annotations

from pathlib import Path

import click

from daemon.cli.options import FAULTY, config_option, loaded


@click.command()
@config_option
@click.pass_context
def check(context: click.Context, config: Path | None) -> None:
    """Validate config, folders, weights and device: a sentence for each fault; exit code 2 if any."""
    settings = loaded(context, config)
    from daemon.check import faults

    found = list(faults(settings))
    for fault in found:
        click.echo(fault, err=True)
    if found:
        context.exit(FAULTY)
    click.echo("All is well.")
