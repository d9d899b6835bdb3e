"""Real photographs as backgrounds and as texture: what no generator invents."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from dim_model.arrays import Bytes, Floats
from trainer.photograph import read_photograph
from trainer.synth.foreground import Rng

_LONGEST = 1600
"""Longest side in pixels of a photograph held in memory: 5 MB as 8 bits."""

_KEPT = 512 << 20
"""Bytes of photographs held by one worker: a hundred; of a folder of thousands, those used last."""

_LEAST = 8
"""Pixels: of less a crop shows nothing."""

_SUFFIXES = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp"}


class NoPhotosError(ValueError):
    """A folder without a usable photograph."""


class Photos:
    """Random crops of all photographs under ``folder``, read when used and kept as memory allows, which has
    no say in what is given.
    """

    def __init__(self, folder: Path, more: Sequence[Callable[[], Path]] = ()) -> None:
        """more: of photographs elsewhere, asked when one is to be read."""
        self.files = sorted(
            path
            for path in folder.rglob("*")
            # macOS lays a hidden ._NAME.jpg beside each NAME.jpg that it copies.
            if path.suffix.lower() in _SUFFIXES
            and not any(part.startswith(".") for part in path.relative_to(folder).parts)
            and not path.is_dir()
        )
        if not self.files:
            raise NoPhotosError(f"{folder}: holds no photograph; give a folder with .jpg or .png files.")
        self._more = more
        self._kept: OrderedDict[int, Bytes] = OrderedDict()
        self._bytes = 0

    def _photo(self, number: int) -> Bytes:
        if number not in self._kept:
            here = len(self.files)
            image = _read(self.files[number] if number < here else self._more[number - here]())
            self._kept[number] = image
            self._bytes += image.nbytes
            while self._bytes > _KEPT and len(self._kept) > 1:
                self._bytes -= self._kept.popitem(last=False)[1].nbytes
        self._kept.move_to_end(number)
        return self._kept[number]

    def crop(self, rng: Rng, size: int) -> Floats:
        """float32 [size, size, 3], RGB, display-referred, 0..1: a random window, mirrored and regraded at
        random.
        """
        image = self._photo(int(rng.integers(len(self.files) + len(self._more))))
        height, width = image.shape[:2]
        side = int(min(rng.uniform(0.35, 1.3) * size, height - 1, width - 1))
        y, x = int(rng.integers(height - side)), int(rng.integers(width - side))
        method = cv2.INTER_LINEAR if side < size else cv2.INTER_AREA
        window = cv2.resize(image[y : y + side, x : x + side], (size, size), interpolation=method)
        crop = window.astype(np.float32) / 255
        if rng.random() < 0.5:
            crop = crop[:, ::-1]
        if rng.random() < 0.7:
            crop = crop * rng.uniform(0.7, 1.3, 3).astype(np.float32) + np.float32(rng.uniform(-0.1, 0.1))
            mean = crop.mean()
            crop = (crop - mean) * np.float32(rng.uniform(0.6, 1.4)) + mean
        return np.ascontiguousarray(np.clip(crop, 0, 1))


def _read(file: Path) -> Bytes:
    image = read_photograph(file, _LONGEST)
    if image is None:
        raise NoPhotosError(f"{file}: cannot be read as a photograph; remove it from the folder.")
    if min(image.shape[:2]) < _LEAST:
        raise NoPhotosError(
            f"{file}: is less than {_LEAST} pixels wide or high once its longer side is at most {_LONGEST}; "
            "remove it from the folder."
        )
    return image
