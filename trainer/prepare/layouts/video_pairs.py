"""``fgr/ pha/``: foregrounds and mattes as in VideoMatte240K, a video or a folder of frames to a clip."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from trainer.prepare.layouts.base import (
    PICTURES,
    VIDEOS,
    Found,
    Layout,
    Lost,
    clip_of,
    key_in,
    matched,
    media,
)


def _fits(place: Path) -> bool:
    return (place / "fgr").is_dir() and (place / "pha").is_dir()


def _find(place: Path) -> Iterator[Found | Lost]:
    fgr, pha = place / "fgr", place / "pha"
    for suffixes in (VIDEOS, PICTURES):
        for pair in matched(
            {
                "fg": [(key_in(fgr, path), path) for path in media(fgr, suffixes)],
                "alpha": [(key_in(pha, path), path) for path in media(pha, suffixes)],
            }
        ):
            if isinstance(pair, Lost):
                yield pair
                continue
            key, files = pair
            clip, _, _ = key.rpartition("/")
            # A video is a clip, and a folder of frames; pictures loose in fgr/ are as many foregrounds.
            yield Found("pair", key if suffixes is VIDEOS else clip or clip_of(key), files)


LAYOUT = Layout("video-pairs", "fgr/ and pha/ folders", _fits, _find)
