"""What the bench mattes: a photograph that pans, and a ring of unknown that covers a given share."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from skimage import data as photographs
from torch import Tensor

from daemon.media import ClipInfo, Frame, VideoTags, open_sink
from dim_model.arrays import Bytes, Floats


class Raster(NamedTuple):
    """Pixels."""

    height: int
    width: int


HD = Raster(1080, 1920)
UHD = Raster(2160, 3840)


def trimap_of(share: float, raster: Raster = HD, whole: float | None = None) -> Floats:
    """A wobbly ring of unknown that covers ``share`` of the frame, float32 [H, W]; with 0 all is known.

    whole: a part of the ring that covers this share, and is as wide as that; None: the ring is whole.
    """
    height, width = raster
    y, x = np.mgrid[:height, :width].astype(np.float32)
    y, x = y - 0.52 * height, x - width / 2
    around = np.arctan2(y, x)
    distance = np.hypot(y, x) - height * (0.305 + 0.037 * np.sin(9 * around))
    known = np.asarray(distance < 0, np.float32)
    if not share:
        return known
    unknown = np.abs(distance) <= np.quantile(np.abs(distance), whole or share)
    if whole:
        unknown &= around <= np.quantile(around[unknown], share / whole)
    return np.where(unknown, np.float32(0.5), known)


def _photograph(raster: Raster, more: int = 0) -> Bytes:
    size = (raster.width + more, raster.height)
    return np.asarray(cv2.resize(photographs.coffee(), size, interpolation=cv2.INTER_CUBIC), np.uint8)


def frame(share: float, raster: Raster = HD, whole: float | None = None) -> tuple[Tensor, Tensor]:
    """rgb: float32 [3, H, W], display-referred, in memory pixel by pixel, as the daemon lays a view; trimap:
    float32 [1, H, W]. See ``trimap_of``.
    """
    rgb = torch.from_numpy(_photograph(raster).astype(np.float32) / 255).permute(2, 0, 1)
    return rgb, torch.from_numpy(trimap_of(share, raster, whole))[None]


def clip(folder: Path, frames: int, share: float, raster: Raster = HD) -> Path:
    """``folder``, made, with shot.mov, ProRes 4444, and shot_trimap.png."""
    folder.mkdir()
    photograph = _photograph(raster, 8 * frames)
    _trimap(folder / "shot_trimap.png", share, raster)
    info = ClipInfo(
        "video", raster.width, raster.height, 3, tuple(range(frames)), (), "display", 8, False,
        Fraction(24), Fraction(1, 24), tuple(range(frames)), VideoTags(),
    )  # fmt: skip
    with open_sink("prores4444", folder, "shot", info, channels=3) as sink:
        for n in range(frames):
            pixels = photograph[:, 8 * n : 8 * n + raster.width].astype(np.float32) / np.float32(255)
            sink.write(Frame(n, pixels, n))
        sink.commit()
        sink.finish()
    return folder


def stills(folder: Path, count: int, share: float, raster: Raster = HD) -> Path:
    """``folder``, made, with so many PNGs and their trimaps."""
    folder.mkdir()
    photograph = _photograph(raster, 8 * count)
    for n in range(count):
        # Letters: numbered, they would be frames of one sequence.
        name = f"still-{chr(ord('a') + n)}"
        cv2.imwrite(str(folder / f"{name}.png"), photograph[:, 8 * n : 8 * n + raster.width])
        _trimap(folder / f"{name}_trimap.png", share, raster)
    return folder


def _trimap(path: Path, share: float, raster: Raster) -> None:
    cv2.imwrite(str(path), np.round(trimap_of(share, raster) * 255).astype(np.uint8))
