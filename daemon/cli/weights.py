"""``dimd weights list``, ``use``, ``rollback``: which network the daemon's next clip gets."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click
from rich.markup import escape
from rich.table import Table

from daemon.cli.options import config_option, loaded
from daemon.cli.table import show

T = TypeVar("T")


@click.group()
def weights() -> None:
    """List the versions of weights, and say which the next clip gets."""


def _root(context: click.Context, config: Path | None) -> Path:
    from daemon.check import weights_root  # torch takes a second to import, so only where it is used

    return weights_root(loaded(context, config))


def _told(root: Path, do: Callable[[], T]) -> T:
    """What ``do`` gives; its faults in one sentence."""
    from dim_model.weights import WeightsError

    try:
        return do()
    except WeightsError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(
            f"{root}: cannot be changed ({error.strerror}); give this user write access to it, or keep "
            "versions in a folder of your own (weights: in the config)."
        ) from error


@weights.command("list")
@config_option
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@click.pass_context
def list_(context: click.Context, config: Path | None, as_json: bool) -> None:
    """List versions: which is current, which was before, and what is wrong with one."""
    from dim_model import canary
    from dim_model import weights as stored

    root = _root(context, config)

    def named(link: str) -> str | None:
        try:
            return stored.resolve(root, link).name
        except stored.WeightsError:
            return None

    current, previous = named(stored.CURRENT), named(stored.PREVIOUS)
    rows = []
    for version in stored.versions(root):
        network, answer, fault = None, False, None
        try:
            card = stored.load(root / version).card
            network, answer = card.network, canary.is_known(card.canary)
        except stored.WeightsError as error:
            fault = str(error)
        role = "current" if version == current else "previous" if version == previous else None
        rows.append({"version": version, "role": role, "network": network, "canary": answer, "fault": fault})
    if as_json:
        click.echo(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("version", "", "network", "canary", ""):
        table.add_column(heading, overflow="fold")
    for row in rows:
        known = "" if row["fault"] else "answer known" if row["canary"] else "no answer"
        cells = (row["version"], row["role"], row["network"], known, row["fault"])
        table.add_row(*(escape(str(cell or "")) for cell in cells))
    show(table)


@weights.command()
@config_option
@click.argument("version")
@click.pass_context
def use(context: click.Context, config: Path | None, version: str) -> None:
    """Move `current` to VERSION, once its files are verified; a running daemon tries it and takes it up."""
    from dim_model import weights as stored

    root = _root(context, config)

    def move() -> str:
        folder = stored.resolve(root, version)
        stored.load(folder).network()
        stored.point(root, folder.name)
        return folder.name

    named = _told(root, move)
    click.echo(f"current is {named} now; a running daemon tries it and takes it up for its next clip.")


@weights.command()
@config_option
@click.pass_context
def rollback(context: click.Context, config: Path | None) -> None:
    """Move `current` back to what it named before; once more, and it is as it was."""
    from dim_model import weights as stored

    root = _root(context, config)

    def move() -> str:
        if not os.path.lexists(root / stored.PREVIOUS):
            raise stored.WeightsError(
                f"{root}: there is nothing to go back to: no other version has been current yet."
            )
        version = stored.resolve(root, stored.PREVIOUS).name
        stored.load(root / version).network()
        stored.point(root, version)
        return version

    version = _told(root, move)
    click.echo(f"current is {version} again; a running daemon tries it and takes it up for its next clip.")
