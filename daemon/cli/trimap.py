"""``dimd trimap INPUT… --out DIR``: the trimaps alone, to look at or to paint over."""

from __future__ import annotations

from pathlib import Path

import click

from daemon.asked import Asked
from daemon.cli.options import over_clips


@click.command()
@over_clips
def trimap(asked: Asked, out: Path) -> int:
    """Write the trimap of every frame of each INPUT into DIR/NAME_trimap, as black, grey and white pictures.

    Paint over those that are wrong and put them beside the clip as NAME_trimap/: they win over whatever is
    derived, and the frames that are not there are derived as before.

    What is given here goes before the clip's own NAME.yaml.
    """
    from daemon.trimaps_alone import trimap_all

    return trimap_all(asked, out)
