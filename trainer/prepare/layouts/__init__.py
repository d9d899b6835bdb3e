"""How training sets lie on disk. One layout to a file; the first that fits a folder is taken."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from trainer.prepare.errors import LayoutError
from trainer.prepare.layouts import composition, cutouts, human_half, triples, video_pairs
from trainer.prepare.layouts.base import FOREIGN, PICTURES, VIDEOS, Found, Layout, Lost, media
from trainer.prepare.layouts.composition import background_folders, backgrounds

__all__ = [
    "FOREIGN",
    "LAYOUTS",
    "PICTURES",
    "VIDEOS",
    "Found",
    "Layout",
    "Lost",
    "background_folders",
    "backgrounds",
    "recognise",
]

LAYOUTS = {
    module.LAYOUT.name: module.LAYOUT for module in (human_half, video_pairs, triples, composition, cutouts)
}
"""By name, the particular before the general."""

_DEPTH = 2
"""How far below its root a set may begin: Test_set/Adobe-licensed images/fg."""


def _places(layout: Layout, folder: Path, depth: int = _DEPTH) -> Iterator[Path]:
    if layout.fits(folder):
        yield folder
    elif depth:
        folders = (f for f in folder.iterdir() if f.is_dir() and not f.name.startswith("."))
        for below in sorted(f for f in folders if os.access(f, os.R_OK | os.X_OK)):
            yield from _places(layout, below, depth - 1)


def recognise(root: Path, name: str | None = None) -> tuple[Layout, list[Path]]:
    """The layout of ``root``, or the one named, and the folders in that layout: ``root`` itself or some below
    it. Raises ``LayoutError``.
    """
    for layout in LAYOUTS.values() if name is None else (LAYOUTS[name],):
        if places := list(_places(layout, root)):
            return layout, places
    if name is not None:
        raise LayoutError(f"{root}: holds no {LAYOUTS[name].needs}, as {name} does; name another --layout.")
    if foreign := media(root, FOREIGN):
        raise LayoutError(
            f"{root}: holds nothing of a kind that is read, but such as {foreign[0].name}; save them as PNG, "
            "EXR or ProRes 4444."
        )
    raise LayoutError(f"{root}: holds no pictures and no videos; name the folder that does.")
