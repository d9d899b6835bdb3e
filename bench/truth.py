"""The mean square error of the mattes, so that no speed is bought with it: of the nine photographs of
alphamatting.com where they are at hand, and of drawn mattes otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch

from bench.footage import Raster, frame
from daemon.engine import Matting
from dim_model.arrays import Floats

_SMALL = Raster(270, 480)


class Case(NamedTuple):
    """rgb: float32 [H, W, 3], 0..1; trimap, alpha: float32 [H, W]."""

    rgb: Floats
    trimap: Floats
    alpha: Floats


def photographs(folder: Path) -> Iterator[Case]:
    """Those of ``folder``, alphamatting.com's, with their tight trimaps."""
    for path in sorted((folder / "gt_training_lowres").glob("*.png")):
        rgb = cv2.imread(str(folder / "input_training_lowres" / path.name))
        trimap = cv2.imread(str(folder / "trimap_training_lowres/Trimap1" / path.name), cv2.IMREAD_GRAYSCALE)
        alpha = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        if rgb is None or trimap is None or alpha is None:
            raise OSError(f"{path}: has no picture or no trimap that can be read; bring both.")
        known = np.where(trimap == 255, 1.0, np.where(trimap == 0, 0.0, 0.5)).astype(np.float32)
        full = np.float32(255)
        yield Case(rgb[..., ::-1].astype(np.float32) / full, known, alpha.astype(np.float32) / full)


def drawn(count: int = 3, raster: Raster = _SMALL) -> Iterator[Case]:
    """Soft-edged rings over a photograph, with the noise of a camera."""
    for n in range(count):
        rng = np.random.default_rng(n)
        photograph, trimap = frame(0.1 + 0.05 * n, raster)
        behind = photograph.permute(1, 2, 0).numpy()
        known = trimap[0].numpy()
        soft = cv2.GaussianBlur((known > 0.4).astype(np.float32), (0, 0), 3.0)
        alpha = np.where(known == 0.5, soft, known).astype(np.float32)
        front = np.array([0.9, 0.2, 0.1], np.float32)
        rgb = alpha[..., None] * front + (1 - alpha[..., None]) * behind
        rgb = np.clip(rgb + rng.normal(0, 0.01, rgb.shape), 0, 1)
        yield Case(np.asarray(rgb, np.float32), trimap[0].numpy(), alpha)


def measure(matter: Matting, data: Path) -> dict[str, Any]:
    """Mean square error over the unknown region, the mean of all pictures."""
    folder = data / "alphamatting9"
    cases, name = (photographs(folder), "photographs") if folder.is_dir() else (drawn(), "drawn mattes")
    errors = []
    for case in cases:
        rgb = torch.from_numpy(np.ascontiguousarray(case.rgb.transpose(2, 0, 1)))
        alpha = matter.matte([rgb], [torch.from_numpy(case.trimap)[None]], [None])[0][0].numpy()
        unknown = case.trimap == 0.5
        errors.append(float(np.mean((alpha - case.alpha)[unknown] ** 2)))
    return {"of": f"{len(errors)} {name}", "MSE": float(np.mean(errors))}
