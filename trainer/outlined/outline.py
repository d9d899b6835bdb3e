"""A subject outlined by hand in a photograph, coarsely: a dozen corners, in percent of width and height."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dim_model.arrays import Mask

_Percent = Annotated[float, Field(ge=-1000, le=1000, allow_inf_nan=False)]

Polygon = Annotated[list[tuple[_Percent, _Percent]], Field(min_length=3)]
"""Corners, x and y in percent of the picture; beyond 0 and 100 they lie outside of it."""


class OutlineError(ValueError):
    """A list of outlines that cannot be used."""


class Outline(BaseModel):
    """around: polygons that hold the whole subject. within: such as hold nothing else; may be empty. band:
    pixels of doubt inside and outside of the edge that is found, where the longer side has 1100. plain: of an
    even ground, the distance of colour from it (CIE L*a*b*) from which on a pixel is the subject's. border:
    pixels that are cut off on each side, as of a scanned slide's mount.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    photo: str
    around: Annotated[list[Polygon], Field(min_length=1)]
    within: list[Polygon] = []
    band: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] = (4, 4)
    plain: Annotated[float, Field(gt=0)] | None = None
    border: Annotated[int, Field(ge=0)] = 0

    @property
    def name(self) -> str:
        """Of the file that it is cut out into."""
        return f"{Path(self.photo).stem}.png"

    def masks(self, height: int, width: int) -> tuple[Mask, Mask]:
        """``around`` and ``within`` as bool [H, W]."""
        around, within = (self._filled(polygons, height, width) for polygons in (self.around, self.within))
        return around, within

    def _filled(self, polygons: list[Polygon], height: int, width: int) -> Mask:
        filled = np.zeros((height, width), np.uint8)
        for polygon in polygons:
            corners = np.round(np.asarray(polygon) / 100 * (width, height)).astype(np.int32)
            cv2.fillPoly(filled, [corners], 1)
        return filled.astype(bool)


def read_outlines(path: Path) -> list[Outline]:
    """The outlines in a YAML file, a list of them. Raises ``OutlineError``."""
    try:
        listed = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())  # YAML's says where, over several lines
        raise OutlineError(f"{path}: is no list of outlines ({reason}); see docs/training.md.") from error
    if not isinstance(listed, list) or not listed:
        raise OutlineError(f"{path}: lists no outlines; see docs/training.md.")
    outlines: list[Outline] = []
    numbers: dict[str, int] = {}
    for number, entry in enumerate(listed, 1):
        try:
            outlines.append(Outline.model_validate(entry))
        except ValidationError as error:
            fault = error.errors()[0]
            where = ".".join(map(str, fault["loc"])) or "it"
            raise OutlineError(f"{path}: outline {number}: {where}: {fault['msg']}; mend that.") from error
        name = outlines[-1].name
        if (first := numbers.setdefault(name, number)) != number:
            raise OutlineError(
                f"{path}: outlines {first} and {number} would both be cut out as {name}; take one "
                "of them into another file, and give that an --out of its own."
            )
    return outlines
