"""Reading: colours in RGB order, alpha straight and whole, whatever file holds them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import OpenImageIO as oiio
import pytest

from trainer.prepare import planes
from trainer.prepare.footage import Footage
from trainer.prepare.lossy import cleaned
from trainer.prepare.still import read_matte, read_picture
from trainer.prepare.straight import lifted, sensible

ORANGE = np.array([230, 120, 20], np.float32) / 255


def written(path: Path, pixels: np.ndarray, depth: str, **spec_values: Any) -> Path:
    """Pixels as they are, by OpenImageIO: premultiplied, where the format takes them for that."""
    spec = oiio.ImageSpec(pixels.shape[1], pixels.shape[0], pixels.shape[2], depth)
    for name, value in spec_values.items():
        setattr(spec, name, value)
    file = oiio.ImageOutput.create(str(path))
    assert file.open(str(path), spec), file.geterror()
    assert file.write_image(np.ascontiguousarray(pixels, np.float32)), file.geterror()
    file.close()
    return path


def faint(light: tuple[float, float, float], alpha: float) -> np.ndarray:
    """One colour under one alpha, multiplied, float32 [6, 8, 4]."""
    return np.tile(np.array([*(alpha * value for value in light), alpha], np.float32), (6, 8, 1))


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".webp"])
def test_colours_come_in_rgb_order(tmp_path: Path, photo: Any, suffix: str) -> None:
    colour, alpha = read_picture(photo(tmp_path / f"a{suffix}"))
    assert alpha is None
    assert np.abs(colour - ORANGE).max() < 0.03


def test_a_png_is_not_multiplied_by_its_alpha(tmp_path: Path, png: Any) -> None:
    colour, alpha = read_picture(png(tmp_path / "a.png"))
    assert alpha is not None
    assert ((alpha > 0) & (alpha < 1)).any()
    np.testing.assert_allclose(colour, np.broadcast_to(ORANGE, colour.shape), atol=1e-6)


def test_a_premultiplied_tiff_comes_out_straight(tmp_path: Path) -> None:
    colour, alpha = read_picture(written(tmp_path / "a.tif", faint((0.8, 0.4, 0.2), 0.25), "uint16"))
    assert alpha is not None
    np.testing.assert_allclose(alpha, 0.25, atol=1e-4)
    np.testing.assert_allclose(colour[0, 0], (0.8, 0.4, 0.2), atol=1e-3)


def test_an_exr_comes_out_straight_and_display_referred(tmp_path: Path) -> None:
    colour, alpha = read_picture(written(tmp_path / "a.exr", faint((0.214, 1.0, 4.0), 0.25), "half"))
    assert alpha is not None
    np.testing.assert_allclose(alpha, 0.25, atol=1e-4)
    np.testing.assert_allclose(colour[0, 0], (0.5, 1, 1), atol=2e-3)


def test_a_matte_in_an_exr_is_coverage_and_not_light(tmp_path: Path) -> None:
    matte = read_matte(written(tmp_path / "a.exr", np.full((6, 8, 1), 0.25), "half", channelnames=("A",)))
    np.testing.assert_allclose(matte, 0.25, atol=1e-4)


def test_an_exr_is_laid_into_its_display_window(tmp_path: Path) -> None:
    window = {"x": 4, "y": 3, "full_width": 20, "full_height": 10}
    _, alpha = read_picture(written(tmp_path / "a.exr", faint((1, 1, 1), 0.5), "half", **window))
    assert alpha is not None
    assert alpha.shape == (10, 20)
    assert (alpha[3:9, 4:12] == 0.5).all()
    assert alpha.sum() == 0.5 * 48


def test_a_photograph_stands_upright(tmp_path: Path) -> None:
    spec = oiio.ImageSpec(8, 6, 3, "uint8")
    spec.attribute("Orientation", 6)
    pixels = np.zeros((6, 8, 3), np.float32)
    pixels[0, 0] = 1
    file = oiio.ImageOutput.create(str(tmp_path / "a.tif"))
    assert file.open(str(tmp_path / "a.tif"), spec)
    assert file.write_image(pixels)
    file.close()
    colour, _ = read_picture(tmp_path / "a.tif")
    assert colour.shape == (8, 6, 3)
    assert colour[0, 5].min() > 0.9


CODECS = {
    "vp8": ("a.webm", "libvpx", "yuva420p", {"auto-alt-ref": "0", "crf": "4", "b": "2M"}, 0.06),
    "vp9": ("a.webm", "libvpx-vp9", "yuva420p", {"auto-alt-ref": "0", "lossless": "1"}, 0.002),
    "prores": ("a.mov", "prores_ks", "yuva444p10le", {"profile": "4444", "alpha_bits": "16"}, 0.002),
    "ffv1": ("a.mkv", "ffv1", "gbrap16le", {}, 1e-4),
    "png": ("a.mov", "png", "rgba", {}, 0.003),
}


@pytest.mark.parametrize("kind", CODECS)
def test_the_alpha_of_a_video_survives(kind: str, tmp_path: Path, video: Any, disc: Any) -> None:
    name, codec, pixel_format, options, tolerance = CODECS[kind]
    if kind == "png":
        path = packed_video(tmp_path / name, disc())
    else:
        path = video(tmp_path / name, codec, pixel_format, [disc()] * 3, options)
    footage = Footage(path)
    assert footage.has_alpha
    assert (len(footage), footage.width, footage.height) == (3, 64, 48)
    _, alpha = planes.to_colour(footage.frame(1))
    assert alpha is not None
    error = np.abs(alpha - disc() / np.float32(255))
    assert error.mean() < tolerance
    if not footage.lossy:
        assert alpha.max() == 1


def packed_video(path: Path, alpha: np.ndarray) -> Path:
    """Orange RGBA as PNG in MOV."""
    pixels = np.dstack([np.full((*alpha.shape, 3), (230, 120, 20), np.uint8), alpha])
    with av.open(str(path), "w") as container:
        stream = container.add_stream("png", rate=25)
        stream.width, stream.height, stream.pix_fmt = alpha.shape[1], alpha.shape[0], "rgba"
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgba")))
        container.mux(stream.encode(None))
    return path


def test_packed_colours_come_in_rgb_order(tmp_path: Path, disc: Any) -> None:
    colour, _ = planes.to_colour(Footage(packed_video(tmp_path / "a.mov", disc())).frame(0))
    np.testing.assert_allclose(colour, np.broadcast_to(ORANGE, colour.shape), atol=1e-6)


def test_colours_of_a_video_come_in_rgb_order(tmp_path: Path) -> None:
    pixels = np.full((48, 64, 3), (230, 120, 20), np.uint8)
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        container.mux(stream.encode(None))
    colour, alpha = planes.to_colour(Footage(tmp_path / "a.mp4").frame(0))
    assert alpha is None
    assert np.abs(colour - ORANGE).max() < 0.03


def test_a_matte_in_limited_range_reaches_black_and_white(tmp_path: Path, video: Any, disc: Any) -> None:
    path = video(tmp_path / "a.mp4", "libx264", "yuv420p", [disc()] * 2, {"crf": "1"})
    matte = planes.to_matte(Footage(path).frame(1))
    assert np.abs(matte - disc() / 255).mean() < 0.01
    assert (matte.min(), matte.max()) == (0, 1)


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format", "options"),
    [
        ("a.webm", "libvpx", "yuva420p", {"auto-alt-ref": "0", "g": "6"}),
        ("a.mp4", "libx264", "yuv420p", {"g": "7", "bf": "2"}),
    ],
)
def test_any_frame_is_the_same_however_it_is_reached(
    name: str, codec: str, pixel_format: str, options: dict[str, str], tmp_path: Path, video: Any, disc: Any
) -> None:
    path = video(tmp_path / name, codec, pixel_format, [disc(0.2 + 0.02 * n) for n in range(20)], options)
    footage = Footage(path)
    whole = [planes.to_matte(frame) for _, frame in footage._decoded(None)]
    assert len(whole) == len(footage) == 20
    for number in (19, 0, 7, 13, 6):
        *_, (last, frame) = footage.until(number)
        assert last == number
        np.testing.assert_array_equal(planes.to_matte(frame), whole[number])


def test_colours_that_mean_nothing_become_those_of_the_nearest_that_do() -> None:
    alpha = np.zeros((40, 60), np.float32)
    alpha[10:30, 10:30] = 1
    alpha[10:30, 40:50] = 0.5
    colour = np.zeros((40, 60, 3), np.float32)  # black where nothing is, as most programs leave it
    colour[10:30, 10:30] = ORANGE
    colour[10:30, 40:50] = (0, 0, 1)
    made = sensible(colour, alpha)
    np.testing.assert_array_equal(made[alpha > 0], colour[alpha > 0])
    np.testing.assert_allclose(made[5, 20], ORANGE, atol=0.05)
    assert made[20, 55, 2] > 0.9
    assert made.min() >= 0


def test_a_foreground_thinner_than_all_trust_keeps_its_colour() -> None:
    alpha = np.full((9, 7), 0.01, np.float32)
    colour = np.broadcast_to(ORANGE, (9, 7, 3)).astype(np.float32)
    np.testing.assert_allclose(sensible(colour, alpha), colour, atol=1e-5)
    assert np.isfinite(sensible(colour, np.zeros_like(alpha))).all()


def test_a_photographs_background_is_lifted_from_its_foreground(disc: Any) -> None:
    alpha = disc(height=96, width=128).astype(np.float32) / 255
    blue = np.array([0, 0, 1], np.float32)
    image = alpha[..., None] * ORANGE + (1 - alpha[..., None]) * blue
    colour = lifted(image, alpha)
    mixed = (alpha > 0.1) & (alpha < 0.9)
    assert np.abs(image[mixed] - ORANGE).mean() > 0.2
    assert np.abs(colour[mixed] - ORANGE).mean() < 0.03


def test_what_a_codec_leaves_in_flat_alpha_is_removed_and_edges_stay(disc: Any) -> None:
    alpha = disc().astype(np.float32) / 255
    noisy = np.clip(alpha + np.random.default_rng(1).uniform(-0.015, 0.015, alpha.shape), 0, 1)
    noisy[2:4, 2:4] = 0.06
    noisy[24, 32] = 0.95
    made = cleaned(noisy.astype(np.float32))
    assert (made[alpha == 0] == 0).all()
    assert (made[alpha == 1] == 1).all()
    assert np.abs(made - alpha).max() < 0.04
