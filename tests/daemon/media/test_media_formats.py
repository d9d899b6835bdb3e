"""Every picture format that goes out, read back by programs that are not ours: to the last code value."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest

from daemon.media import ClipInfo, Frame, MediaRef, Storage, open_sink, open_source

HEIGHT, WIDTH = 12, 16


def info(channels: int, *, is_float: bool) -> ClipInfo:
    encoding = "linear" if is_float else "display"
    return ClipInfo("still", WIDTH, HEIGHT, channels, (0,), (), encoding, 16, is_float)


def written(
    folder: Path, format: str, pixels: np.ndarray, *, is_float: bool = False, **storage: object
) -> Path:
    like = info(pixels.shape[2], is_float=is_float)
    how = Storage(**storage)  # type: ignore[arg-type]
    folder.mkdir(exist_ok=True)
    with open_sink(format, folder, "made", like, channels=pixels.shape[2], storage=how) as sink:
        sink.write(Frame(0, pixels))
        sink.finish()
    (path,) = folder.iterdir()
    return path


def read(path: Path) -> np.ndarray:
    with open_source(MediaRef("still", path), max_pixels=10**6) as source:
        return next(source.frames()).pixels


def need(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed (apt install openimageio-tools openexr ffmpeg)")


def dumped(path: Path) -> np.ndarray:
    """The numbers of a file as Debian's oiiotool prints them: [H, W, C], floats or code values."""
    need("oiiotool")
    done = subprocess.run(
        ["oiiotool", "--iconfig", "oiio:UnassociatedAlpha", "1", "--dumpdata", path],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = re.findall(r"Pixel \(\d+, \d+\):((?: [-+.\deinfa]+)+)", done.stdout)
    assert len(rows) == HEIGHT * WIDTH
    return np.array([row.split() for row in rows], np.float32).reshape(HEIGHT, WIDTH, -1)


def noise(channels: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).random((HEIGHT, WIDTH, channels)).astype(np.float32)


def scene(channels: int) -> np.ndarray:
    """Scene-linear: below 0, far above 1, and alpha, where there is one, 0, 1 and all between."""
    pixels = noise(channels) * 60 - 5
    if channels in (1, 4):
        pixels[..., -1] = np.linspace(0, 1, HEIGHT * WIDTH, dtype=np.float32).reshape(HEIGHT, WIDTH)
    return pixels


def header(path: Path) -> oiio.ImageSpec:
    return oiio.ImageInput.open(str(path)).spec()


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("bits", [16, 32])
def test_an_exr_holds_every_number_rounded_to_its_depth_alone(
    tmp_path: Path, bits: int, channels: int
) -> None:
    """Neither multiplied nor divided by alpha, whether it is told to be straight or premultiplied."""
    pixels = scene(channels)
    exact = pixels.astype(np.float16 if bits == 16 else np.float32).astype(np.float32)
    for straight in (True, False):
        path = written(tmp_path / str(straight), "exr", pixels, bits=bits, straight=straight)
        assert str(header(path).format) == ("half" if bits == 16 else "float")
        stored = oiio.ImageInput.open(str(path)).read_image("float").reshape(pixels.shape)
        np.testing.assert_array_equal(stored, exact)


@pytest.mark.parametrize("straight", [True, False])
def test_oiiotool_reads_the_numbers_that_were_written_to_an_exr(tmp_path: Path, straight: bool) -> None:
    pixels = scene(4)
    got = dumped(written(tmp_path / "out", "exr", pixels, straight=straight))
    np.testing.assert_allclose(got, pixels.astype(np.float16).astype(np.float32), rtol=1e-6, atol=1e-9)
    assert set(got[..., 3][[0, -1], [0, -1]]) == {0.0, 1.0}


def test_a_straight_exr_of_ours_is_read_as_straight(tmp_path: Path) -> None:
    pixels = noise(4).astype(np.float16).astype(np.float32)
    straight = written(tmp_path / "straight", "exr", pixels, straight=True)
    premultiplied = written(tmp_path / "premultiplied", "exr", pixels, straight=False)
    np.testing.assert_array_equal(read(straight), pixels)
    np.testing.assert_allclose(read(premultiplied)[..., :3], pixels[..., :3] / pixels[..., 3:], rtol=1e-5)


@pytest.mark.parametrize("bits", [16, 32])
@pytest.mark.parametrize("compression", ["zip", "zips", "piz", "none", "dwaa", "dwab"])
def test_each_compression_of_an_exr_is_what_exrheader_says_and_keeps_the_matte_exact(
    tmp_path: Path, compression: str, bits: int
) -> None:
    need("exrheader")
    pixels = scene(4)
    path = written(tmp_path / "out", "exr", pixels, bits=bits, compression=compression)
    said = subprocess.run(["exrheader", path], capture_output=True, text=True, check=True).stdout
    (line,) = re.findall(r"compression \(type compression\): (.*)", said)
    told = {
        "zip": "zip, multi-scanline blocks",
        "zips": "zip, individual scanlines",
        "piz": "piz",
        "none": "none",
        "dwaa": "dwa, small scanline blocks",
        "dwab": "dwa, medium scanline blocks",
    }
    assert line == told[compression]
    exact = pixels.astype(np.float16 if bits == 16 else np.float32).astype(np.float32)
    got = dumped(path)
    np.testing.assert_allclose(got[..., 3], exact[..., 3], rtol=1e-6, atol=1e-9)
    if not compression.startswith("dwa"):  # which is lossy in colour
        np.testing.assert_allclose(got, exact, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("format", ["png", "tiff"])
def test_code_values_of_png_and_tiff_are_exact(tmp_path: Path, format: str, bits: int) -> None:
    peak = 2**bits - 1
    codes = np.random.default_rng(2).integers(0, peak + 1, (HEIGHT, WIDTH, 4))
    path = written(tmp_path / "out", format, (codes / peak).astype(np.float32), bits=bits)
    assert str(header(path).format) == f"uint{bits}"
    np.testing.assert_array_equal(dumped(path), codes)
    np.testing.assert_array_equal(np.rint(read(path) * np.float32(peak)), codes)


def test_a_float_tiff_holds_scene_linear_numbers_bit_for_bit_and_is_the_default_for_a_float_plate(
    tmp_path: Path,
) -> None:
    pixels = scene(3)
    path = written(tmp_path / "out", "tiff", pixels, is_float=True)
    assert str(header(path).format) == "float"
    np.testing.assert_array_equal(read(path), pixels)
    np.testing.assert_allclose(dumped(path), pixels, rtol=1e-6)


@pytest.mark.parametrize("straight", [True, False])
@pytest.mark.parametrize("bits", [16, 32])
def test_a_tiff_says_whether_its_alpha_is_straight_and_is_not_changed_for_it(
    tmp_path: Path, straight: bool, bits: int
) -> None:
    pixels = noise(4) * np.float32(0.5) + np.float32(0.25)
    path = written(tmp_path / "out", "tiff", pixels, bits=bits, straight=straight)
    assert header(path).get_int_attribute("tiff:UnassociatedAlpha", 0) == int(straight)
    peak = 1 if bits == 32 else 65535
    np.testing.assert_allclose(dumped(path) / peak, pixels, atol=1e-5)
    expected = pixels[..., :3] if straight else pixels[..., :3] / pixels[..., 3:]
    np.testing.assert_allclose(read(path)[..., :3], expected, atol=1e-4)


@pytest.mark.parametrize("compression", ["zip", "lzw", "none"])
def test_a_tiff_is_compressed_as_asked(tmp_path: Path, compression: str) -> None:
    path = written(tmp_path / "out", "tiff", noise(3), compression=compression)
    assert header(path).get_string_attribute("compression") == compression
    np.testing.assert_allclose(dumped(path) / 65535, noise(3), atol=1e-5)


@pytest.mark.parametrize("bits", [10, 12, 16])
@pytest.mark.parametrize("channels", [1, 3])
def test_code_values_of_a_dpx_are_exact_for_ffmpeg_and_for_us(
    tmp_path: Path, bits: int, channels: int
) -> None:
    need("ffmpeg")
    peak = 2**bits - 1
    codes = np.random.default_rng(3).integers(0, peak + 1, (HEIGHT, WIDTH, channels))
    pixels = (codes / peak).astype(np.float32)
    path = written(tmp_path / "out", "dpx", pixels, bits=bits)
    done = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "rgb48le", "-"],
        capture_output=True,
        check=True,
    )
    got = np.frombuffer(done.stdout, "<u2").reshape(HEIGHT, WIDTH, 3)
    np.testing.assert_array_equal(got >> (16 - bits), np.broadcast_to(codes, got.shape))
    np.testing.assert_array_equal(np.rint(read(path).astype(float) * peak), np.broadcast_to(codes, got.shape))
    np.testing.assert_allclose(read(path), np.broadcast_to(pixels, got.shape), atol=1e-7)


def test_a_jpeg_is_close_and_its_chroma_whole(tmp_path: Path) -> None:
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    pixels[:, WIDTH // 2 :] = (0.8, 0.1, 0.1)
    path = written(tmp_path / "out", "jpeg", pixels)
    assert header(path).get_string_attribute("jpeg:subsampling") == "4:4:4"
    np.testing.assert_allclose(read(path), pixels, atol=0.03)
