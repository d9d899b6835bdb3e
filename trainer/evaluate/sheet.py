"""The worst cases as one picture, worst first: image, trimap, true alpha, prediction and error, side by side.

Each case is cut to its unknown region and a margin, since elsewhere there is nothing to see.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from dim_model.arrays import Bytes, Floats
from trainer.evaluate.judge import Judged

Picture = Bytes

COLUMNS = ("image", "trimap", "true alpha", "prediction", "error")

_CELL = 340
_GAP = 8
_MARGIN = 24
_HEADER = 112
_LABEL = 34
_AROUND = 0.05
"""Margin about the unknown region, as a share of its longer side."""

_GAIN = 2
"""The error's colour is full at 1/2: smaller ones would not be seen."""

_GROUND = (20, 22, 26)
_INK = (232, 234, 238)
_FAINT = (150, 156, 166)
_OPAQUE = (255, 132, 48)
_CLEAR = (72, 156, 255)
_UNKNOWN = 44
"""Grey of the unknown region in the error picture, where the prediction is right."""


class Worst:
    """Keeps the ``count`` cases of the highest MSE that it is shown."""

    def __init__(self, count: int) -> None:
        self.cases: list[Judged] = []
        self._count, self._seen = count, 0

    def __call__(self, judged: Judged) -> None:
        self._seen += 1
        ranked = sorted([*self.cases, judged], key=lambda j: j.figures["mse"], reverse=True)
        self.cases = ranked[: self._count]

    def save(self, path: Path, version: str) -> None:
        """Write the sheet as PNG, whatever the name of ``path``. Raises OSError, in one sentence."""
        title = f"{version}: the worst {len(self.cases)} of {self._seen} by MSE"
        picture = Image.fromarray(sheet(title, self.cases))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            picture.save(path, format="PNG")
        except OSError as error:
            raise OSError(f"{path}: cannot be written ({error.strerror}); name another --sheet.") from error


def sheet(title: str, cases: list[Judged]) -> Picture:
    """uint8 [H, W, 3]: a row to a case, in the order given."""
    rows = [_pictures(judged) for judged in cases]
    heights = [_LABEL + row[0].shape[0] + _GAP for row in rows]
    width = 2 * _MARGIN + len(COLUMNS) * (_CELL + _GAP) - _GAP
    image = Image.new("RGB", (width, _MARGIN + _HEADER + sum(heights) + _MARGIN), _GROUND)
    pen = ImageDraw.Draw(image)
    large, small = ImageFont.load_default(30), ImageFont.load_default(18)
    lefts = [_MARGIN + column * (_CELL + _GAP) for column in range(len(COLUMNS))]

    pen.text((_MARGIN, _MARGIN - 6), title, _INK, large)
    x, y = _MARGIN, _MARGIN + 38
    for text, colour in (
        ("Cut to the unknown region. Error: ", _FAINT),
        ("too opaque", _OPAQUE),
        (", ", _FAINT),
        ("too transparent", _CLEAR),
        (f"; full colour is an error of {1 / _GAIN:g} and more.", _FAINT),
    ):
        pen.text((x, y), text, colour, small)
        x += round(pen.textlength(text, small))
    for left, name in zip(lefts, COLUMNS, strict=True):
        pen.text((left, _MARGIN + _HEADER - 32), name, _INK, small)

    top = _MARGIN + _HEADER
    for rank, (judged, pictures, height) in enumerate(zip(cases, rows, heights, strict=True), 1):
        figures = judged.figures
        name = f"{rank}  {judged.case.name}   "
        pen.text((_MARGIN, top + 6), name, _INK, small)
        told = f"MSE {figures['mse']:.5f} (guided input {figures['guided_mse']:.5f})   "
        told += f"SAD {figures['sad']:.3f}   Grad {figures['grad']:.3f}   Conn {figures['conn']:.3f}"
        pen.text((_MARGIN + round(pen.textlength(name, small)), top + 6), told, _FAINT, small)
        for left, picture in zip(lefts, pictures, strict=True):
            centred = left + (_CELL - picture.shape[1]) // 2
            image.paste(Image.fromarray(picture), (centred, top + _LABEL))
        top += height
    return np.asarray(image)


def _pictures(judged: Judged) -> list[Picture]:
    case = judged.case
    rows, columns = _cut(case.trimap[0, 0])
    trimap, truth, alpha = (x[0, 0, rows, columns].numpy() for x in (case.trimap, case.alpha, judged.alpha))
    rgb = case.rgb[0, :, rows, columns].permute(1, 2, 0).numpy()
    error = np.where(trimap == 0.5, alpha - truth, 0)
    strength = np.clip(np.abs(error) * _GAIN, 0, 1)[..., None]
    hue = np.where((error > 0)[..., None], np.array(_OPAQUE, np.float32), np.array(_CLEAR, np.float32))
    ground = np.where((trimap == 0.5)[..., None], np.float32(_UNKNOWN), np.float32(0))
    greys = [np.repeat(x[..., None], 3, axis=-1) * 255 for x in (trimap, truth, alpha)]
    return [_fitted(x) for x in (rgb * 255, *greys, ground + (hue - ground) * strength)]


def _cut(trimap: Tensor) -> tuple[slice, slice]:
    """Rows and columns of the unknown region and its margin; the whole frame where nothing is unknown."""
    found = (trimap == 0.5).nonzero()
    if not len(found):
        return slice(None), slice(None)
    low, high = found.amin(0), found.amax(0) + 1
    margin = int(_AROUND * int((high - low).max())) + 1
    rows, columns = (
        slice(max(int(a) - margin, 0), min(int(b) + margin, size))
        for a, b, size in zip(low, high, trimap.shape, strict=True)
    )
    return rows, columns


def _fitted(picture: Floats) -> Picture:
    """Into a square of ``_CELL``; enlarged pixels stay pixels."""
    height, width = picture.shape[:2]
    scale = _CELL / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    return cv2.resize(np.clip(picture, 0, 255).round().astype(np.uint8), size, interpolation=way).astype(
        np.uint8
    )
