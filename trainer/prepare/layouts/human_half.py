"""Matting_Human_Half: ``clip*/`` photographs and ``matting*/`` RGBA pictures of the person in them.

As published, clip_img/1803151818/clip_00000000/x.jpg belongs to matting/1803151818/matting_00000000/x.png.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from trainer.prepare.layouts.base import PICTURES, Found, Layout, Lost, matched, media

_MASK_ABOVE = 50
"""The set's own rough mask: alpha > 50 of 255."""

_PART = re.compile(r"(?:clip|matting)\D*(\d*)", re.IGNORECASE)


def _folders(place: Path, beginning: str) -> list[Path]:
    return sorted(f for f in place.iterdir() if f.is_dir() and f.name.lower().startswith(beginning))


def _fits(place: Path) -> bool:
    return bool(_folders(place, "clip") and _folders(place, "matting"))


def _key(place: Path, path: Path) -> str:
    """The path with clip_7/ and matting_7/ both as 7/, and clip_img/ and matting/ as nothing."""
    parts = path.relative_to(place).with_suffix("").parts
    folders = [found[1] if (found := _PART.fullmatch(part)) else part for part in parts[:-1]]
    return "/".join([*filter(None, folders), parts[-1]])


def _find(place: Path) -> Iterator[Found | Lost]:
    images = [path for folder in _folders(place, "clip") for path in media(folder, PICTURES)]
    mattes = [path for folder in _folders(place, "matting") for path in media(folder, PICTURES)]
    keyed = ([(_key(place, path), path) for path in paths] for paths in (images, mattes))
    for pair in matched(dict(zip(("image", "matte"), keyed, strict=True))):
        if isinstance(pair, Lost):
            yield pair
        else:
            key, files = pair
            clip, _, stem = key.rpartition("/")
            yield Found("photo", clip or stem, files, _MASK_ABOVE)


LAYOUT = Layout("human-half", "clip*/ and matting*/ folders", _fits, _find)
