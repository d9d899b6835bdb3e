"""Pictures with their trimaps and true alphas, matched by name: what weights are judged on.

A sub-folder of the images is a clip, its pictures the frames in the order of their numbers; its trimaps and
alphas lie in sub-folders of the same name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from dim_model import trimap as trimaps
from dim_model.arrays import Floats
from trainer.prepare.errors import UnfitError
from trainer.prepare.layouts import FOREIGN, PICTURES
from trainer.prepare.still import read_matte, read_picture


class PairsError(ValueError):
    """One sentence: which file, what is wrong, how to mend it."""


@dataclass(frozen=True)
class Case:
    """rgb: float32 [1, 3, H, W], display-referred, 0..1, RGB order. trimap, alpha: float32 [1, 1, H, W].
    clip: the clip it is a frame of, "" for a still.
    """

    name: str
    clip: str
    rgb: Tensor
    trimap: Tensor
    alpha: Tensor


@dataclass(frozen=True)
class Pair:
    """The three files of a case, not yet read. name: unique in the set, ``CLIP/FRAME`` for a frame."""

    name: str
    clip: str
    image: Path
    trimap: Path
    alpha: Path

    def read(self) -> Case:
        """Raises ``PairsError`` for a file that is no picture, or of another size than its image."""
        rgb = torch.from_numpy(_picture(self.image).copy()).permute(2, 0, 1)[None]
        grey, alpha = (torch.from_numpy(_matte(path))[None, None] for path in (self.trimap, self.alpha))
        for other, path in ((grey, self.trimap), (alpha, self.alpha)):
            if other.shape[-2:] != rgb.shape[-2:]:
                raise PairsError(
                    f"{path}: is {other.shape[-1]}x{other.shape[-2]}, its picture "
                    f"{rgb.shape[-1]}x{rgb.shape[-2]}; give both the same size."
                )
        return Case(self.name, self.clip, rgb, trimaps.from_grey(grey), alpha)


def _picture(path: Path) -> Floats:
    try:
        return read_picture(path)[0]
    except UnfitError as error:
        raise _unreadable(error) from error


def _matte(path: Path) -> Floats:
    try:
        return read_matte(path)
    except UnfitError as error:
        raise _unreadable(error) from error


def _unreadable(error: UnfitError) -> PairsError:
    return PairsError(f"{error.path}: {error.reason}; copy it again, or take it out.")


def _numbered(path: Path) -> list[tuple[bool, int, str]]:
    """Sorts frame 9 before frame 10."""
    parts = re.findall(r"\d+|\D+", path.name)
    return [(part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts]


def _by_stem(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise PairsError(f"{folder}: is not a folder; name one that holds pictures.")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir(), key=_numbered):
        kind = path.suffix.lower()
        if path.is_file() and kind in PICTURES | FOREIGN and not path.name.startswith("."):
            if path.stem in found:
                raise PairsError(f"{path}: has a twin, {found[path.stem].name}; keep one of the two.")
            found[path.stem] = path
    return found


def _folders(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))


def _matched(images: Path, trimaps_folder: Path, alphas: Path, clip: str) -> list[Pair]:
    pictures = _by_stem(images)
    if not pictures:
        return []
    partners = [(folder, _by_stem(folder)) for folder in (trimaps_folder, alphas)]
    for stem, path in pictures.items():
        for folder, there in partners:
            if stem not in there:
                raise PairsError(
                    f"{path}: has no partner named {stem!r} in {folder}; add it or take the picture out."
                )
    (_, trimap_of), (_, alpha_of) = partners
    prefix = f"{clip}/" if clip else ""
    return [Pair(prefix + s, clip, path, trimap_of[s], alpha_of[s]) for s, path in pictures.items()]


def pairs(images: Path, trimaps_folder: Path, alphas: Path) -> list[Pair]:
    """Every picture of ``images`` with its trimap and alpha, stills first, then the clips, frame by frame.

    Notes beside them are passed by. Raises ``PairsError`` for one that lacks either, before any is read, and
    for a folder without pictures.
    """
    found = _matched(images, trimaps_folder, alphas, "")
    for folder in _folders(images):
        for deeper in _folders(folder):
            raise PairsError(
                f"{deeper}: lies within the clip {folder.name}, whose frames lie in one folder; name "
                f"{folder} as the images, or move it."
            )
        clip = folder.name
        found += _matched(folder, trimaps_folder / clip, alphas / clip, clip)
    if not found:
        raise PairsError(f"{images}: holds no picture; name a folder of pictures, or of clips.")
    return found
