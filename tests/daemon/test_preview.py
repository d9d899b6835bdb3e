"""A clip at a part of its size: every output is reduced, and what stands beside the plate still fits it."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import OpenImageIO as oiio
import pytest

from daemon.engine import Engine
from daemon.media import ClipInfo
from daemon.preview import reduced, reduced_size
from daemon.run import StoppedError
from daemon.trimaps import TrimapError
from tests.daemon.cases import plate, sequence, tree, trimap, video, write
from tests.daemon.stills import Memory, make

TALL, WIDE = 72, 128


def clip(width: int, height: int) -> ClipInfo:
    return ClipInfo("still", width, height, 3, (0,), (), "display", 8, False)


def size_of(path: Path) -> tuple[int, int]:
    if path.suffix in (".mov", ".mkv", ".webm"):
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            return stream.width, stream.height
    spec = oiio.ImageInput.open(str(path)).spec()
    return spec.width, spec.height


@pytest.mark.parametrize(
    ("size", "scale", "expected"),
    [
        ((1920, 1080), 0.5, (960, 540)),
        ((1920, 1080), 0.1, (192, 108)),
        ((1998, 1080), 0.25, (500, 270)),
        ((63, 35), 0.5, (32, 18)),
        ((63, 35), 1.0, (63, 35)),
        ((3, 3), 0.1, (2, 2)),
        ((1, 1), 0.5, (1, 1)),
        ((7, 7), 0.99, (6, 6)),
    ],
)
def test_a_reduced_raster_is_even_and_never_larger_than_the_plate(
    size: tuple[int, int], scale: float, expected: tuple[int, int]
) -> None:
    assert reduced_size(clip(*size), scale) == expected


def test_each_pixel_is_the_mean_of_those_that_it_covers() -> None:
    pixels = np.random.default_rng(3).random((4, 6, 3), np.float32) * 9 - 2
    made = reduced(pixels, (3, 2))
    np.testing.assert_allclose(made, pixels.reshape(2, 2, 3, 2, 3).mean((1, 3)), atol=1e-5)


def test_what_is_transparent_has_no_say_in_the_colours() -> None:
    pixels = np.zeros((2, 4, 4), np.float32)
    pixels[:, ::2] = (0.8, 0.4, 0.2, 1.0)
    pixels[:, 1::2] = (9.0, 9.0, 9.0, 0.0)
    np.testing.assert_allclose(reduced(pixels, (2, 1)), [[(0.8, 0.4, 0.2, 0.5)] * 2], atol=1e-6)


def test_colours_under_an_alpha_of_0_stay() -> None:
    pixels = np.full((2, 2, 4), (0.5, 0.25, 2.0, 0.0), np.float32)
    np.testing.assert_allclose(reduced(pixels, (1, 1)), [[(0.5, 0.25, 2.0, 0.0)]])


@pytest.mark.parametrize("beside", ["mask", "trimap", "clean"])
def test_every_output_has_half_the_raster_and_what_stands_beside_the_plate_fits_it(
    tmp_path: Path, engine: Engine, beside: str
) -> None:
    """A square of 32 pixels from (48, 16) on: in the matte it is one of 16 from (24, 8) on."""
    ground = plate(1, (TALL, WIDE))
    shown = ground.copy()
    shown[16:48, 48:80] = 255 - shown[16:48, 48:80]
    square = np.zeros((TALL, WIDE), np.uint8)
    square[16:48, 48:80] = 255
    drawn = np.full((TALL, WIDE), 128, np.uint8)
    drawn[22:42, 54:74] = 255
    drawn[:, :40] = drawn[:, 88:] = 0
    write(tmp_path / "in/shot.png", shown)
    write(tmp_path / f"in/shot_{beside}.png", {"mask": square, "trimap": drawn, "clean": ground}[beside])
    write(tmp_path / "in/shot_bg.png", np.full((TALL, WIDE, 3), (255, 0, 0), np.uint8))
    outputs: dict[str, object] = {
        "alpha": {"format": "exr"},
        "foreground": {"format": "png"},
        "premult": {"format": "tiff"},
        "composite": {"format": "jpeg"},
        "layers": {},
    }
    made = make(tmp_path / "in", engine, tmp_path / "out", scale=0.5, outputs=outputs)
    pictures = [path for path in made.iterdir() if path.name != "manifest.json"]
    assert len(pictures) == len(outputs)
    assert {size_of(path) for path in pictures} == {(WIDE // 2, TALL // 2)}
    alpha = np.asarray(oiio.ImageInput.open(str(made / "shot_alpha.exr")).read_image("float"))[..., 0]
    assert (alpha[13:19, 29:35] == 1).all()
    assert (alpha[:, :18] == 0).all()
    assert (alpha[:, 46:] == 0).all()
    told = json.loads((made / "manifest.json").read_text())
    assert (told["scale"], told["size"], told["plate"]) == (0.5, [64, 36], [128, 72])


def test_where_alpha_is_1_the_foreground_is_the_reduced_plate(tmp_path: Path, engine: Engine) -> None:
    picture = plate(2, (TALL, WIDE))
    write(tmp_path / "in/shot.png", picture)
    write(tmp_path / "in/shot_trimap.png", trimap((TALL, WIDE)))
    made = make(tmp_path / "in", engine, tmp_path / "out", scale=0.5, outputs={"foreground": {}})
    got = cv2.imread(str(made / "shot_foreground.png"), cv2.IMREAD_UNCHANGED)
    mean = picture.reshape(TALL // 2, 2, WIDE // 2, 2, 3).mean((1, 3)) * 257
    opaque = got[..., 3] == 65535
    assert opaque.mean() > 0.3
    assert np.abs(got[opaque][:, :3] - mean[opaque]).max() <= 1


def test_a_mask_that_was_padded_for_a_codec_is_fitted_before_it_is_reduced(
    tmp_path: Path, engine: Engine
) -> None:
    """Reduced by its own size, a mask of 80 lines beside a plate of 72 would slip by a tenth."""
    write(tmp_path / "in/shot.png", plate(1, (TALL, WIDE)))
    drawn = np.zeros((TALL + 8, WIDE), np.uint8)
    drawn[:64] = 255
    write(tmp_path / "in/shot_trimap.png", drawn)
    made = make(tmp_path / "in", engine, tmp_path / "out", scale=0.25, outputs={"alpha": {}})
    alpha = cv2.imread(str(made / "shot_alpha.png"), cv2.IMREAD_UNCHANGED)
    assert (alpha[:16] == 65535).all()
    assert (alpha[16:] == 0).all()
    assert any(
        "is 128x80, fitted to the plate's 128x72" in sentence
        for sentence in json.loads((made / "manifest.json").read_text())["warnings"]
    )


def test_a_mask_of_the_reduced_size_is_refused_by_the_plates_own(tmp_path: Path, engine: Engine) -> None:
    write(tmp_path / "in/shot.png", plate(1, (TALL, WIDE)))
    write(tmp_path / "in/shot_mask.png", trimap((TALL // 2, WIDE // 2)))
    with pytest.raises(TrimapError, match=r"is 64x36, its plate 128x72; supply it at the plate's size\.$"):
        make(tmp_path / "in", engine, tmp_path / "out", scale=0.5)


def test_a_reduced_video_keeps_its_time_and_fits_420(tmp_path: Path, engine: Engine) -> None:
    (tmp_path / "in").mkdir()
    video(tmp_path / "in")
    outputs = {"alpha": {"format": "gray16"}, "composite": {"format": "h264"}}
    made = make(tmp_path / "in", engine, tmp_path / "out", scale=0.4, outputs=outputs)
    for name in ("shot_alpha.mkv", "shot_composite.mov"):
        assert size_of(made / name) == (26, 14)
        with av.open(str(made / name)) as container:
            stream = container.streams.video[0]
            assert stream.average_rate == Fraction(24)
            assert sum(1 for _ in container.decode(video=0)) == 10


def test_a_header_goes_through_and_its_display_window_is_reduced(tmp_path: Path, engine: Engine) -> None:
    spec = oiio.ImageSpec(WIDE, TALL, 3, "half")
    spec.x, spec.y, spec.full_x, spec.full_y = 40, 20, 40, 20
    spec.attribute("reelName", "A001")
    spec.attribute("PixelAspectRatio", 2.0)
    (tmp_path / "in").mkdir()
    file = oiio.ImageOutput.create(str(tmp_path / "in/shot.exr"))
    assert file.open(str(tmp_path / "in/shot.exr"), spec)
    assert file.write_image(plate(1, (TALL, WIDE)).astype(np.float32) / 255)
    assert file.close()
    write(tmp_path / "in/shot_trimap.png", trimap((TALL, WIDE)))
    made = make(tmp_path / "in", engine, tmp_path / "out", scale=0.5, outputs={"alpha": {}})
    said = oiio.ImageInput.open(str(made / "shot_alpha.exr")).spec()
    assert (said.full_x, said.full_y, said.full_width, said.full_height) == (20, 10, WIDE // 2, TALL // 2)
    assert said.get_string_attribute("reelName") == "A001"
    assert said.get_float_attribute("PixelAspectRatio") == 2
    assert '"scale": 0.5' in said.get_string_attribute("dimd:settings")


def test_a_reduced_part_that_is_resumed_has_the_bytes_of_an_undisturbed_one(
    tmp_path: Path, engine: Engine
) -> None:
    sequence(tmp_path / "in")
    how: dict[str, object] = {"scale": 0.5, "frames": "1003-1008", "outputs": {"alpha": {}, "composite": {}}}
    undisturbed = tree(make(tmp_path / "in", engine, tmp_path / "whole", **how))
    memory = Memory(2)
    with pytest.raises(StoppedError):
        make(tmp_path / "in", engine, tmp_path / "out", memory, **how)
    memory.stop_at = -1
    assert tree(make(tmp_path / "in", engine, tmp_path / "out", memory, **how)) == undisturbed
