"""``dimd status``, ``retry``, ``cancel``: the ledger beside the running daemon."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection
from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from daemon.cli.options import config_option, loaded
from daemon.cli.table import show
from daemon.job import Job
from daemon.ledger import Ledger, LedgerError, LedgerView
from daemon.one_line import on_one_line

_SHOWN = ("id", "name", "state", "frames_done", "frames_total", "fps", "attempts", "error", "result")


def _row(job: Job) -> dict[str, object]:
    return {name: getattr(job, name) for name in _SHOWN}


def _words(job: Job, watched: list[str], left: Collection[int]) -> str:
    """What a person is to know of it. left: running jobs that nobody works on."""
    if job.state == "waiting" and job.folder not in watched:
        return (
            f"its folder {job.folder} is none of this config any more; name it there again, or give the clip "
            f"up: dimd cancel {job.id}"
        )
    if job.id in left:
        return "its daemon is gone; the next that is started goes on with it"
    return (job.error if job.error and job.state != "done" else job.result) or ""


def _table(jobs: list[Job], watched: list[str], left: Collection[int]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("job", "clip", "state", "frames", "a second", ""):
        table.add_column(
            heading, overflow="fold", justify="right" if heading in ("job", "frames", "a second") else "left"
        )
    for job in jobs:
        frames = f"{job.frames_done} of {job.frames_total}" if job.frames_total else ""
        pace = f"{job.fps:.1f}" if job.fps else ""
        state = job.state.replace("_", " ")
        name, words = (escape(on_one_line(text)) for text in (job.name, _words(job, watched, left)))
        table.add_row(str(job.id), name, state, frames, pace, words)
    return table


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="For scripts: a list of jobs, newest first.")
@click.option("--all", "everything", is_flag=True, help="All jobs rather than the newest 50.")
@click.pass_context
def status(context: click.Context, config: Path | None, as_json: bool, everything: bool) -> None:
    """List jobs: state, frames done, frames a second, error or result."""
    settings = loaded(context, config)
    try:
        with LedgerView(settings.state) as ledger:
            jobs = ledger.jobs(limit=None if everything else 50)
            left = ledger.left(time.time())
    except LedgerError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps([_row(job) for job in jobs], indent=1, ensure_ascii=False))
    elif jobs:
        show(_table(jobs, settings.watched, left))
    else:
        click.echo(f"No jobs yet: drop a clip into {settings.folders[0].in_}.")


def _order(
    context: click.Context, config: Path | None, jobs: tuple[int, ...], order: Callable[[Ledger, int], Job]
) -> None:
    settings = loaded(context, config)
    failed = False
    try:
        with Ledger(settings.state, create=False) as ledger:
            for number in jobs:
                try:
                    job = order(ledger, number)
                    click.echo(f"job {job.id}: {on_one_line(job.name)} is {job.state.replace('_', ' ')}.")
                except LedgerError as error:
                    click.echo(str(error), err=True)
                    failed = True
    except LedgerError as error:
        raise click.ClickException(str(error)) from error
    context.exit(1 if failed else 0)


@click.command()
@config_option
@click.argument("jobs", nargs=-1, type=int, required=True)
@click.pass_context
def retry(context: click.Context, config: Path | None, jobs: tuple[int, ...]) -> None:
    """Try JOBS that failed, were set aside or cancelled again, going on from their last safe frame."""
    _order(context, config, jobs, Ledger.retry)


@click.command()
@config_option
@click.argument("jobs", nargs=-1, type=int, required=True)
@click.pass_context
def cancel(context: click.Context, config: Path | None, jobs: tuple[int, ...]) -> None:
    """Give JOBS up; one that is running stops within its lease."""
    _order(context, config, jobs, Ledger.cancel)
