"""Pictures with their trimaps and true alphas, matched by name: what ``evaluate`` judges on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from dim_model import trimap as trimaps


class PairsError(ValueError):
    """One sentence: which file, what is wrong, how to mend it."""


@dataclass(frozen=True)
class Case:
    """rgb: float32 [1, 3, H, W], display-referred, 0..1, RGB order. trimap, alpha: float32 [1, 1, H, W]."""

    name: str
    rgb: Tensor
    trimap: Tensor
    alpha: Tensor


def _read(path: Path, flags: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    image = cv2.imread(str(path), flags | cv2.IMREAD_ANYDEPTH)
    if image is None:
        raise PairsError(f"{path}: cannot be read as a picture; copy it again.")
    scale = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535}.get(image.dtype, 1)
    return np.asarray(image, np.float32) / np.float32(scale)


def _by_stem(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise PairsError(f"{folder}: is not a folder; name one that holds pictures.")
    return {p.stem: p for p in sorted(folder.iterdir()) if p.is_file() and not p.name.startswith(".")}


def cases(images: Path, trimaps_folder: Path, alphas: Path) -> Iterator[Case]:
    """Every picture of ``images`` with its trimap and alpha, by name. Raises ``PairsError`` for one that
    lacks either.
    """
    trimap_of, alpha_of = _by_stem(trimaps_folder), _by_stem(alphas)
    for stem, path in _by_stem(images).items():
        for where, there in ((trimaps_folder, trimap_of), (alphas, alpha_of)):
            if stem not in there:
                raise PairsError(
                    f"{path}: has no partner named {stem!r} in {where}; add it or take the picture out."
                )
        rgb = torch.from_numpy(_read(path, cv2.IMREAD_COLOR)[..., ::-1].copy()).permute(2, 0, 1)[None]
        grey = torch.from_numpy(_read(trimap_of[stem], cv2.IMREAD_GRAYSCALE))[None, None]
        alpha = torch.from_numpy(_read(alpha_of[stem], cv2.IMREAD_GRAYSCALE))[None, None]
        for other, file in ((grey, trimap_of[stem]), (alpha, alpha_of[stem])):
            if other.shape[-2:] != rgb.shape[-2:]:
                raise PairsError(
                    f"{file}: is {other.shape[-1]}x{other.shape[-2]}, its picture "
                    f"{rgb.shape[-1]}x{rgb.shape[-2]}; give both the same size."
                )
        yield Case(stem, rgb, trimaps.from_grey(grey), alpha)
