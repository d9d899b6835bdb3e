"""ICC profiles: what they say is right to the code value, and goes through to what is made."""

from __future__ import annotations

import io
import json
import random
import struct
import zlib
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest
import torch
from PIL import Image, ImageCms

from daemon.colour import DISPLAY, ColourConfig, icc
from daemon.colour.choose import Known, choose
from daemon.colour.curves import IDENTITY, SRGB, srgb_from_light
from daemon.colour.icc_curves import CurveError, Formula, Table
from daemon.colour.primaries import ADOBE, P3_D65, REC709, ROMM, Chromaticities
from daemon.config import AssumeSettings
from daemon.engine import Engine
from daemon.media import MediaError, find_media, locate, open_source
from tests.daemon import profiles
from tests.daemon.cases import trimap, write
from tests.daemon.profiles import SRGB_CURVE, curv, para, rgb, table
from tests.daemon.stills import HEIGHT, WIDTH, make, picture, stored

OPAQUE, CLEAR = trimap() == 255, trimap() == 0
P3 = rgb(P3_D65, para(3, *SRGB_CURVE))
ADOBE_RGB = rgb(ADOBE, curv(563))
PROPHOTO = rgb(ROMM, para(3, 1.8, 1, 0, 1 / 16, 1 / 32))
CODES = np.linspace(0, 1, 1024)
SRGB_TABLE = np.where(CODES <= 0.04045, CODES / 12.92, ((CODES + 0.055) / 1.055) ** 2.4)
MONITOR = rgb(REC709, table(CODES**2.1), table(CODES**2.25), table(0.02 + 0.98 * CODES**2.4))
LOOKS_UP = profiles.built({"A2B0": b"mft2" + bytes(60)}, connection=b"Lab ")


def colours(depth: str = "uint8", channels: int = 3) -> np.ndarray:
    peak = np.iinfo(depth).max
    made = np.random.default_rng(7).integers(0, peak + 1, (HEIGHT, WIDTH, channels))
    return made.astype(depth)


def with_profile(path: Path, pixels: np.ndarray, profile: bytes | None) -> Path:
    attribute = {}
    if profile is not None:
        attribute["ICCProfile"] = (f"uint8[{len(profile)}]", np.frombuffer(profile, np.uint8))
    return picture(path, pixels, pixels.dtype.name, **attribute)


def told(path: Path, **assume: str) -> Known:
    with open_source(locate(path), max_pixels=10**6) as source:
        info = source.info
    return choose(info, path, "auto", "colorspace", ColourConfig(), AssumeSettings(**assume))


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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "in/shot_trimap.png", trimap())
    return tmp_path / "in"


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
    ours = srgb_from_light(light).clamp(0, 1).permute(1, 2, 0).numpy() * 255
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


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif"])
@pytest.mark.parametrize("kept", [0.02, 0.3, 0.6, 0.99])
def test_a_profile_that_is_cut_short_is_told_with_the_file_and_the_mend(
    tmp_path: Path, name: str, kept: float
) -> None:
    path, cut = tmp_path / name, P3[: int(len(P3) * kept)]
    Image.fromarray(colours()).save(path, icc_profile=cut)
    known = told(path)
    assert (known.space, known.is_assumed, known.profile) == (DISPLAY, True, None)
    assert known.warning is not None
    assert known.warning.startswith(f"{name}: its ICC profile is broken: ")
    assert known.warning.endswith("; taken as sRGB Rec.709, set clip: colorspace: if that is wrong.")


def test_a_profile_for_other_colours_than_the_pictures_is_told(tmp_path: Path) -> None:
    path = with_profile(tmp_path / "a.tif", colours(channels=1), P3)
    warning = told(path).warning
    assert warning is not None
    assert warning.startswith("a.tif: its ICC profile is for RGB, which the picture is not; taken as sRGB")


@pytest.mark.parametrize(
    ("profile", "grey", "sentence"),
    [
        (profiles.built({"rTRC": curv(563)}), False, "is broken: it lacks its colours or curves"),
        (
            profiles.built({"kTRC": curv(563)}, b"GRAY", b"Lab "),
            True,
            "stands on Lab, which dimd does not read",
        ),
        (b"", False, "is broken: it is cut short, or none"),
        (P3[:36] + b"none" + P3[40:], False, "is broken: it is cut short, or none"),
        (bytes(255 * 65519 + 1), False, "is broken: it is larger than profiles are"),
    ],
    ids=["lacks", "lab", "empty", "none", "huge"],
)
def test_why_a_profile_is_not_read_is_said(profile: bytes, grey: bool, sentence: str) -> None:
    with pytest.raises(icc.IccError) as caught:
        icc.read(profile, grey=grey)
    assert str(caught.value) == sentence
    assert caught.value.is_sound == ("Lab" in sentence)


@pytest.mark.parametrize("seed", range(8))
def test_no_damage_to_a_profile_is_more_than_a_sentence(seed: int) -> None:
    chance = random.Random(seed)
    gradient = torch.linspace(-0.5, 1.5, 33).expand(3, -1)
    outcomes = set()
    for whole in (P3, ADOBE_RGB, MONITOR, profiles.grey(table(SRGB_TABLE))):
        for _ in range(60):
            spoilt = bytearray(whole)
            for _ in range(chance.randint(1, 6)):
                at = chance.choice([chance.randrange(len(spoilt)), chance.randrange(128, 400)])
                spoilt[at % len(spoilt)] = chance.choice([0, 0x7F, 0x80, 0xFF, chance.randrange(256)])
            try:
                space = icc.read(bytes(spoilt), grey=whole[16:20] == b"GRAY").space
            except icc.IccError as error:
                outcomes.add(str(error).partition(":")[0])
                continue
            outcomes.add("read")
            light = space.to_rec709(gradient)
            assert light.isfinite().all()
            assert space.from_rec709(light).isfinite().all()
    others = ("is for ", "is of look-up tables", "stands on Lab")
    assert all(said in ("read", "is broken") or said.startswith(others) for said in outcomes)
    assert {"read", "is broken"} <= outcomes


@pytest.mark.parametrize(
    "curve",
    [
        Formula(2.2),
        Formula(*SRGB_CURVE),
        Formula(2.4, 0.9, 0.1, 0.0, -0.1 / 0.9, 0.0, 0.0),
        Formula(1.8, 1, 0, 1 / 16, 1 / 32, 0.01, 0.01),
        Table(tuple((np.linspace(0, 1, 26) ** 2.2 * 65535).astype(int).tolist())),
        Table((0, 65535)),
    ],
)
def test_a_curve_and_its_inverse_give_the_number_back(curve: Formula | Table) -> None:
    codes = torch.cat([torch.linspace(0.02, 1.6, 400), -torch.linspace(0.02, 1.6, 400)])
    torch.testing.assert_close(curve.from_light(curve.to_light(codes)), codes, atol=2e-5, rtol=1e-5)


def test_what_a_table_shows_as_black_comes_back_as_one_code() -> None:
    curve = Table((0, 0, 0, 30000, 65535, 65535))
    assert curve.from_light(torch.tensor([0.0, 1.0])).tolist() == pytest.approx([0.4, 0.8])


@pytest.mark.parametrize(
    "broken",
    [
        lambda: Formula(float("nan")),
        lambda: Formula(0.0),
        lambda: Formula(2.2, a=0.0),
        lambda: Formula(2.2, c=-1.0, d=0.5),
        lambda: Table((65535, 0)),
        lambda: Table((7, 7)),
    ],
)
def test_a_curve_that_has_no_inverse_is_refused(broken: object) -> None:
    with pytest.raises(CurveError):
        broken()  # type: ignore[operator]


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


@pytest.mark.parametrize(("mode", "name"), [("CMYK", "a.jpg"), ("CMYK", "a.tif"), ("LAB", "a.tif")])
def test_inks_are_refused_with_the_mend(tmp_path: Path, mode: str, name: str) -> None:
    Image.new(mode, (WIDTH, HEIGHT), 0).save(tmp_path / name)
    with pytest.raises(MediaError, match=rf"^{name}: is \w+, not RGB; convert it to RGB first\.$"):
        told(tmp_path / name)


def test_a_frame_of_another_profile_is_refused_and_a_newer_date_is_not(tmp_path: Path) -> None:
    later = bytearray(P3)
    later[24:36] = struct.pack(">6H", 2027, 2, 3, 4, 5, 6)
    for number, profile in enumerate((P3, bytes(later), ADOBE_RGB)):
        with_profile(tmp_path / f"shot.{number:04d}.png", colours(), profile)
    (ref,) = find_media(tmp_path)
    with open_source(ref, max_pixels=10**6) as source:
        assert len(list(source.frames(0, 2))) == 2
        with pytest.raises(
            MediaError, match=r"^shot\.0002\.png: has another ICC profile than shot\.0000\.png"
        ):
            list(source.frames(2))
