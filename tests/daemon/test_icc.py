"""ICC profiles: what they say is right to the code value, and goes through to what is made."""

from __future__ import annotations

import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest
import torch
from PIL import Image, ImageCms

from daemon.colour import DISPLAY, icc
from daemon.colour.curves import IDENTITY, SRGB
from daemon.colour.primaries import ADOBE, P3_D65, REC709, ROMM, Chromaticities
from daemon.engine import Engine
from dim_model import srgb
from tests.daemon import profiles
from tests.daemon.cases import trimap
from tests.daemon.icc_cases import (
    ADOBE_RGB,
    LOOKS_UP,
    MONITOR,
    P3,
    PROPHOTO,
    SRGB_TABLE,
    colours,
    told,
    with_profile,
)
from tests.daemon.profiles import SRGB_CURVE, curv, para, rgb, table
from tests.daemon.stills import HEIGHT, WIDTH, make, stored

pytestmark = pytest.mark.usefixtures("trimap_beside")

OPAQUE, CLEAR = trimap() == 255, trimap() == 0


def shown(path: Path) -> np.ndarray:
    """8-bit sRGB, as a program shows it that knows profiles: by LittleCMS."""
    with Image.open(path) as found:
        profile = found.info.get("icc_profile")
        if profile is None:
            return np.asarray(found.convert("RGB"))
        mode = "L" if found.mode == "L" else "RGB"
        return by_littlecms(np.asarray(found.convert(mode)), profile)


def by_littlecms(pixels: np.ndarray, profile: bytes) -> np.ndarray:
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    how = ImageCms.Flags.NOOPTIMIZE | ImageCms.Flags.HIGHRESPRECALC
    target = ImageCms.createProfile("sRGB")
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    made = ImageCms.profileToProfile(
        Image.fromarray(pixels), source, target, intent, outputMode="RGB", flags=how
    )
    assert made is not None
    return np.asarray(made)


@pytest.mark.parametrize(
    ("profile", "primaries", "transfer"),
    [
        (P3, P3_D65, "sRGB"),
        (ADOBE_RGB, ADOBE, "gamma 2.2"),
        (PROPHOTO, ROMM, "curve of its profile,"),
        (MONITOR, REC709, "curve of its profile,"),
        (rgb(REC709, curv()), REC709, "linear"),
    ],
)
def test_numbers_are_the_light_that_littlecms_makes_of_them(
    profile: bytes, primaries: Chromaticities, transfer: str
) -> None:
    space = icc.read(profile, grey=False).space
    assert (space.chromaticities, space.name.rpartition(" ")[0][: len(transfer)]) == (primaries, transfer)
    patches = np.random.default_rng(3).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    patches[0, :8] = [[n, n, n] for n in (0, 1, 2, 16, 64, 128, 254, 255)]
    light = space.to_rec709(torch.from_numpy(patches).permute(2, 0, 1).float() / 255)
    ours = srgb.from_light(light).clamp(0, 1).permute(1, 2, 0).numpy() * 255
    theirs = by_littlecms(patches, profile).astype(np.float32)
    assert np.abs(ours - theirs).max() <= 1


def test_a_profile_of_other_primaries_keeps_them_under_its_own_white() -> None:
    wide: Chromaticities = (0.70, 0.29, 0.19, 0.75, 0.14, 0.05, 0.3127, 0.3290)
    space = icc.read(rgb(wide, curv(563)), grey=False).space
    light = space.to_rec709(torch.ones(3, 1))
    torch.testing.assert_close(light, torch.ones(3, 1), atol=2e-4, rtol=0)


@pytest.mark.parametrize(
    "profile",
    [
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
        rgb(REC709, para(3, *SRGB_CURVE)),
        rgb(REC709, table(SRGB_TABLE)),
    ],
    ids=["littlecms", "formula", "table"],
)
@pytest.mark.parametrize("name", ["shot.png", "shot.tif"])
def test_an_srgb_profile_changes_no_bit(
    folder: Path, engine: Engine, tmp_path: Path, profile: bytes, name: str
) -> None:
    outputs = {"foreground": {}, "composite": {}, "alpha": {}}
    with_profile(folder / name, colours("uint16"), None)
    plain = make(folder, engine, tmp_path / "plain", outputs=outputs)
    with_profile(folder / name, colours("uint16"), profile)
    made = make(folder, engine, tmp_path / "out", outputs=outputs)
    assert told(folder / name).space == DISPLAY
    assert "ICC" in told(folder / name).why
    for output in outputs:
        wanted, got = (stored(there / f"shot_{output}.png") for there in (plain, made))
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("depth", ["uint8", "uint16"])
@pytest.mark.parametrize("name", ["shot.png", "shot.tif"])
@pytest.mark.parametrize("format", ["png", "tiff"])
def test_a_plate_of_display_p3_leaves_bit_for_bit_with_its_profile(
    folder: Path, engine: Engine, tmp_path: Path, name: str, depth: str, format: str
) -> None:
    pixels = colours(depth)
    with_profile(folder / name, pixels, P3)
    how = {"format": format, "bits": np.iinfo(depth).bits}
    outputs = dict.fromkeys(("alpha", "foreground", "composite"), how)
    made = make(folder, engine, tmp_path / "out", outputs=outputs)
    for output in ("foreground", "composite"):
        (path,) = made.glob(f"shot_{output}.*")
        np.testing.assert_array_equal(stored(path)[OPAQUE][:, :3], pixels[OPAQUE])
        assert oiio.ImageInput.open(str(path)).spec().getattribute("ICCProfile").tobytes() == P3
    (path,) = made.glob("shot_alpha.*")
    assert oiio.ImageInput.open(str(path)).spec().getattribute("ICCProfile") is None
    said = json.loads((made / "manifest.json").read_text())["colour"]["plate"]
    assert said == {"space": "sRGB P3-D65", "why": "its ICC profile (of our own) says so", "assumed": False}


def test_a_jpeg_carries_the_profile_too_and_looks_the_same(
    folder: Path, engine: Engine, tmp_path: Path
) -> None:
    big = ADOBE_RGB + bytes(70_000)  # of two segments
    big = struct.pack(">I", len(big)) + big[4:]
    pixels = np.full((HEIGHT, WIDTH, 3), (20, 200, 60), np.uint8)
    with_profile(folder / "shot.png", pixels, big)
    made = make(folder, engine, tmp_path / "out", outputs={"composite": {"format": "jpeg"}})
    with Image.open(made / "shot_composite.jpg") as found:
        assert found.info["icc_profile"] == big
    wanted = shown(folder / "shot.png").astype(int)
    assert np.abs(shown(made / "shot_composite.jpg").astype(int) - wanted)[OPAQUE].mean() < 1


def test_light_is_mixed_by_the_profile(folder: Path, engine: Engine, tmp_path: Path) -> None:
    """An even plate over the same colour as its own background stays that colour where alpha is partial."""
    pixels = np.full((HEIGHT, WIDTH, 3), (200, 120, 40), np.uint8)
    with_profile(folder / "shot.png", pixels, ADOBE_RGB)
    with_profile(folder / "shot_bg.png", pixels, ADOBE_RGB)
    made = make(folder, engine, tmp_path / "out", outputs={"composite": {"bits": 8}})
    assert np.abs(stored(made / "shot_composite.png").astype(int) - pixels).max() <= 1
    np.testing.assert_array_equal(stored(made / "shot_composite.png")[CLEAR], pixels[CLEAR])


def test_a_background_of_another_profile_is_converted_to_the_plates(
    folder: Path, engine: Engine, tmp_path: Path
) -> None:
    behind = np.full((HEIGHT, WIDTH, 3), (90, 120, 100), np.uint8)  # within both
    with_profile(folder / "shot.png", colours(), P3)
    with_profile(folder / "shot_bg.png", behind, ADOBE_RGB)
    made = make(folder, engine, tmp_path / "out", outputs={"composite": {"bits": 8}})
    wanted, got = shown(folder / "shot_bg.png"), shown(made / "shot_composite.png")
    assert np.abs(got.astype(int) - wanted)[CLEAR].max() <= 1


@pytest.mark.parametrize(
    "settings",
    [
        {"colorspace": "acescct", "outputs": {"foreground": {"format": "png"}}},
        {"outputs": {"foreground": {"format": "png", "colorspace": "srgb_rec709_scene"}}},
    ],
    ids=["plate", "output"],
)
def test_what_settings_say_goes_before_a_profile_which_then_stays_away(
    folder: Path, engine: Engine, tmp_path: Path, settings: dict[str, object]
) -> None:
    with_profile(folder / "shot.png", colours(), P3)
    made = make(folder, engine, tmp_path / "out", **settings)
    assert oiio.ImageInput.open(str(made / "shot_foreground.png")).spec().getattribute("ICCProfile") is None


def test_a_grey_picture_looks_the_same_as_rgb(folder: Path, engine: Engine, tmp_path: Path) -> None:
    pixels = np.repeat(np.arange(WIDTH, dtype=np.uint8)[None, :, None] * 3, HEIGHT, 0)
    with_profile(folder / "shot.png", pixels, profiles.grey(curv(round(1.8 * 256))))
    made = make(folder, engine, tmp_path / "out", outputs={"composite": {"bits": 8}})
    wanted, got = shown(folder / "shot.png"), shown(made / "shot_composite.png")
    assert np.abs(wanted[..., 0].astype(int) - pixels[..., 0]).max() > 10  # the profile matters
    assert np.abs(got.astype(int) - wanted)[OPAQUE].max() <= 1


def test_a_profile_of_look_up_tables_is_told_and_goes_through(
    folder: Path, engine: Engine, tmp_path: Path
) -> None:
    with_profile(folder / "shot.tif", colours(), LOOKS_UP)
    made = make(folder, engine, tmp_path / "out", outputs={"foreground": {"format": "tiff", "bits": 8}})
    said = json.loads((made / "manifest.json").read_text())
    assert said["colour"]["plate"]["assumed"]
    (warning,) = said["warnings"]
    assert warning == (
        "shot.tif: its ICC profile is of look-up tables, which dimd does not read; taken as sRGB Rec.709, "
        "set clip: colorspace: if that is wrong."
    )
    spec = oiio.ImageInput.open(str(made / "shot_foreground.tif")).spec()
    assert spec.getattribute("ICCProfile").tobytes() == LOOKS_UP


def test_settings_say_what_a_profile_that_is_not_read_is_taken_for(tmp_path: Path) -> None:
    path = with_profile(tmp_path / "a.tif", colours(), LOOKS_UP)
    known = told(path, integer_files="ACEScct")
    assert (known.space.name, known.is_assumed, known.profile) == ("ACEScct", True, LOOKS_UP)


def test_the_same_profile_twice_is_the_same_space() -> None:
    first = icc.read(MONITOR, grey=False).space
    icc.read.cache_clear()
    second = icc.read(MONITOR, grey=False).space
    assert first is not second
    assert first == second
    assert hash(first) == hash(second)
    for curve, space in ((SRGB, P3), (IDENTITY, rgb(REC709, curv()))):
        assert icc.read(space, grey=False).space.is_linear == (curve is IDENTITY)


def test_a_cicp_goes_before_a_profile(tmp_path: Path) -> None:
    path = with_profile(tmp_path / "a.png", colours(), ADOBE_RGB)
    data, body = path.read_bytes(), b"cICP" + bytes([12, 13, 0, 1])
    chunk = struct.pack(">I", 4) + body + struct.pack(">I", zlib.crc32(body))
    path.write_bytes(data[:33] + chunk + data[33:])
    assert "ICC" not in told(path).why
