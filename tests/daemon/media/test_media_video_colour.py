"""Colour and alpha through every video format, to the last code where that is promised."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from daemon.media import CODECS, ycbcr
from tests.daemon.media.videos import TAGS, clip, flat, inside, make, patches, read


@pytest.mark.parametrize("matrix", [1, 6, 9])
@pytest.mark.parametrize(
    ("format", "bits"),
    [("prores4444", 10), ("prores422hq", 10), ("dnxhr", 10), ("hevc", 10), ("h264", 8), ("vp9", 8)],
)
def test_colour_patches_are_right_to_one_code_value(
    tmp_path: Path, format: str, bits: int, matrix: int
) -> None:
    rgb, codes = patches(matrix)
    like = clip(tags=replace(TAGS, matrix=matrix))
    info, frames = read(make(tmp_path, format, like, rgb))
    assert info.tags is not None
    assert info.tags.matrix == matrix
    stored = np.floor(codes / 2 ** (10 - bits) + 0.5)
    to_codes = ycbcr.from_rgb(matrix, False, bits)
    for frame in frames:
        came = frame.astype(np.float64) @ to_codes[:, :3].T + to_codes[:, 3]
        assert np.abs(inside(came - stored)).max() <= 1.001  # the float's own rounding beside


def test_prores_4444_patches_are_the_same_codes_to_ffmpeg(tmp_path: Path) -> None:
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed")
    rgb, codes = patches(1)
    alpha = np.tile(np.arange(256) * 1023 // 255, (128, 1))
    path = make(tmp_path, "prores4444", clip(1), np.dstack([rgb, alpha / 1023]).astype(np.float32))
    command = ["ffmpeg", "-v", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "yuva444p12le", "-"]
    planes = np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, "<u2")
    luma, cb, cr, stored = planes.reshape(4, 128, 256).astype(np.float64)
    assert np.abs(np.dstack([luma, cb, cr]) / 4 - codes).max() <= 1
    assert np.abs(stored / 4095 - alpha / 1023).max() <= 1 / 1023
    assert (stored[alpha == 0] == 0).all()
    assert (stored[alpha == 1023] == 4095).all()


@pytest.mark.parametrize("format", ["prores4444", "ffv1", "movpng"])
def test_alpha_survives_and_its_ends_are_exact(tmp_path: Path, format: str) -> None:
    rng = np.random.default_rng(2)
    pixels = rng.random((128, 256, 4)).astype(np.float32)
    pixels[:, :64, 3], pixels[:, 64:128, 3] = 0, 1
    _, frames = read(make(tmp_path, format, clip(3), pixels))
    for frame in frames:
        assert (frame[:, :64, 3] == 0).all()
        assert (frame[:, 64:128, 3] == 1).all()
        assert np.abs(frame[..., 3] - pixels[..., 3]).max() <= 1 / 1023


def test_vp9_keeps_the_ends_of_alpha_and_little_noise_between(tmp_path: Path) -> None:
    pixels = flat(4)
    pixels[..., 3] = np.clip(np.linspace(-0.5, 1.5, 256), 0, 1)
    path = make(tmp_path, "vp9", clip(8), pixels)
    _, frames = read(path)
    for frame in frames:
        assert frame.shape == (128, 256, 4)
        assert (frame[:, :32, 3] == 0).all()
        assert (frame[:, -32:, 3] == 1).all()
        np.testing.assert_allclose(frame[..., 3], pixels[..., 3], atol=3 / 255)


@pytest.mark.parametrize(
    ("format", "channels"), [("movpng", 1), ("movpng", 3), ("movpng", 4), ("gray16", 1), ("ffv1", 4)]
)
def test_what_is_lossless_keeps_sixteen_bits(tmp_path: Path, format: str, channels: int) -> None:
    codes = np.random.default_rng(channels).integers(0, 65536, (128, 256, channels))
    info, frames = read(make(tmp_path, format, clip(5), (codes / 65535).astype(np.float32)))
    assert (info.channels, info.bits) == (channels, 16)
    for frame in frames:
        np.testing.assert_array_equal(np.round(frame.astype(np.float64) * 65535), codes)


@pytest.mark.parametrize("format", [name for name in CODECS if name not in ("gray16", "ffv1", "movpng")])
def test_a_matte_is_a_grey_picture_black_at_nought_and_white_at_one(tmp_path: Path, format: str) -> None:
    matte = np.zeros((128, 256, 1), np.float32)
    matte[:, 128:] = 1
    _, frames = read(make(tmp_path, format, clip(3), matte))
    for frame in frames:
        np.testing.assert_allclose(frame[:, :112], 0, atol=1 / 219)
        np.testing.assert_allclose(frame[:, 144:], 1, atol=1 / 219)
