"""``dim-train``: draw training data, fit a network, judge it, publish its weights. One command to a file."""

from __future__ import annotations

from typing import Any

import click

from trainer.cli.cutout import cutout
from trainer.cli.evaluate import evaluate
from trainer.cli.fit import fit
from trainer.cli.prepare import prepare
from trainer.cli.publish import publish
from trainer.cli.render import render
from trainer.cli.synth import synth


class _Commands(click.Group):
    """Its commands want packages that a daemon does without."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            if str(error.name).partition(".")[0] in ("trainer", "dim_model"):
                raise
            # Lightning sets no name where it misses a package; of its own only TensorBoard is used.
            name = error.name or ("tensorboard" if "tensorboard" in str(error) else "a package")
            raise click.ClickException(
                f"Training needs {name}, which is not installed; install dimd with its extra train: "
                "make install EXTRAS=train, or pip install '.[train]'."
            ) from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(package_name="dimd", prog_name="dim-train")
def main() -> None:
    """Make weights for dimd, from drawn mattes over photographs."""


for command in (prepare, render, cutout, synth, fit, evaluate, publish):
    main.add_command(command)
