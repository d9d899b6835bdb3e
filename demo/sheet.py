"""A sheet of pictures in rows and columns, with a title, as an image: how a person judges a matte."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from dim_model.arrays import Bytes

Picture = Bytes

_GAP = 10
_MARGIN = 28
_HEADER = 96
_LABEL = 30
_GROUND = (20, 22, 26)
_INK = (232, 234, 238)
_FAINT = (150, 156, 166)


@dataclass(frozen=True)
class Row:
    """label: written over the first picture. pictures: uint8 [H, W, 3], one to a column."""

    label: str
    pictures: Sequence[Picture]


def fitted(picture: Picture, size: tuple[int, int]) -> Picture:
    """The whole picture at `size` (width, height)."""
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.uint8)


def sheet(title: str, figures: str, columns: Sequence[str], rows: Sequence[Row]) -> Picture:
    """All pictures, of one size, below their columns' names: uint8 [H, W, 3]."""
    height, width = rows[0].pictures[0].shape[:2]
    full = (
        2 * _MARGIN + len(columns) * (width + _GAP) - _GAP,
        _MARGIN + _HEADER + _LABEL + len(rows) * (height + _GAP) - _GAP + _MARGIN,
    )
    image = Image.new("RGB", full, _GROUND)
    pen = ImageDraw.Draw(image)
    large, small = ImageFont.load_default(34), ImageFont.load_default(20)
    pen.text((_MARGIN, _MARGIN - 6), title, _INK, large)
    pen.text((_MARGIN, _MARGIN + 44), figures, _FAINT, small)
    for column, name in enumerate(columns):
        pen.text((_MARGIN + column * (width + _GAP), _MARGIN + _HEADER - 4), name, _INK, small)
    for line, row in enumerate(rows):
        top = _MARGIN + _HEADER + _LABEL + line * (height + _GAP)
        for column, picture in enumerate(row.pictures):
            image.paste(Image.fromarray(picture), (_MARGIN + column * (width + _GAP), top))
        box = pen.textbbox((_MARGIN + 10, top + 8), row.label, small)
        pen.rectangle((box[0] - 6, box[1] - 4, box[2] + 6, box[3] + 4), _GROUND)
        pen.text((_MARGIN + 10, top + 8), row.label, _INK, small)
    return np.asarray(image)
