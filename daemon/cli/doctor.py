"""``dimd doctor``: what this machine has of what dimd can use."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from daemon.cli.options import config_option, loaded

_SIGNS = {"ok": "[green]ok   [/]", "note": "[yellow]note [/]", "fault": "[red]fault[/]"}


@click.command()
@config_option
@click.pass_context
def doctor(context: click.Context, config: Path | None) -> None:
    """Say what works here and how to mend what does not; exit code 1 if something must be mended."""
    from daemon.check import weights_root
    from daemon.doctor import examine
    from dim_model.weights import SHIPPED

    named = config or context.find_root().obj
    folders, versions = [Path.cwd()], SHIPPED
    if named is not None or Path("config.yaml").is_file():
        settings = loaded(context, config)
        folders = [settings.state, *(pair.out for pair in settings.folders)]
        versions = weights_root(settings)
    console = Console()
    faulty = False
    for finding in examine(folders, versions):
        faulty |= finding.verdict == "fault"
        mend = f"; {finding.mend}" if finding.mend else ""
        console.print(
            f"{_SIGNS[finding.verdict]} {escape(finding.what + mend)}", soft_wrap=True, highlight=False
        )
    context.exit(1 if faulty else 0)
