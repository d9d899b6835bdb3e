"""A PNG says of its colours what its plate said, so that a viewer shows them alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest

from daemon.media import VideoTags
from tests.daemon.cases import SIZE, plate, trimap, write
from tests.daemon.colour_cases import exr, make, tagged
from tests.daemon.stills import picture

pytestmark = pytest.mark.usefixtures("no_config_of_this_machine")

PNGS = {name: {"format": "png"} for name in ("alpha", "foreground", "premult", "composite")}


def codes(path: Path) -> tuple[int, ...] | None:
    """Of a PNG's cICP: primaries, transfer, matrix, and whether it is of full range."""
    told = oiio.ImageInput.open(str(path)).spec().getattribute("CICP")
    return None if told is None else tuple(told)


@pytest.mark.parametrize("said", [(9, 16, 0, 1), (9, 18, 0, 1), (12, 13, 0, 1)])
def test_a_png_leaves_with_the_code_points_of_its_plate(folder: Path, said: tuple[int, ...]) -> None:
    write(folder / "shot_trimap.png", trimap())
    pixels = np.random.default_rng(2).integers(0, 65536, (*SIZE, 3)).astype(np.uint16)
    picture(folder / "shot.png", pixels, "uint16", CICP=("int[4]", said))
    result = make(folder, outputs=PNGS)
    for output in ("foreground", "premult", "composite"):
        assert codes(result / f"shot_{output}.png") == said
    assert codes(result / "shot_alpha.png") is None  # a matte has no colours


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        (VideoTags(9, 18, 9), (9, 18, 0, 1)),
        (VideoTags(12, 1, 1), (12, 1, 0, 1)),
        (VideoTags(1, 1, 1), None),
        (VideoTags(), None),
    ],
)
def test_pictures_of_a_video_say_what_its_tags_do(
    folder: Path, tags: VideoTags, said: tuple[int, ...] | None
) -> None:
    tagged(folder, tags, [plate()])
    result = make(folder, outputs=PNGS)
    assert codes(result / "foreground" / "shot_foreground.0000.png") == said


def test_light_in_a_png_is_called_light_and_another_space_by_its_own_codes(folder: Path) -> None:
    exr(folder / "shot.exr", np.random.default_rng(3).random((*SIZE, 3)))
    write(folder / "shot_trimap.png", trimap())
    own = {"format": "png", "colorspace": "Rec.2100-PQ - Display"}
    result = make(folder, outputs={**PNGS, "composite": own})
    assert codes(result / "shot_foreground.png") == (1, 8, 0, 1)
    assert codes(result / "shot_composite.png") == (9, 16, 0, 1)
