"""``dimd``: the daemon, and the commands beside it. One command to a file."""

from __future__ import annotations

from pathlib import Path

import click

from daemon import cores, heap
from daemon.cli.check import check
from daemon.cli.doctor import doctor
from daemon.cli.jobs import cancel, retry, status
from daemon.cli.matte import matte
from daemon.cli.options import config_option
from daemon.cli.trimap import trimap
from daemon.cli.weights import weights


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@config_option
@click.option(
    "--once", is_flag=True, help="Do what is in the folders now, then leave: 0 if all came out, else 1."
)
@click.option(
    "--gpu",
    type=click.IntRange(0, 999),
    help="Work on GPU N, whatever the config's device is, with the figures at its port + N.",
)
@click.version_option(package_name="dimd", prog_name="dimd")
@click.pass_context
def main(context: click.Context, config: Path | None, once: bool, gpu: int | None) -> None:
    """Watch folders; a still, an image sequence or a video that lands there leaves as a matte.

    Without a command it serves until SIGTERM or SIGINT; a second signal leaves at once. SIGHUP reads the
    config again.
    """
    heap.keep()
    cores.share()
    if context.invoked_subcommand is not None:
        context.obj = config
        return
    from daemon.cli.serve import serve  # torch takes a second to import, so only where it is used

    context.exit(serve(config or Path("config.yaml"), once=once, gpu=gpu))


for command in (check, status, retry, cancel, matte, trimap, weights, doctor):
    main.add_command(command)
