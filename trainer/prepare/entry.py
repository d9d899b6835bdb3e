"""One line of an index: something to train on, or a file that was skipped and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Split = Literal["train", "valid", "test"]

Kind = Literal["photo", "foreground", "background", "cutout", "triple", "pair", "video"]

Role = Literal["image", "matte", "alpha", "fg", "trimap", "rgba"]

Fault = Literal[
    "unpaired",
    "not of the layout",
    "other kind",
    "same name",
    "unreadable",
    "no alpha",
    "other size",
    "other length",
    "opaque alpha",
    "empty alpha",
]
"""What a skipped file is counted under."""


@dataclass(frozen=True)
class File:
    """path: relative to the index's root, with forward slashes. bytes, mtime_ns: as they were when it was
    hashed.
    """

    path: str
    bytes: int
    mtime_ns: int
    sha256: str


@dataclass(frozen=True)
class Entry:
    """Files that belong together, and what is known of them without opening them again.

    name: the relative path of the first file, unique in an index. group: the clip or foreground it belongs
    to; a group lies in one split. width, height: pixels. frames: 1 unless the files are videos.

    kind, and the roles in ``files``:
      photo       image, matte (RGBA whose fourth channel is alpha)
      foreground  fg, alpha; to be put over ``composites`` backgrounds, on the fly
      background  image
      cutout      rgba
      triple      image, alpha, and where they exist trimap and fg
      pair        fg, alpha: two videos, or one frame of two frame folders
      video       rgba

    premultiplied: the colours of rgba were multiplied by alpha, and the format does not say so itself, as EXR
    and TIFF do. mask_above: the set's rough mask is alpha > mask_above, of 255; it is kept as this number
    rather than as a file, since it costs one comparison.
    """

    name: str
    kind: Kind
    split: Split
    group: str
    width: int
    height: int
    frames: int
    files: dict[Role, File]
    premultiplied: bool = False
    composites: int | None = None
    mask_above: int | None = None


@dataclass(frozen=True)
class Skipped:
    """A file that is not trained on. files: what was examined to find that out, so that it is not examined
    again; empty where nothing needed to be opened.
    """

    skipped: str
    fault: Fault
    reason: str
    files: dict[Role, File] = field(default_factory=dict)
