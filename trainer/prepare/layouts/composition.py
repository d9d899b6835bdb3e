"""Adobe Deep Image Matting, Composition-1k: ``fg/`` and ``alpha/`` to be put over backgrounds (``bg*/``,
``background*/``).

Nothing is composited here: the network's stream does it on the fly, so that no two passes see the same
picture and 43 100 files need not be written.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from trainer.prepare.layouts.base import PICTURES, Found, Layout, Lost, clip_of, key_in, matched, media


def _fits(place: Path) -> bool:
    return (place / "fg").is_dir() and (place / "alpha").is_dir() and not (place / "image").is_dir()


def backgrounds(folder: Path) -> Iterator[Found]:
    """Every picture under ``folder``, as a background."""
    for path in media(folder, PICTURES):
        yield Found("background", f"{folder.name}/{key_in(folder, path)}", {"image": path})


def background_folders(place: Path) -> list[Path]:
    """The folders beside fg/ and alpha/ that hold backgrounds."""
    return sorted(
        f for f in place.iterdir() if f.is_dir() and f.name.lower().startswith(("bg", "background"))
    )


def _find(place: Path) -> Iterator[Found | Lost]:
    fg, alpha = place / "fg", place / "alpha"
    for pair in matched(
        {
            "fg": [(key_in(fg, path), path) for path in media(fg, PICTURES)],
            "alpha": [(key_in(alpha, path), path) for path in media(alpha, PICTURES)],
        }
    ):
        if isinstance(pair, Lost):
            yield pair
        else:
            key, files = pair
            yield Found("foreground", clip_of(key), files)
    for folder in background_folders(place):
        yield from backgrounds(folder)


LAYOUT = Layout("composition", "fg/ and alpha/ folders", _fits, _find)
