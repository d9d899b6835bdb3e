"""Which colour space a clip is in, how we know, and that its outputs are made by it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import OpenImageIO as oiio
import pytest
import torch
from click.testing import CliRunner

from daemon.check import colour_faults
from daemon.cli import main
from daemon.clip import job_key
from daemon.colour import DISPLAY, LINEAR, ColourConfig, Own, choose, convert
from daemon.colour.curves import PQ
from daemon.colour.primaries import REC2020
from daemon.config import AssumeSettings, ClipSettings, ColourSettings, ConfigError, clip_settings, load
from daemon.inbox import scan
from daemon.media import ClipInfo, ColourTags, Frame, VideoTags, find_media, open_sink, open_source
from daemon.plan import Plan
from daemon.publish import Workplace
from daemon.run import Settings, run
from dim_model import nets, weights
from tests.daemon.cases import SIZE, FakeMatter, config, plate, still, trimap, write

STUDIO = """\
ocio_profile_version: 2
roles: {default: light, scene_linear: light, aces_interchange: light}
file_rules:
  - !<Rule> {name: logs, pattern: "*_log*", extension: "*", colorspace: studio log}
  - !<Rule> {name: Default, colorspace: default}
displays:
  monitor:
    - !<View> {name: plain, colorspace: light}
colorspaces:
  - !<ColorSpace> {name: light, encoding: scene-linear}
  - !<ColorSpace>
    name: studio log
    aliases: [slog]
    encoding: log
    from_scene_reference: !<LogCameraTransform>
      {base: 2, lin_side_break: 0.01, log_side_slope: 0.1, log_side_offset: 0.7}
"""


@pytest.fixture(autouse=True)
def _no_config_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OCIO", raising=False)


@pytest.fixture
def studio(tmp_path: Path) -> Path:
    path = tmp_path / "studio.ocio"
    path.write_text(STUDIO)
    return path


def info(encoding: str = "display", **changes: Any) -> ClipInfo:
    kind = "video" if "tags" in changes else "still"
    return ClipInfo(kind, 64, 36, 3, (0,), (), encoding, 8, encoding == "linear", **changes)  # type: ignore[arg-type]


def chosen(
    clip: ClipInfo, *, wanted: str = "auto", name: str = "shot.png", studio: Path | None = None, **assume: str
) -> Any:
    colours = ColourConfig(str(studio) if studio else None)
    return choose(clip, Path("/in") / name, wanted, "shot: colorspace", colours, AssumeSettings(**assume))


def exr(path: Path, rgb: np.ndarray, header: Mapping[str, object] | None = None) -> None:
    """A float EXR of [H, W, 3], with such attributes in its header."""
    depth = oiio.HALF if "acesImageContainerFlag" in (header or {}) else oiio.FLOAT  # as the container must
    spec = oiio.ImageSpec(rgb.shape[1], rgb.shape[0], rgb.shape[2], depth)
    for key, value in (header or {}).items():
        if isinstance(value, tuple):
            spec.attribute(key, oiio.TypeDesc(f"float[{len(value)}]"), value)
        else:
            spec.attribute(key, value)
    file = oiio.ImageOutput.create(str(path))
    assert file.open(str(path), spec)
    assert file.write_image(np.ascontiguousarray(rgb, np.float32))
    file.close()


def read(path: Path) -> np.ndarray:
    pixels = oiio.ImageInput.open(str(path)).read_image(oiio.FLOAT)
    assert pixels is not None
    return np.asarray(pixels)


def tagged(folder: Path, tags: VideoTags, pixels: Sequence[np.ndarray], name: str = "shot") -> ClipInfo:
    """NAME.mkv, lossless, with these tags and a trimap beside it."""
    write(folder / f"{name}_trimap.png", trimap())
    numbers = tuple(range(len(pixels)))
    height, width = SIZE
    like = ClipInfo("video", width, height, 3, numbers, (), "display", 16, False)
    like = replace(like, rate=Fraction(25), time_base=Fraction(1, 25), pts=numbers, tags=tags)
    work = folder.parent / "making"
    work.mkdir()
    with open_sink("ffv1", work, name, like, channels=3) as sink:
        for number, picture in enumerate(pixels):
            sink.write(Frame(number, picture, number))
        sink.commit()
        sink.finish()
    (made,) = work.iterdir()
    made.rename(folder / made.name)
    return like


def make(folder: Path, colour: ColourSettings | None = None, **settings: Any) -> Path:
    """Run the one clip in ``folder``; its result."""
    root = folder.parent / "weights"
    if not root.exists():
        weights.publish(
            root, weights.Card("v1", "swift", "sampled", "x", [], {}), nets.build("swift").state_dict()
        )
        weights.point(root, "v1")
    from daemon.engine import Engine

    class Kept:
        def __init__(self) -> None:
            self.all: list[dict[str, Any]] = []

        def planned(self, state: dict[str, Any], total: int) -> None: ...

        def committed(self, stop: int, figures: Sequence[dict[str, Any]], fps: float) -> None:
            self.all += figures

        def figures(self) -> list[dict[str, Any]]:
            return self.all

    (clip,) = scan(folder)
    given = clip_settings(config(folder.parent).clip.model_validate(settings), clip.settings)
    with Engine(lambda _: FakeMatter(), root) as engine, engine.lease() as lease:
        with Plan(clip, given, max_pixels=10**6, state={}, colour=colour) as plan:
            return run(
                plan, lease, Workplace(folder.parent / "out", clip.name, "k"), "k", 0, Kept(), Settings()
            )


def told(result: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((result / "manifest.json").read_text())
    return content


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


# Which space it is


@pytest.mark.parametrize(
    ("tags", "name"),
    [
        (VideoTags(1, 1, 1), "sRGB Rec.709"),
        (VideoTags(6, 6, 6), "sRGB Rec.709"),
        (VideoTags(1, 13, 1), "sRGB Rec.709"),
        (VideoTags(9, 14, 9), "sRGB Rec.2020"),
        (VideoTags(12, 13, 1), "sRGB P3-D65"),
        (VideoTags(9, 16, 9), "PQ Rec.2020"),
        (VideoTags(2, 16, 2), "PQ Rec.2020"),
        (VideoTags(12, 16, 1), "PQ P3-D65"),
        (VideoTags(9, 18, 9), "HLG Rec.2020"),
        (VideoTags(1, 8, 1), "linear Rec.709"),
    ],
)
def test_a_video_is_what_its_tags_say(tags: VideoTags, name: str) -> None:
    known = chosen(info(tags=tags))
    assert (known.space.name, known.is_assumed, known.warning) == (name, False, None)
    assert known.why.startswith("its tags say")


def test_bt709_video_costs_nothing_and_a_video_without_tags_is_called_assumed() -> None:
    assert chosen(info(tags=VideoTags(1, 1, 1))).space is DISPLAY
    untagged = chosen(info(tags=VideoTags()))
    assert (untagged.space, untagged.is_assumed, untagged.why) == (DISPLAY, True, "no tag says")


def test_a_transfer_that_nobody_knows_is_said() -> None:
    known = chosen(info(tags=VideoTags(1, 10, 1)), name="old.mov")
    assert known.is_assumed
    assert known.warning == (
        "old.mov: its tags name transfer 10 of ITU-T H.273, which dimd does not know; taken as sRGB Rec.709, "
        "set clip: colorspace: if that is wrong."
    )


AP1 = (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33767)


@pytest.mark.parametrize(
    ("header", "name", "is_assumed"),
    [
        ({}, "linear Rec.709", True),
        ({"chromaticities": AP1}, "linear ACEScg (AP1)", False),
        ({"chromaticities": (0.64, 0.33, 0.3, 0.6, 0.15, 0.06, 0.3127, 0.329)}, "linear Rec.709", False),
        ({"chromaticities": (0.7, 0.3, 0.2, 0.7, 0.1, 0.0, 0.3, 0.3)}, "linear of its own primaries", False),
        ({"chromaticities": (0.0,) * 8}, "linear Rec.709", True),
        ({"colorInteropID": "lin_ap1_scene"}, "linear ACEScg (AP1)", False),
        ({"colorSpace": "ACES2065-1"}, "linear ACES2065-1 (AP0)", False),
        ({"colorSpace": "ARRI LogC4"}, "ARRI LogC4", False),
        ({"colorSpace": "linear", "chromaticities": AP1}, "linear ACEScg (AP1)", False),
        ({"compression": "none", "acesImageContainerFlag": 1}, "linear ACES2065-1 (AP0)", False),
    ],
)  # fmt: skip
def test_an_exr_is_what_its_header_says(
    tmp_path: Path, header: dict[str, object], name: str, is_assumed: bool
) -> None:
    exr(tmp_path / "a.exr", np.full((4, 4, 3), 0.5), header)
    (ref,) = find_media(tmp_path)
    with open_source(ref, max_pixels=100) as source:
        known = chosen(source.info, name="a.exr")
    assert (known.space.name, known.is_assumed) == (name, is_assumed)


def test_a_name_that_the_config_lacks_is_said_and_not_obeyed() -> None:
    known = chosen(info(colour=ColourTags("KodakLog")), name="scan.dpx")
    assert (known.space, known.is_assumed) == (DISPLAY, True)
    assert known.warning.startswith("scan.dpx: its header says KodakLog; taken as sRGB Rec.709")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
def test_stills_stay_what_they_were(tmp_path: Path, suffix: str) -> None:
    write(tmp_path / f"a{suffix}", plate())
    (ref,) = find_media(tmp_path)
    with open_source(ref, max_pixels=10**5) as source:
        assert chosen(source.info, name=f"a{suffix}").space is DISPLAY


def test_settings_go_before_the_file_and_the_file_before_rules_and_rules_before_the_guess(
    studio: Path,
) -> None:
    video, silent = info(tags=VideoTags(9, 16, 9)), info(tags=VideoTags())
    assert chosen(video, wanted="ACEScct").space.name == "ACEScct"
    assert chosen(video, name="shot_log.mov", studio=studio).space.name == "PQ Rec.2020"
    ruled = chosen(silent, name="shot_log.mov", studio=studio)
    assert (ruled.space.name, ruled.is_assumed, ruled.why) == ("studio log", False, "the config's file rules")
    assert chosen(silent, name="shot.mov", studio=studio).space is DISPLAY
    assumed = chosen(silent, name="shot.mov", studio=studio, video="slog")
    assert (assumed.space.name, assumed.is_assumed) == ("studio log", True)


def test_the_rules_of_a_built_in_config_are_not_a_studios() -> None:
    """They would call every EXR ACES2065-1."""
    assert chosen(info("linear"), name="shot.exr").space is LINEAR


@pytest.mark.parametrize("given", ["ARRI LogC4", "arri_logc4", "arri logc4", "compositing_log"])
def test_a_space_may_be_named_by_its_aliases_and_roles(given: str) -> None:
    assert chosen(info(), wanted=given).space.name in ("ARRI LogC4", "ACEScct")


@pytest.mark.parametrize(
    ("what", "assume"),
    [(info("linear"), "float_files"), (info(), "integer_files"), (info(tags=VideoTags()), "video")],
)
def test_what_says_nothing_is_what_the_settings_assume(what: ClipInfo, assume: str) -> None:
    known = chosen(what, **{assume: "ACEScg"})
    assert (known.space.name, known.is_assumed) == ("ACEScg", True)
    assert known.why.endswith(f"colour: assume: {assume} does")


def test_ocio_in_the_environment_is_the_studios_config(studio: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCIO", str(studio))
    assert chosen(info(), name="a_log.png").space.name == "studio log"


def test_a_config_that_does_not_relate_to_the_world_is_used_and_said(tmp_path: Path) -> None:
    path = tmp_path / "island.ocio"
    path.write_text(STUDIO.replace(", aces_interchange: light", ""))
    known = chosen(info(), wanted="slog", studio=path)
    assert known.warning == (
        "island.ocio: does not say how its scene_linear relates to other light; taken to have Rec.709's "
        "primaries until it has the role aces_interchange."
    )
    grey = known.space.from_rec709(torch.full((3, 1, 1), 0.18))
    assert torch.allclose(known.space.to_linear(grey), torch.full((3, 1, 1), 0.18), atol=1e-5)


# What is made of it


def soft_log(space: Any) -> tuple[np.ndarray, np.ndarray]:
    """A plate [H, W, 3] in ``space``: red light over green by an even ramp; and the red's own number."""
    height, width = SIZE
    red, green = torch.tensor([2.5, 0.2, 0.1]), torch.tensor([0.05, 0.6, 0.1])
    alpha = torch.linspace(-0.5, 1.5, width).clamp(0, 1).view(1, 1, width)
    light = alpha * red.view(3, 1, 1) + (1 - alpha) * green.view(3, 1, 1)
    rgb = space.from_rec709(light.expand(3, height, width).contiguous())
    return rgb.permute(1, 2, 0).numpy(), space.from_rec709(red.view(3, 1, 1)).flatten().numpy()


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


# What is wrong with it


def test_a_clip_that_names_an_unknown_space_is_refused_in_one_sentence(folder: Path) -> None:
    still(folder)
    (folder / "shot.yaml").write_text("colorspace: ACEScgg\n")
    with pytest.raises(ConfigError) as caught:
        make(folder, colorspace="ACEScgg")
    assert str(caught.value) == (
        "shot: colorspace is 'ACEScgg', which the colour config ocio://studio-config-latest does not have; "
        "did you mean 'ACEScg'?"
    )


def test_a_matte_cannot_be_given_a_colour_space() -> None:
    with pytest.raises(ValueError, match="alpha has no colour, so leave its colorspace out"):
        ClipSettings.model_validate({"outputs": {"alpha": {"colorspace": "ACEScg"}}})


def faults(tmp_path: Path, text: str) -> list[str]:
    (tmp_path / "config.yaml").write_text(text)
    return list(colour_faults(load(tmp_path / "config.yaml")))


def test_sound_colours_have_no_faults(tmp_path: Path, studio: Path) -> None:
    assert faults(tmp_path, "") == []
    assert faults(tmp_path, "colour: {config: studio.ocio}\nclip: {colorspace: slog}") == []
    assert faults(tmp_path, "colour: {config: 'ocio://default', assume: {video: ACEScg}}") == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("colour: {config: none.ocio}", "none.ocio is no config that OpenColorIO can use"),
        ("colour: {config: 'ocio://nope'}", "Could not find 'nope' in the built-in configurations"),
        ("colour: {config: broken.ocio}", "broken.ocio is no config that OpenColorIO can use"),
        ("colour: {config: dark.ocio}", "dark.ocio has no role scene_linear; give it one."),
        ("colour: {config: hollow.ocio}\nclip: {colorspace: slog}", "there is no table.cube"),
        ("clip: {colorspace: slog3_sgamut}", "clip: colorspace is 'slog3_sgamut', which the colour config"),
        ("clip: {bg_colorspace: acescq}", "did you mean 'ACEScg'?"),
        ("clip: {outputs: {premult: {colorspace: x}}}", "clip: outputs: premult: colorspace is 'x'"),
        ("colour: {assume: {video: rec710}}", "colour: assume: video is 'rec710'"),
    ],
)
def test_what_is_wrong_with_colours_is_one_sentence(
    tmp_path: Path, studio: Path, text: str, sentence: str
) -> None:
    (tmp_path / "broken.ocio").write_text("ocio_profile_version: 2\nroles: {a\n")
    (tmp_path / "dark.ocio").write_text(STUDIO.replace("scene_linear: light", "compositing_log: light"))
    table = "!<FileTransform> {src: there is no table.cube}"
    (tmp_path / "hollow.ocio").write_text(
        STUDIO[: STUDIO.index("!<LogCamera")] + table + "\n" + "search_path: luts\n"
    )
    (fault,) = faults(tmp_path, text)
    assert sentence in fault
    assert "\n" not in fault
    assert fault[-1] in ".?"


def test_a_broken_config_in_the_environment_is_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCIO", str(tmp_path / "gone.ocio"))
    (fault,) = faults(tmp_path, "")
    assert fault.startswith(f"$OCIO: {tmp_path / 'gone.ocio'} is no config that OpenColorIO can use")
    assert faults(tmp_path, "colour: {config: 'ocio://default'}") == []


@pytest.mark.parametrize("command", [["check"], ["--once"]])
def test_broken_colours_stop_the_daemon_before_it_starts(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "config.yaml").write_text("colour: {config: none.ocio}\nmetrics: {port: null}\n")
    done = CliRunner().invoke(main, ["--config", str(tmp_path / "config.yaml"), *command])
    assert done.exit_code == 2
    assert f"colour: config: {tmp_path / 'none.ocio'} is no config" in done.stderr


def test_a_job_is_another_where_another_config_is_named_and_the_same_where_none_is(
    folder: Path, studio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    still(folder)
    (clip,) = scan(folder)
    plain = job_key(clip, ClipSettings())
    assert job_key(clip, ClipSettings(), ColourSettings()) == plain
    named = job_key(clip, ClipSettings(), ColourSettings(config=str(studio)))
    monkeypatch.setenv("OCIO", str(studio))
    assert len({plain, named, job_key(clip, ClipSettings(), ColourSettings())}) == 3


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
