"""Tables on standard output: for a person before a terminal, or for a program behind a pipe."""

from __future__ import annotations

import sys

import click
from rich.console import Console
from rich.table import Table

_LONGEST = 100_000
"""Columns of a pipe, which has none of its own."""


def show(table: Table) -> None:
    """On a terminal as wide as that is. Elsewhere a row is one line, so that grep finds a whole sentence."""
    if sys.stdout.isatty():
        Console().print(table)
        return
    console = Console(width=_LONGEST)
    with console.capture() as made:
        console.print(table)
    for line in made.get().splitlines():
        click.echo(line.rstrip())  # of the blanks that make its last column as wide as the longest
