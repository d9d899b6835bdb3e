"""Which colour space a clip is in, and how we know."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest
import torch

from daemon.colour import DISPLAY, LINEAR
from daemon.media import ClipInfo, ColourTags, FrameSource, VideoTags, find_media, open_source
from tests.daemon.cases import SIZE, plate, write
from tests.daemon.colour_cases import AP1, STUDIO, chosen, exr, info
from tests.daemon.stills import picture

pytestmark = pytest.mark.usefixtures("no_config_of_this_machine")


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


@pytest.mark.parametrize(
    ("codes", "name", "is_assumed"),
    [
        ((12, 1), "sRGB P3-D65", False),
        ((12, 13), "sRGB P3-D65", False),
        ((9, 14), "sRGB Rec.2020", False),
        ((9, 16), "PQ Rec.2020", False),
        ((9, 18), "HLG Rec.2020", False),
        ((1, 8), "linear Rec.709", False),
        ((1, 1), "sRGB Rec.709", False),
        ((2, 2), "sRGB Rec.709", True),
        ((1, 17), "sRGB Rec.709", True),
    ],
)
def test_a_png_is_what_its_code_points_say(
    tmp_path: Path, codes: tuple[int, int], name: str, is_assumed: bool
) -> None:
    picture(tmp_path / "a.png", np.full((*SIZE, 3), 99, np.uint8), "uint8", CICP=("int[4]", (*codes, 0, 1)))
    (ref,) = find_media(tmp_path)
    with open_source(ref, max_pixels=10**6) as source:
        known = chosen(source.info, name="a.png")
    assert (known.space.name, known.is_assumed) == (name, is_assumed)
    assert (known.warning is not None) == (codes[1] == 17)


def dpx(folder: Path, transfer: str, **attributes: str) -> FrameSource:
    spec = oiio.ImageSpec(8, 8, 3, "uint16")
    spec.attribute("oiio:BitsPerSample", 10)
    for name, value in {"dpx:Transfer": transfer, **attributes}.items():
        spec.attribute(name, value)
    file = oiio.ImageOutput.create(str(folder / "scan.dpx"))
    assert file.open(str(folder / "scan.dpx"), spec)
    assert file.write_image(np.full((8, 8, 3), 0.5, np.float32))
    assert file.close()
    (ref,) = find_media(folder)
    return open_source(ref, max_pixels=100)


@pytest.mark.parametrize(
    ("transfer", "says"),
    [
        ("Printing density", "scan.dpx: its header says Printing density; taken as sRGB Rec.709, "),
        ("Logarithmic", "scan.dpx: its header says KodakLog; taken as sRGB Rec.709, "),
        ("SMPTE 274M", None),
        ("User defined", None),
    ],
)
def test_a_scan_in_densities_is_told_and_not_taken_for_a_picture_in_silence(
    tmp_path: Path, transfer: str, says: str | None
) -> None:
    with dpx(tmp_path, transfer) as source:
        known = chosen(source.info, name="scan.dpx")
    assert (known.space, known.is_assumed) == (DISPLAY, True)
    assert known.warning is None if says is None else known.warning.startswith(says)


@pytest.mark.parametrize(("software", "space"), [("Lavc61.19.100", DISPLAY), ("a scanner", LINEAR)])
def test_a_dpx_that_ffmpeg_calls_linear_as_it_does_each_says_nothing(
    tmp_path: Path, software: str, space: object
) -> None:
    with dpx(tmp_path, "Linear", Software=software) as source:
        assert chosen(source.info, name="scan.dpx").space == space


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
