"""``dim-train``: draw training data, fit a network, judge it, publish its weights. One command to a file."""

from __future__ import annotations

import click

from trainer.cli.cutout import cutout
from trainer.cli.evaluate import evaluate
from trainer.cli.fit import fit
from trainer.cli.prepare import prepare
from trainer.cli.publish import publish
from trainer.cli.render import render
from trainer.cli.synth import synth


@click.group(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(package_name="dimd", prog_name="dim-train")
def main() -> None:
    """Make weights for dimd, from drawn mattes over photographs."""


for command in (prepare, render, cutout, synth, fit, evaluate, publish):
    main.add_command(command)
