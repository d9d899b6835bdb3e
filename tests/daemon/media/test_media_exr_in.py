"""What renderers write: parts, tiles, overscan, deep samples, and numbers that are none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio
import pytest

from daemon.media import MediaError, MediaRef, open_source

HEIGHT, WIDTH = 12, 16


def read(path: Path) -> np.ndarray:
    with open_source(MediaRef("still", path), max_pixels=10**6) as source:
        return next(source.frames()).pixels


def layered(path: Path, names: list[list[str]], windows: dict[str, int] | None = None, tile: int = 0) -> Path:
    """An EXR of parts, each with channels that hold their own position among all."""
    specs, count = [], 0
    for part, channels in enumerate(names):
        spec = oiio.ImageSpec(WIDTH, HEIGHT, len(channels), "half")
        spec.channelnames = tuple(channels)
        spec.attribute("oiio:subimagename", f"part{part}")
        spec.attribute("note", f"of part {part}")
        for name, value in (windows or {}).items():
            setattr(spec, name, value)
        if tile:
            spec.tile_width = spec.tile_height = tile
        specs.append(spec)
    file = oiio.ImageOutput.create(str(path))
    assert file.open(str(path), tuple(specs) if len(specs) > 1 else specs[0]), file.geterror()
    for part, spec in enumerate(specs):
        if part:
            assert file.open(str(path), spec, "AppendSubimage"), file.geterror()
        values = np.arange(count, count + spec.nchannels, dtype=np.float32)
        count += spec.nchannels
        assert file.write_image(np.broadcast_to(values, (spec.height, spec.width, spec.nchannels)).copy())
    assert file.close()
    return path


def test_the_first_part_with_colour_is_read_with_its_own_header(tmp_path: Path) -> None:
    names = [["depth.Z", "depth.A0"], ["R", "G", "B"], ["spec.R", "spec.G", "spec.B"]]
    path = layered(tmp_path / "a.exr", names)
    with open_source(MediaRef("still", path), max_pixels=10**6) as source:
        frame = next(source.frames())
    np.testing.assert_array_equal(frame.pixels[3, 4], (2, 3, 4))
    assert frame.tags is not None
    assert [value for name, _, value in frame.tags.attributes if name == "note"] == ["of part 1"]


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        ([["Z"], ["R", "G", "B"]], (1, 2, 3)),
        ([["A"], ["Y"], ["beauty.R", "beauty.G", "beauty.B"]], (2, 3, 4)),
        ([["Z"], ["A"]], (1,)),
        ([["Z"], ["id"]], (0,)),
        ([["albedo.R", "albedo.G", "albedo.B"], ["R", "G", "B", "A"]], (3 / 6, 4 / 6, 5 / 6, 6)),
        ([["albedo.R", "albedo.G", "albedo.B"], ["beauty.R", "beauty.G", "beauty.B"]], (3, 4, 5)),
        ([["AO.R", "AO.G", "AO.B", "V.Combined.R", "V.Combined.G", "V.Combined.B"]], (3, 4, 5)),
        ([["AO.R", "AO.G", "AO.B", "spec.R", "spec.G", "spec.B"]], (0, 1, 2)),
    ],
)
def test_what_stands_before_the_picture_is_not_taken_for_it(
    tmp_path: Path, names: list[list[str]], wanted: tuple[float, ...]
) -> None:
    pixels = read(layered(tmp_path / "a.exr", names))
    np.testing.assert_allclose(pixels[3, 4], wanted, rtol=1e-6)


def test_parts_that_are_tiled_and_smaller_than_the_frame_are_laid_where_they_belong(tmp_path: Path) -> None:
    windows = {"x": 4, "y": 6, "full_width": WIDTH + 8, "full_height": HEIGHT + 10}
    names = [["depth.Z", "depth.A0"], ["R", "G", "B", "A"]]
    path = layered(tmp_path / "a.exr", names, windows, tile=8)
    file = oiio.ImageInput.open(str(path))
    assert [file.spec(part).tile_width for part in (0, 1)] == [8, 8]
    pixels = read(path)
    wanted = np.zeros((HEIGHT + 10, WIDTH + 8, 4), np.float32)
    wanted[6 : 6 + HEIGHT, 4 : 4 + WIDTH] = (2 / 5, 3 / 5, 4 / 5, 5)
    np.testing.assert_allclose(pixels, wanted, rtol=1e-6)


def test_a_tiled_exr_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.exr"
    spec = oiio.ImageSpec(WIDTH + 3, HEIGHT + 5, 3, "half")
    spec.tile_width = spec.tile_height = 8
    pixels = np.random.default_rng(4).random((HEIGHT + 5, WIDTH + 3, 3)).astype(np.float16)
    file = oiio.ImageOutput.create(str(path))
    assert file.open(str(path), spec)
    assert file.write_image(pixels)
    assert file.close()
    np.testing.assert_array_equal(read(path), pixels)


@pytest.mark.parametrize("in_parts", [False, True])
def test_a_second_view_is_told_to_be_left_out(tmp_path: Path, in_parts: bool) -> None:
    path, specs = tmp_path / "a.exr", []
    for view in ("left", "right") if in_parts else ("",):
        names = ("R", "G", "B") if in_parts else ("R", "G", "B", "right.R", "right.G", "right.B")
        spec = oiio.ImageSpec(WIDTH, HEIGHT, len(names), "half")
        spec.channelnames = names
        if in_parts:
            spec.attribute("oiio:subimagename", f"rgba.{view}")
            spec.attribute("view", view)
        else:
            spec.attribute("multiView", oiio.TypeDesc("string[2]"), ("left", "right"))
        specs.append(spec)
    file = oiio.ImageOutput.create(str(path))
    assert file.open(str(path), tuple(specs) if in_parts else specs[0]), file.geterror()
    for part, spec in enumerate(specs):
        assert not part or file.open(str(path), spec, "AppendSubimage"), file.geterror()
        assert file.write_image(np.full((HEIGHT, WIDTH, spec.nchannels), part, np.float32))
    assert file.close()
    assert read(path).max() == 0
    with open_source(MediaRef("still", path), max_pixels=10**6) as source:
        assert source.info.remarks == ("a.exr: has the views left, right; left is taken, and no other.",)


@pytest.mark.parametrize("tile", [0, 8])
def test_overscan_is_cut_to_the_display_window_and_told_and_no_pixel_moves(tmp_path: Path, tile: int) -> None:
    path = tmp_path / "a.exr"
    spec = oiio.ImageSpec(WIDTH + 7, HEIGHT + 5, 3, "half")
    spec.x, spec.y = -4, 97
    spec.full_x, spec.full_y, spec.full_width, spec.full_height = 0, 100, WIDTH, HEIGHT
    spec.tile_width = spec.tile_height = tile
    pixels = np.random.default_rng(5).random((HEIGHT + 5, WIDTH + 7, 3)).astype(np.float16)
    file = oiio.ImageOutput.create(str(path))
    assert file.open(str(path), spec)
    assert file.write_image(pixels)
    assert file.close()
    np.testing.assert_array_equal(read(path), pixels[3 : 3 + HEIGHT, 4 : 4 + WIDTH])
    with open_source(MediaRef("still", path), max_pixels=10**6) as source:
        (said,) = source.info.remarks
    assert "reaches beyond its display window (left 4, top 3, right 3, bottom 2 pixels); what" in said


def test_a_deep_image_is_refused_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.exr"
    spec = oiio.ImageSpec(WIDTH, HEIGHT, 5, "half")
    spec.channelnames = ("R", "G", "B", "A", "Z")
    spec.deep = True
    data = oiio.DeepData()
    data.init(spec)
    file = oiio.ImageOutput.create(str(path))
    assert file.open(str(path), spec), file.geterror()
    assert file.write_deep_image(data), file.geterror()
    assert file.close()
    with pytest.raises(MediaError, match=r"^a\.exr: is a deep image; flatten it first\.$"):
        read(path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("depth", ["half", "float"])
def test_what_is_no_number_is_filled_from_around_and_counted(
    tmp_path: Path, make_image: Any, value: float, depth: str
) -> None:
    pixels = np.full((HEIGHT, WIDTH, 4), 0.5, np.float32)
    pixels[..., 3] = 1
    spoilt = pixels.copy()
    spoilt[3, 4, 1] = spoilt[0, 0, 3] = spoilt[7, 7] = value
    path = make_image(tmp_path / "a.exr", spoilt, depth)
    with open_source(MediaRef("still", path), max_pixels=10**6) as source:
        frame = next(source.frames())
    assert frame.mended == 3
    np.testing.assert_array_equal(frame.pixels, pixels)


def test_a_sun_that_overflowed_stays_bright_and_an_empty_picture_black(
    tmp_path: Path, make_image: Any
) -> None:
    sun = np.full((30, 30, 3), np.inf, np.float32)
    sun[:2] = 1
    hole = np.full((30, 30, 3), np.nan, np.float32)
    assert read(make_image(tmp_path / "sun.exr", sun, "float"))[20, 15, 0] == 65504
    assert read(make_image(tmp_path / "hole.exr", hole, "float")).max() == 0
