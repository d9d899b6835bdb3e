"""Video to float: the right matrix, range, bit depth, alpha and chroma site, to the last code."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from daemon.media import MediaRef, open_source, ycbcr
from daemon.media.planes import layout_of

MANY = 1_000_000

# The red of 75 % bars in limited range, 8 bits: published for BT.601 and BT.709, BT.2020 by its matrix.
RED_75 = {6: (65, 100, 212), 1: (51, 109, 212), 9: (58, 105, 212)}


def flat(*codes: int) -> Any:
    return lambda index, plane, shape: np.full(shape, codes[plane])


def first(ref: MediaRef) -> np.ndarray:
    with open_source(ref, max_pixels=MANY) as source:
        return next(source.frames()).pixels


@pytest.mark.parametrize("matrix", RED_75)
def test_matrix_follows_the_tag(tmp_path: Path, make_video: Any, matrix: int) -> None:
    ref = make_video(
        tmp_path / "a.mov", "prores_ks", "yuv444p10le", count=1, colorspace=matrix, color_range=1,
        fill=flat(*(code * 4 for code in RED_75[matrix])), options={"profile": "4444"},
    )  # fmt: skip
    np.testing.assert_allclose(first(ref)[24, 32], (0.75, 0, 0), atol=0.01)


@pytest.mark.parametrize(("size", "matrix"), [((64, 48), 6), ((1280, 16), 1)])
def test_untagged_video_is_601_below_hd_and_709_from_there(
    tmp_path: Path, make_video: Any, size: tuple[int, int], matrix: int
) -> None:
    ref = make_video(tmp_path / "a.mkv", "ffv1", "yuv444p", count=1, size=size, fill=flat(*RED_75[matrix]))
    np.testing.assert_allclose(first(ref)[8, 8], (0.75, 0, 0), atol=0.01)


@pytest.mark.parametrize(
    ("pixel_format", "colour_range", "black", "white"),
    [
        ("yuv444p", 1, 16, 235),
        ("yuv444p", 2, 0, 255),
        ("yuv444p10le", 1, 64, 940),
        ("yuv444p12le", 1, 256, 3760),
        ("yuv444p10le", 2, 0, 1023),
        ("yuv420p16le", 1, 4096, 60160),
    ],
)
def test_black_and_white_are_nought_and_one(
    tmp_path: Path, make_video: Any, pixel_format: str, colour_range: int, black: int, white: int
) -> None:
    bits = ycbcr_bits(pixel_format)
    for code, expected in ((black, 0.0), (white, 1.0)):
        ref = make_video(
            tmp_path / f"{code}.mkv", "ffv1", pixel_format, count=1, color_range=colour_range,
            fill=flat(code, 2 ** (bits - 1), 2 ** (bits - 1)),
        )  # fmt: skip
        np.testing.assert_allclose(first(ref), expected, atol=1e-5)


def ycbcr_bits(pixel_format: str) -> int:
    layout = layout_of(pixel_format)
    assert layout is not None
    return layout.bits


def test_super_whites_are_kept(tmp_path: Path, make_video: Any) -> None:
    ref = make_video(tmp_path / "a.mkv", "ffv1", "yuv444p", count=1, color_range=1, fill=flat(254, 128, 128))
    np.testing.assert_allclose(first(ref), (254 - 16) / 219, atol=1e-5)


def test_codes_survive_the_way_to_rgb_and_back() -> None:
    codes = np.stack(np.meshgrid(*[np.arange(64, 941, 73)] * 3), -1).reshape(-1, 3).astype(np.float64)
    for matrix in (1, 6, 7, 9):
        for full in (False, True):
            there, back = ycbcr.to_rgb(matrix, full, 10), ycbcr.from_rgb(matrix, full, 10)
            rgb = codes @ there[:, :3].T + there[:, 3]
            np.testing.assert_allclose(rgb @ back[:, :3].T + back[:, 3], codes, atol=1e-3)


@pytest.mark.parametrize(
    ("codec", "container", "pixel_format", "codes", "expected"),
    [
        ("ffv1", "mkv", "gray16le", (32896,), (32896 / 65535,)),
        ("ffv1", "mkv", "gray", (128,), (128 / 255,)),
        ("ffv1", "mkv", "gray10le", (512,), (512 / 1023,)),
        ("ffv1", "mkv", "gbrp10le", (100, 200, 300), (300 / 1023, 100 / 1023, 200 / 1023)),
        ("ffv1", "mkv", "gbrap16le", (1, 2, 3, 65535), (3 / 65535, 1 / 65535, 2 / 65535, 1)),
        ("ffv1", "mkv", "yuva444p", (235, 128, 128, 51), (1, 1, 1, 0.2)),
    ],
)
def test_grey_rgb_and_alpha_are_exact(
    tmp_path: Path, make_video: Any, codec: str, container: str, pixel_format: str, codes: Any, expected: Any
) -> None:
    ref = make_video(tmp_path / f"a.{container}", codec, pixel_format, count=1, fill=flat(*codes))
    np.testing.assert_allclose(first(ref)[24, 32], expected, atol=2e-6)


@pytest.mark.parametrize(
    ("codec", "pixel_format", "expected"),
    [
        ("png", "rgb24", (0.2, 0.4, 0.6)),
        ("png", "rgba", (0.2, 0.4, 0.6, 0.8)),
        ("png", "ya8", (0.2, 0.2, 0.2, 0.4)),
        ("qtrle", "argb", (0.4, 0.6, 0.8, 0.2)),
        ("rawvideo", "rgb24", (0.2, 0.4, 0.6)),
    ],
)
def test_packed_formats_are_spread_in_their_own_order(
    tmp_path: Path, make_video: Any, codec: str, pixel_format: str, expected: tuple[float, ...]
) -> None:
    samples = {"rgb24": 3, "ya8": 2}.get(pixel_format, 4)

    def fill(index: int, plane: int, shape: tuple[int, int]) -> np.ndarray:
        return np.resize(np.array([51, 102, 153, 204][:samples]), (shape[0], shape[1]))

    ref = make_video(tmp_path / "a.mov", codec, pixel_format, count=1, fill=fill, packed=samples)
    np.testing.assert_allclose(first(ref)[24, 32], expected, atol=1e-6)


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p"])
def test_chroma_is_sited_on_the_left_column(tmp_path: Path, make_video: Any, pixel_format: str) -> None:
    """A chroma ramp that is a line in luma columns when its samples stand at columns 0, 2, 4 …"""

    def fill(index: int, plane: int, shape: tuple[int, int]) -> np.ndarray:
        if plane == 0:
            return np.full(shape, 128)
        return np.broadcast_to(np.arange(shape[1]) * 2 + 96, shape)

    ref = make_video(tmp_path / "a.mkv", "ffv1", pixel_format, count=1, color_range=2, fill=fill)
    red = first(ref)[24, :60, 0]
    np.testing.assert_allclose(red, 128 / 255 + (np.arange(60) + 96 - 128) / 255 * 1.402, atol=1e-4)


@pytest.mark.parametrize("size", [(63, 47), (65, 33), (2, 2)])
def test_odd_rasters_decode(tmp_path: Path, make_video: Any, size: tuple[int, int]) -> None:
    ref = make_video(tmp_path / "a.mkv", "ffv1", "yuv420p", count=1, size=size, fill=flat(128, 128, 128))
    pixels = first(ref)
    assert pixels.shape == (size[1], size[0], 3)
    np.testing.assert_allclose(pixels, (128 - 16) / 219, atol=1e-5)


def test_alpha_of_vp8_and_vp9_is_not_dropped(tmp_path: Path, make_video: Any) -> None:
    def fill(index: int, plane: int, shape: tuple[int, int]) -> np.ndarray:
        if plane != 3:
            return np.full(shape, 128)
        return np.broadcast_to(np.where(np.arange(shape[1]) < shape[1] // 2, 0, 255), shape)

    for codec in ("libvpx", "libvpx-vp9"):
        ref = make_video(
            tmp_path / f"{codec}.webm", codec, "yuva420p", count=2, fill=fill,
            rate=Fraction(25), time_base=Fraction(1, 1000), stream_metadata={"alpha_mode": "1"},
            options={"auto-alt-ref": "0"},
        )  # fmt: skip
        alpha = first(ref)[..., 3]
        np.testing.assert_allclose(alpha[:, :24], 0, atol=0.02)
        np.testing.assert_allclose(alpha[:, 40:], 1, atol=0.02)


def test_unknown_layouts_are_named_as_such() -> None:
    for pixel_format in ("xyz12le", "gbrpf32le", "bayer_rggb8", "grayf32le"):
        assert layout_of(pixel_format) is None
