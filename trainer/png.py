"""Pictures of 0..1 as PNG files of 16 bits: to be looked at, and to be read again without loss."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np

from dim_model.arrays import Floats

_BGR = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}
"""OpenCV's order of a picture's channels, by their number."""


def write_png(path: Path, picture: Floats) -> None:
    """picture: float32 [H, W], or [H, W, C] of RGB or straight RGBA; what is beyond 0..1 is clipped.

    Makes the folder. The file is there whole or not at all. Raises OSError, in one sentence.
    """
    pixels = picture[..., None] if picture.ndim == 2 else picture
    bits = np.round(pixels[..., _BGR[pixels.shape[2]]].clip(0, 1) * 65535).astype(np.uint16)
    _, data = cv2.imencode(".png", bits)
    draft = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(data.tobytes())
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise OSError(
            f"{path}: could not be written ({error.strerror}); check the folder and the disk."
        ) from error
