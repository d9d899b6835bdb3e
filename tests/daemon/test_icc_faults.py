"""Profiles that cannot be read, or are for other colours, are told with the file and the mend."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest
import torch
from PIL import Image

from daemon.colour import DISPLAY, icc
from daemon.media import MediaError, find_media, open_source
from tests.daemon import profiles
from tests.daemon.icc_cases import (
    ADOBE_RGB,
    MONITOR,
    P3,
    SRGB_TABLE,
    colours,
    told,
    with_profile,
)
from tests.daemon.profiles import curv, table
from tests.daemon.stills import HEIGHT, WIDTH


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
