"""What several commands ask for."""

from __future__ import annotations

from pathlib import Path

import click

COUNT = click.IntRange(1)
SEED = click.IntRange(0, 2**32 - 1)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
PATH = click.Path(path_type=Path)
