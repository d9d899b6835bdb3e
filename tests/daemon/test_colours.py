"""What is made of a clip is made by its colour space, and by those that were asked for."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import OpenImageIO as oiio
import pytest
import torch

from daemon.colour import DISPLAY, ColourConfig, Own, convert
from daemon.colour.curves import PQ
from daemon.colour.primaries import REC2020
from daemon.config import ClipSettings
from daemon.inbox import scan
from daemon.media import VideoTags, find_media, open_source
from daemon.plan import Plan
from tests.daemon.cases import SIZE, plate, still, trimap, write
from tests.daemon.colour_cases import AP1, exr, make, read, soft_log, tagged, told

pytestmark = pytest.mark.usefixtures("no_config_of_this_machine")


@pytest.mark.parametrize("name", ["ARRI LogC4", "ACEScg", "S-Log3 S-Gamut3.Cine"])
def test_opaque_pixels_of_a_log_or_acescg_plate_are_the_plate_bit_for_bit(folder: Path, name: str) -> None:
    rgb, _ = soft_log(ColourConfig().space(name, "a test"))
    exr(folder / "shot.exr", rgb.astype(np.float16))
    write(folder / "shot_trimap.png", trimap())
    (folder / "shot.yaml").write_text(f"colorspace: {name}\n")
    result = make(folder)
    opaque = trimap() == 255
    for output in ("foreground", "composite"):
        made = read(result / f"shot_{output}.exr")[..., :3]
        np.testing.assert_array_equal(made[opaque], rgb.astype(np.float16).astype(np.float32)[opaque])
    assert told(result)["colour"] == {
        "plate": {"space": name, "why": "its settings say so", "assumed": False}
    }


def test_the_networks_view_of_a_log_plate_is_that_of_its_display_twin(folder: Path) -> None:
    space = ColourConfig().space("ARRI LogC4", "a test")
    display = torch.rand(3, *SIZE, generator=torch.Generator().manual_seed(3)) * 0.85
    rgb = convert(display, DISPLAY, space)
    exr(folder / "shot.exr", rgb.permute(1, 2, 0).numpy())
    write(folder / "shot_trimap.png", trimap())
    (clip,) = scan(folder)
    with Plan(clip, ClipSettings(colorspace="arri_logc4"), max_pixels=10**6, state={}) as plan:
        view = plan.view(next(plan.frames(0)))
    assert torch.allclose(view, display, atol=2e-3)


def test_an_output_may_have_another_space_and_its_format_follows(folder: Path) -> None:
    light = (np.random.default_rng(0).random((*SIZE, 3)) * 3 - 0.05).astype(np.float16).astype(np.float32)
    exr(folder / "shot.exr", light, {"chromaticities": AP1})
    write(folder / "shot_trimap.png", trimap())
    outputs = {
        "alpha": {},
        "foreground": {"colorspace": "lin_rec709"},
        "premult": {"colorspace": "ARRI LogC4", "format": "exr"},
        "composite": {"colorspace": "srgb_texture"},
    }
    result = make(folder, outputs=outputs)
    opaque, clear = trimap() == 255, trimap() == 0
    acescg, plate_ = ColourConfig().space("ACEScg", "a test"), torch.from_numpy(light).permute(2, 0, 1)
    for name, space, file in (
        ("foreground", "lin_rec709", "shot_foreground.exr"),
        ("premult", "ARRI LogC4", "shot_premult.exr"),
        ("composite", "srgb_texture", "shot_composite.png"),
    ):
        expected = convert(plate_, acescg, ColourConfig().space(space, "a test")).permute(1, 2, 0).numpy()
        made = read(result / file)
        limit = (0, 1) if name == "composite" else (-100, 100)
        np.testing.assert_allclose(made[opaque][:, :3], expected[opaque].clip(*limit), atol=2e-3, rtol=2e-3)
    assert read(result / "shot_foreground.exr")[..., :3].max() > 2  # light above white survives
    assert read(result / "shot_foreground.exr")[..., :3].min() < 0
    assert (read(result / "shot_premult.exr")[clear] == 0).all()  # though log's black is another number
    assert told(result)["colour"]["outputs"]["composite"] == "sRGB Encoded Rec.709 (sRGB)"


def test_a_pq_video_keeps_its_codes_and_tags_where_it_is_opaque(folder: Path) -> None:
    rgb, red = soft_log(Own(PQ, REC2020))
    tagged(folder, VideoTags(9, 16, 0, full_range=True), [rgb, rgb])
    result = make(folder, outputs={"foreground": {"format": "ffv1"}, "composite": {"format": "ffv1"}})
    opaque, soft = trimap() == 255, trimap() == 128
    with av.open(str(result / "shot_foreground.mkv")) as made:
        context = made.streams.video[0].codec_context
        assert (int(context.color_primaries), int(context.color_trc)) == (9, 16)
    sources = {}
    for where in (folder / "shot.mkv", result / "shot_foreground.mkv"):
        (ref,) = [ref for ref in find_media(where.parent) if ref.path == where]
        with open_source(ref, max_pixels=10**6) as source:
            sources[where.stem] = next(source.frames()).pixels
    np.testing.assert_array_equal(sources["shot_foreground"][opaque][:, :3], sources["shot"][opaque])
    assert red.max() > 0.6  # brighter than reference white, and the foreground is so still
    assert sources["shot_foreground"][soft][:, 0].max() > 0.6
    assert told(result)["colour"]["plate"] == {
        "space": "PQ Rec.2020", "why": "its tags say PQ", "assumed": False,
    }  # fmt: skip


def test_a_video_asked_for_as_light_is_exr_and_as_video_has_its_own_tags(folder: Path) -> None:
    rgb, _ = soft_log(Own(PQ, REC2020))
    tagged(folder, VideoTags(9, 16, 0, full_range=True), [rgb])
    outputs = {
        "foreground": {"colorspace": "ACEScg"},
        "composite": {"colorspace": "Rec.1886 Rec.709 - Display"},
    }
    result = make(folder, outputs=outputs)
    (picture,) = (result / "foreground").glob("*.exr")
    assert read(picture)[..., 0].max() > 1
    with av.open(str(result / "shot_composite.mov")) as made:
        context = made.streams.video[0].codec_context
        codes = (int(context.color_primaries), int(context.color_trc), int(context.colorspace))
        assert codes == (1, 1, 1)


def test_a_background_of_another_space_becomes_the_plates(folder: Path) -> None:
    rgb, _ = soft_log(ColourConfig().space("ARRI LogC4", "a test"))
    exr(folder / "shot.exr", rgb)
    write(folder / "shot_trimap.png", trimap())
    exr(folder / "shot_bg.exr", np.full((*SIZE, 3), (1.8, 0.4, 0.02), np.float32), {"chromaticities": AP1})
    result = make(folder, colorspace="ARRI LogC4")
    behind = convert(
        torch.tensor([1.8, 0.4, 0.02]).view(3, 1, 1),
        *(ColourConfig().space(name, "a test") for name in ("ACEScg", "ARRI LogC4")),
    )
    made = read(result / "shot_composite.exr")[trimap() == 0]
    np.testing.assert_allclose(made, behind.view(1, 3).expand(len(made), 3), atol=1e-3)
    assert told(result)["colour"]["bg"]["space"] == "linear ACEScg (AP1)"


def test_a_background_may_be_given_its_own_space(folder: Path) -> None:
    still(folder)
    write(folder / "shot_bg.png", np.full((*SIZE, 3), 100, np.uint8))
    result = make(folder, bg_colorspace="ARRI LogC4")
    space = ColourConfig().space("ARRI LogC4", "a test")
    expected = convert(torch.full((3, 1, 1), 100 / 255), space, DISPLAY).flatten().clamp(0, 1).numpy()
    made = cv2.imread(str(result / "shot_composite.png"), cv2.IMREAD_UNCHANGED)[trimap() == 0] / 65535
    np.testing.assert_allclose(made, np.broadcast_to(expected[::-1], made.shape), atol=1e-4)


def test_a_clean_plate_is_read_as_the_plate_is(folder: Path) -> None:
    """A log plate and its clean plate, of which only the plate's space is known."""
    space = ColourConfig().space("ARRI LogC4", "a test")
    wall = cv2.resize(np.random.default_rng(0).random((18, 24, 3)).astype(np.float32) * 0.4 + 0.2, (192, 144))
    shot = wall.copy()
    shot[40:144, 70:120] = (0.1, 0.2, 0.7)
    for name, picture in (("shot", shot), ("shot_clean", wall)):
        display = torch.from_numpy(picture).permute(2, 0, 1)
        exr(folder / f"{name}.exr", convert(display, DISPLAY, space).permute(1, 2, 0).numpy())
    result = make(folder, colorspace="ARRI LogC4", outputs={"alpha": {}})
    assert told(result)["colour"]["clean"]["space"] == "ARRI LogC4"
    alpha = read(result / "shot_alpha.exr")[..., 0]
    assert alpha[60:140, 80:110].min() == 1
    assert alpha[:, :50].max() == 0


def test_an_exrs_header_says_what_its_own_colours_are(folder: Path) -> None:
    """The plate's chromaticities go through with its numbers, and not with numbers that were converted."""
    light = np.random.default_rng(0).random((*SIZE, 3))
    exr(folder / "shot.exr", light, {"chromaticities": AP1, "colorSpace": "ACEScg", "shotcode": "x12"})
    write(folder / "shot_trimap.png", trimap())
    result = make(folder, outputs={"foreground": {}, "premult": {"colorspace": "lin_rec709"}})
    kept, other = (
        oiio.ImageInput.open(str(result / f"shot_{name}.exr")).spec() for name in ("foreground", "premult")
    )
    assert kept.getattribute("chromaticities") == pytest.approx(AP1)
    assert kept.getattribute("colorSpace") == "ACEScg"
    assert other.getattribute("chromaticities") == pytest.approx(
        (0.64, 0.33, 0.3, 0.6, 0.15, 0.06, 0.3127, 0.329)
    )
    assert other.getattribute("colorSpace") is None
    assert other.getattribute("dimd:colorspace") == "Linear Rec.709 (sRGB)"
    assert kept.getattribute("shotcode") == other.getattribute("shotcode") == "x12"


@pytest.mark.parametrize(
    ("suffix", "asked", "said"),
    [("png", {}, "sRGB Rec.709"), ("exr", {"colorspace": "ARRI LogC4"}, "ARRI LogC4"), ("exr", {}, None)],
)
def test_an_exr_in_a_plates_own_numbers_says_what_they_are_unless_they_are_light(
    folder: Path, suffix: str, asked: dict[str, str], said: str | None
) -> None:
    if suffix == "exr":
        exr(folder / "shot.exr", np.random.default_rng(0).random((*SIZE, 3)), {})
    else:
        write(folder / "shot.png", plate())
    write(folder / "shot_trimap.png", trimap())
    outputs = {"alpha": {"format": "exr"}, "foreground": {"format": "exr"}, "layers": {"parts": True}}
    result = make(folder, outputs=outputs, **asked)
    for name, wanted in (("alpha", None), ("foreground", said), ("layers", said)):
        header = oiio.ImageInput.open(str(result / f"shot_{name}.exr")).spec()
        assert header.getattribute("dimd:colorspace") == wanted


@pytest.mark.parametrize("own", [None, "lin_rec2020"])
def test_layers_have_one_colour_space_whatever_the_other_outputs_have(folder: Path, own: str | None) -> None:
    light = np.random.default_rng(0).random((*SIZE, 3)).astype(np.float16).astype(np.float32)
    exr(folder / "shot.exr", light, {"chromaticities": AP1})
    write(folder / "shot_trimap.png", trimap())
    layers = {"colorspace": own} if own else {}
    alone = make(folder, outputs={"layers": layers})
    pixels = read(alone / "shot_layers.exr")
    outputs = {"layers": layers, "foreground": {"colorspace": "ARRI LogC4"}, "premult": {}}
    beside = make(folder, outputs=outputs)
    np.testing.assert_array_equal(read(beside / "shot_layers.exr"), pixels)
    names = oiio.ImageInput.open(str(alone / "shot_layers.exr")).spec().channelnames
    rgb = pixels[..., [names.index(name) for name in "RGB"]]
    straight = pixels[..., [names.index(f"fg.{name}") for name in "RGB"]]
    opaque = trimap() == 255
    np.testing.assert_array_equal(rgb[opaque], straight[opaque])
    acescg = ColourConfig().space("ACEScg", "a test")
    plate_ = torch.from_numpy(light).permute(2, 0, 1)
    expected = convert(plate_, acescg, ColourConfig().space(own, "a test")) if own else plate_
    np.testing.assert_allclose(rgb[opaque], expected.permute(1, 2, 0).numpy()[opaque], atol=2e-3)
