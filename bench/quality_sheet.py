"""A contact sheet of one clip under one source: how a person judges what the figures say."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from bench.quality_clips import FIRST, Clip
from demo.sheet import Row, fitted, sheet
from dim_model.arrays import Bytes, Floats

_ROWS = 6
_CELL_HEIGHT = 216
_GAIN = 4
"""By how much the error is brightened."""


def write_sheet(
    folder: Path, source: str, clip: Clip, figures: str, alpha: Floats, trimap: Floats | None
) -> None:
    """Six frames as SOURCE_CLIP.png in ``folder``: alpha and trimap float32 [T, H, W], 0..1."""
    frames, height, width = alpha.shape
    cell = (round(_CELL_HEIGHT * width / height), _CELL_HEIGHT)
    rows = []
    for index in sorted({round(position) for position in np.linspace(0, frames - 1, _ROWS)}):
        error = np.clip(_GAIN * np.abs(alpha[index] - clip.truth[index]), 0, 1)
        greys = [alpha[index], clip.truth[index], error]
        pictures = [
            clip.plate[index],
            *(_shown(grey) for grey in ([] if trimap is None else [trimap[index]])),
        ]
        pictures += [_shown(grey) for grey in greys]
        rows.append(Row(f"{FIRST + index}", [fitted(picture, cell) for picture in pictures]))
    columns = ["plate", *(["trimap"] if trimap is not None else []), "alpha", "truth", f"error x {_GAIN}"]
    folder.mkdir(parents=True, exist_ok=True)
    picture = sheet(f"{source}: {clip.name}", figures, columns, rows)
    cv2.imwrite(str(folder / f"{source}_{clip.name}.png"), picture[..., ::-1])


def _shown(grey: Floats) -> Bytes:
    return np.repeat((grey * 255).round().astype(np.uint8)[..., None], 3, axis=2)
