"""A photograph, as large as training has a use for."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from dim_model.arrays import Bytes
from trainer.prepare.errors import UnfitError
from trainer.prepare.still import read_picture


def read_photograph(path: Path, longest: int, border: int = 0) -> Bytes | None:
    """uint8 [H, W, 3], RGB, its longer side at most ``longest`` pixels; None: the file shows no picture.

    border: pixels that are cut off at each edge beforehand, such as a scan's black frame; of a picture that
    is no larger an empty array is left.
    """
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        image = _scene_linear(path)
    if image is None:
        return None
    image = image[border : image.shape[0] - border, border : image.shape[1] - border, ::-1]
    scale = longest / max(1, *image.shape[:2])
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(image, np.uint8)


def _scene_linear(path: Path) -> Bytes | None:
    """What OpenCV does not read, EXR above all; as BGR."""
    try:
        colour, _ = read_picture(path)
    except UnfitError:
        return None
    return np.round(colour[..., ::-1] * 255).astype(np.uint8)
