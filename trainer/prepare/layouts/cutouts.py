"""A folder of pictures and videos with an alpha of their own, however deep."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from trainer.prepare.layouts.base import PICTURES, VIDEOS, Found, Layout, Lost, clip_of, key_in, media


def _fits(place: Path) -> bool:
    return bool(media(place, PICTURES | VIDEOS))


def _find(place: Path) -> Iterator[Found | Lost]:
    for path in media(place, PICTURES | VIDEOS):
        key = key_in(place, path)
        if path.suffix.lower() in VIDEOS:
            yield Found("video", key, {"rgba": path})
        else:
            yield Found("cutout", clip_of(key), {"rgba": path})


LAYOUT = Layout("cutouts", "picture or video that could have alpha", _fits, _find)
