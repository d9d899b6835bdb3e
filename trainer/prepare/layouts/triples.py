"""``image/ alpha/ [trimap/] [fg/]``: pictures with their true alpha, as ``dim-train synth`` writes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from trainer.prepare.entry import Role
from trainer.prepare.layouts.base import PICTURES, Found, Layout, Lost, clip_of, key_in, matched, media

_ROLES: tuple[Role, ...] = ("image", "alpha", "trimap", "fg")


def _fits(place: Path) -> bool:
    return (place / "image").is_dir() and (place / "alpha").is_dir()


def _find(place: Path) -> Iterator[Found | Lost]:
    keyed: dict[Role, list[tuple[str, Path]]] = {
        role: [(key_in(place / role, path), path) for path in media(place / role, PICTURES)]
        for role in _ROLES
        if (place / role).is_dir()
    }
    for pair in matched(keyed, optional=frozenset({"trimap", "fg"})):
        if isinstance(pair, Lost):
            yield pair
        else:
            key, files = pair
            yield Found("triple", clip_of(key), files)


LAYOUT = Layout("triples", "image/ and alpha/ folders", _fits, _find)
