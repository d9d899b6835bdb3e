"""Pictures as a compositor expects them: exact numbers, straight alpha, the right channels, upright."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from daemon.media import Frame, MediaRef, open_source
from daemon.media.channels import pick_channels


def read(path: Path) -> Frame:
    with open_source(MediaRef("still", path), max_pixels=1_000_000) as source:
        return next(source.frames())


@pytest.mark.parametrize(("depth", "peak"), [("uint8", 255), ("uint16", 65535)])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_integer_codes_come_out_exact(
    tmp_path: Path, make_image: Any, suffix: str, depth: str, peak: int
) -> None:
    codes = (np.arange(64 * 48 * 4).reshape(48, 64, 4) * 7 % (peak + 1)).astype(np.float32)
    path = make_image(tmp_path / f"a{suffix}", codes / np.float32(peak), depth)
    np.testing.assert_array_equal(np.round(read(path).pixels * peak), codes)


def test_colour_under_transparent_alpha_is_kept(tmp_path: Path, make_image: Any) -> None:
    pixels = np.full((4, 4, 4), 0.5, np.float32)
    pixels[..., 3] = 0.0
    path = make_image(tmp_path / "a.png", pixels)
    np.testing.assert_allclose(read(path).pixels[..., :3], 0.5, atol=1e-5)


def test_premultiplied_exr_comes_out_straight_and_opaque_pixels_bit_for_bit(
    tmp_path: Path, make_image: Any
) -> None:
    pixels = np.zeros((2, 2, 4), np.float32)
    pixels[0, 0] = (0.25, 0.125, 0.5, 0.5)
    pixels[0, 1] = (0.3, 7.5, -0.25, 1.0)
    pixels[1, 0] = (0.5, 0.5, 0.5, 0.0)
    got = read(make_image(tmp_path / "a.exr", pixels, "half")).pixels
    np.testing.assert_allclose(got[0, 0], (0.5, 0.25, 1.0, 0.5))
    np.testing.assert_array_equal(got[0, 1], pixels[0, 1].astype(np.float16))
    np.testing.assert_array_equal(got[1, 0], pixels[1, 0])


def test_float_files_are_linear_and_keep_their_range(tmp_path: Path, make_image: Any) -> None:
    pixels = np.linspace(-2, 40, 48, dtype=np.float32).reshape(4, 4, 3)
    path = make_image(tmp_path / "a.tif", pixels, "float")
    with open_source(MediaRef("still", path), max_pixels=100) as source:
        assert (source.info.encoding, source.info.bits, source.info.is_float) == ("linear", 32, True)
        np.testing.assert_array_equal(next(source.frames()).pixels, pixels)


def test_integer_files_are_display_referred(tmp_path: Path, ramp: Any, make_image: Any) -> None:
    path = make_image(tmp_path / "a.dpx", ramp(3), "uint16", **{"oiio:BitsPerSample": 10})
    with open_source(MediaRef("still", path), max_pixels=10_000) as source:
        assert (source.info.encoding, source.info.bits, source.info.is_float) == ("display", 10, False)
        np.testing.assert_allclose(next(source.frames()).pixels, ramp(3), atol=1 / 1023)


def test_colour_is_found_among_a_renderers_channels(tmp_path: Path, make_image: Any) -> None:
    pixels = np.dstack([np.full((4, 4), value, np.float32) for value in (9, 3, 2, 1, 0.5, 8)])
    path = make_image(tmp_path / "a.exr", pixels, "half", names=["Z", "B", "G", "R", "A", "id.R"])
    np.testing.assert_allclose(read(path).pixels[0, 0], (2, 4, 6, 0.5))


@pytest.mark.parametrize(
    ("names", "picked"),
    [
        (("R", "G", "B"), (0, 1, 2)),
        (("A", "B", "G", "R"), (3, 2, 1, 0)),
        (("Y", "A"), (0, 1)),
        (("A",), (0,)),
        (("depth.Z",), (0,)),
        (("beauty.R", "beauty.G", "beauty.B", "beauty.A"), (0, 1, 2, 3)),
        (("spec.R", "spec.G", "spec.B", "R", "G", "B"), (3, 4, 5)),
        (("Z", "A"), (1,)),
        (("N.X", "N.Y", "N.Z"), ()),
        (("u", "v"), ()),
    ],
)
def test_channels_are_picked_by_name(names: tuple[str, ...], picked: tuple[int, ...]) -> None:
    assert pick_channels(names) == picked


def test_data_window_is_laid_into_the_display_window(tmp_path: Path, make_image: Any) -> None:
    pixels = np.ones((4, 6, 3), np.float32)
    windows = {"x": -2, "y": 3, "full_x": 0, "full_y": 0, "full_width": 10, "full_height": 8}
    got = read(make_image(tmp_path / "a.exr", pixels, "half", windows=windows)).pixels
    expected = np.zeros((8, 10, 3), np.float32)
    expected[3:7, 0:4] = 1
    np.testing.assert_array_equal(got, expected)


# The corner that is white in the stored picture lands, upright, where EXIF says it was seen.
@pytest.mark.parametrize(
    ("orientation", "corner"),
    [
        (1, (0, 0)),
        (2, (0, -1)),
        (3, (-1, -1)),
        (4, (-1, 0)),
        (5, (0, 0)),
        (6, (0, -1)),
        (7, (-1, -1)),
        (8, (-1, 0)),
    ],
)
def test_photographs_stand_upright(
    tmp_path: Path, make_image: Any, orientation: int, corner: tuple[int, int]
) -> None:
    pixels = np.zeros((4, 6, 3), np.float32)
    pixels[0, 0] = 1
    path = make_image(tmp_path / "a.tif", pixels, "uint8", Orientation=orientation)
    with open_source(MediaRef("still", path), max_pixels=100) as source:
        got = next(source.frames()).pixels
        assert (source.info.height, source.info.width) == got.shape[:2]
    assert got.shape == ((4, 6, 3) if orientation < 5 else (6, 4, 3))
    assert got[corner][0] == 1
    assert got.sum() == 3


def test_one_pixel_is_a_picture(tmp_path: Path, make_image: Any) -> None:
    pixels = np.full((1, 1, 3), 0.5, np.float32)
    assert read(make_image(tmp_path / "a.png", pixels)).pixels.shape == (1, 1, 3)


@pytest.mark.parametrize("colours", [2, 4, 16])
def test_colours_of_a_palette_are_whole_whatever_its_bits(tmp_path: Path, colours: int) -> None:
    from PIL import Image

    codes = np.random.default_rng(colours).integers(0, 256, (colours, 3)).astype(np.uint8)
    picture = Image.new("P", (colours, 1))
    picture.putpalette(codes.tobytes())
    picture.putdata(range(colours))
    bits = (colours - 1).bit_length()
    picture.save(tmp_path / "a.png", bits=bits)
    np.testing.assert_array_equal(np.rint(read(tmp_path / "a.png").pixels[0] * 255), codes)


@pytest.mark.parametrize("bits", [10, 12])
def test_code_values_between_bytes_are_their_share_of_the_largest(
    tmp_path: Path, make_image: Any, bits: int
) -> None:
    codes = np.arange(2**bits, dtype=np.uint32).reshape(32, -1, 1).repeat(3, -1)
    spread = codes << 16 - bits | codes >> 2 * bits - 16
    path = make_image(
        tmp_path / "a.dpx", (spread / 65535).astype(np.float32), "uint16", **{"oiio:BitsPerSample": bits}
    )
    np.testing.assert_allclose(read(path).pixels, codes / (2**bits - 1), atol=1e-7)


def test_an_alpha_that_is_next_to_nothing_makes_no_infinity(tmp_path: Path, make_image: Any) -> None:
    pixels = np.full((2, 2, 4), 0.5, np.float32)
    pixels[..., 3] = 1e-40
    pixels[0, 0] = 2.0**-24
    got = read(make_image(tmp_path / "a.exr", pixels, "float")).pixels
    np.testing.assert_array_equal(got[0, 0, :3], 1)
    np.testing.assert_array_equal(got[1, 1, :3], 0.5)
