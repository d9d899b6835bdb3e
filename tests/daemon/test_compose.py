"""What comes out of a frame: the plate where it is opaque, light mixed as light where it is not."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest
import torch

from daemon.background import Flat, Picture
from daemon.colour import DISPLAY, LINEAR, ColourConfig, ColourSpace, Own, convert
from daemon.colour.curves import HLG, PQ
from daemon.colour.primaries import REC2020
from daemon.compose import CHANNELS, compose
from daemon.media import VideoTags, find_media, open_source
from daemon.treatment import Treatment
from daemon.trimaps import Sidecar
from tests.daemon.cases import plate, write
from tests.daemon.mixed import by_numbers, mixed

CONFIG = ColourConfig("ocio://studio-config-latest")
ALL = ("alpha", "foreground", "premult", "composite")
RED, GREEN, BLUE = (
    torch.tensor(colour).view(3, 1, 1) for colour in ([0.8, 0.3, 0.2], [0.1, 0.5, 0.2], [0.1, 0.2, 0.9])
)
SHARE = torch.linspace(-0.5, 1.5, 64).clamp(0, 1).expand(1, 32, 64).contiguous()
"""Of red light in ``soft_frame``."""


def soft_frame() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A soft edge between two flat colours, mixed in light: plate, alpha by numbers, a blue background."""
    plate, alpha = mixed(RED, GREEN, SHARE)
    return plate, alpha, BLUE.expand(3, 32, 64).contiguous()


def test_every_output_has_its_channels() -> None:
    made = compose(*soft_frame(), DISPLAY, ALL)
    assert {name: picture.shape[2] for name, picture in made.items()} == CHANNELS


def test_opaque_pixels_are_the_plate_bit_for_bit() -> None:
    rgb, alpha, blue = soft_frame()
    rgb = torch.rand_like(rgb)
    made = compose(rgb, alpha, blue, DISPLAY, ALL)
    opaque = alpha[0].numpy() == 1
    for name in ("foreground", "premult", "composite"):
        np.testing.assert_array_equal(made[name][opaque][:, :3], rgb.permute(1, 2, 0).numpy()[opaque])


def test_the_foreground_is_free_of_the_old_background() -> None:
    made = compose(*soft_frame(), DISPLAY, ["foreground"])["foreground"]
    plate = soft_frame()[0].permute(1, 2, 0).numpy()
    seen = (made[..., 3] > 0.1) & (made[..., 3] < 1)
    left, before = (np.abs(p[seen][:, :3] - [0.8, 0.3, 0.2]).mean() for p in (made, plate))
    assert left < 0.3 * before


def test_the_composite_is_mixed_in_light() -> None:
    made = compose(*soft_frame(), DISPLAY, ["composite"])["composite"]
    expected = mixed(RED, BLUE, SHARE)[0].permute(1, 2, 0).numpy()
    assert np.abs(made - expected).mean() < 0.01


@pytest.mark.parametrize("outputs", [["alpha"], ALL])
def test_alpha_becomes_the_share_of_light(outputs: list[str]) -> None:
    plate, alpha, blue = soft_frame()
    made = compose(plate, alpha, blue, DISPLAY, outputs)
    off, before = (np.abs(a - SHARE[0].numpy()).max() for a in (made["alpha"][..., 0], alpha[0].numpy()))
    assert off < 0.2 * before
    for name in {"foreground", "premult"} & set(made):
        np.testing.assert_array_equal(made[name][..., 3:], made["alpha"])
    known = (alpha[0] == 0) | (alpha[0] == 1)
    np.testing.assert_array_equal(made["alpha"][known, 0], alpha[0][known])


@pytest.mark.parametrize("space", [DISPLAY, LINEAR])
def test_what_was_mixed_by_numbers_is_taken_apart_and_laid_over_by_numbers(space: ColourSpace) -> None:
    shown = SHARE * RED + (1 - SHARE) * GREEN
    plate, blue = (space.from_linear(DISPLAY.to_linear(c.expand(3, 32, 64))) for c in (shown, BLUE))
    made = compose(plate, SHARE, blue, space, ALL, mixing="display")
    np.testing.assert_array_equal(made["alpha"][..., 0], SHARE[0])
    composite = DISPLAY.from_linear(space.to_linear(torch.from_numpy(made["composite"]).permute(2, 0, 1)))
    assert (composite - (SHARE * RED + (1 - SHARE) * BLUE)).abs().max() < 0.02
    foreground = torch.from_numpy(made["foreground"]).permute(2, 0, 1)[:3]
    seen = (SHARE > 0.3)[0]
    assert (foreground - space.from_linear(DISPLAY.to_linear(RED))).abs()[:, seen].max() < 0.05


@pytest.mark.parametrize(
    "space",
    [Own(PQ, REC2020), Own(HLG, REC2020), *(CONFIG.space(n, "a test") for n in ("ARRI LogC4", "ACEScg"))],
    ids=lambda space: space.name,
)
def test_light_is_mixed_as_light_and_opaque_pixels_stay_in_every_space(space: ColourSpace) -> None:
    """A red brighter than white over green, in a log, in HDR video, in ACEScg."""
    red, green, blue = (
        torch.tensor(c).view(3, 1, 1).expand(3, 32, 64)
        for c in ([6.0, 0.3, 0.2], [0.1, 0.5, 0.2], [0.0, 0, 2])
    )
    light = SHARE * red + (1 - SHARE) * green
    plate_ = space.from_rec709(light)
    own = (space.to_linear(space.from_rec709(side)) for side in (light, red, green))
    made = compose(plate_, by_numbers(*own, SHARE), space.from_rec709(blue), space, ALL)
    opaque, bits = SHARE[0].numpy() == 1, plate_.permute(1, 2, 0).numpy()
    for name in ("foreground", "premult", "composite"):
        np.testing.assert_array_equal(made[name][opaque][:, :3], bits[opaque])
    composite = space.to_rec709(torch.from_numpy(made["composite"]).permute(2, 0, 1))
    off = (composite - (SHARE * red + (1 - SHARE) * blue)).abs()
    assert off.mean() < 0.02  # of 6
    np.testing.assert_array_equal(
        made["premult"][..., :3], made["foreground"][..., :3] * made["premult"][..., 3:]
    )


def test_an_output_of_another_space_is_converted_before_it_is_premultiplied() -> None:
    rgb, alpha, blue = soft_frame()
    log = CONFIG.space("ARRI LogC4", "a test")
    into = {"premult": log, "composite": LINEAR}
    plain, made = compose(rgb, alpha, blue, DISPLAY, ALL), compose(rgb, alpha, blue, DISPLAY, ALL, into)
    np.testing.assert_array_equal(made["foreground"], plain["foreground"])
    np.testing.assert_array_equal(made["alpha"], plain["alpha"])
    straight = torch.from_numpy(plain["foreground"][..., :3]).permute(2, 0, 1)
    expected = convert(straight, DISPLAY, log).permute(1, 2, 0).numpy() * plain["alpha"]
    np.testing.assert_array_equal(made["premult"][..., :3], expected)
    composite = DISPLAY.to_linear(torch.from_numpy(plain["composite"])).numpy()
    np.testing.assert_array_equal(made["composite"], composite)


def test_premultiplied_is_straight_times_alpha() -> None:
    made = compose(*soft_frame(), DISPLAY, ["foreground", "premult"])
    straight, premult = made["foreground"], made["premult"]
    np.testing.assert_allclose(premult[..., :3], straight[..., :3] * straight[..., 3:], atol=1e-6)


def test_scene_linear_highlights_survive() -> None:
    rgb, alpha, blue = soft_frame()
    made = compose(30 * rgb, alpha, blue, LINEAR, ALL)
    assert made["foreground"][..., :3].max() > 15
    assert made["composite"].max() > 15


def test_a_background_of_another_size_and_encoding_fills_the_frame(tmp_path: Path) -> None:
    write(tmp_path / "bg.png", plate(3, (50, 50)))
    (ref,) = find_media(tmp_path)
    with open_source(ref, max_pixels=10**6) as source:
        sidecar = Sidecar("bg.png", source, source.info, pytest.fail)
        behind = replace(source.info, width=64, height=32)
        display = Picture(sidecar, behind, DISPLAY, (64, 32)).at(1001, 0)
        linear = Picture(sidecar, behind, LINEAR, (64, 32)).at(1001, 5)
    assert display.shape == linear.shape == (3, 32, 64)
    assert torch.allclose(DISPLAY.from_linear(linear), display, atol=1e-5)


@pytest.mark.parametrize(("plates", "own"), [(90, 0), (0, -90), (180, 90), (90, 90)])
def test_a_background_stands_as_players_show_the_plate(tmp_path: Path, plates: int, own: int) -> None:
    picture = np.zeros((32, 32, 3), np.uint8)
    picture[:16] = 255
    write(tmp_path / "bg.png", picture)
    (ref,) = find_media(tmp_path)
    with open_source(ref, max_pixels=10**6) as source:
        sidecar = Sidecar("bg.png", source, source.info, pytest.fail)
        sidecar.info = replace(source.info, tags=VideoTags(rotation=own))
        behind = replace(source.info, tags=VideoTags(rotation=plates))
        made = Picture(sidecar, behind, DISPLAY, (32, 32)).at(0, 0).permute(1, 2, 0).numpy()
    shown = np.rot90(made, plates // 90)  # as a player turns the plate, and below the background alone
    np.testing.assert_allclose(shown, np.rot90(picture, own // 90) / 255, atol=1e-6)


@pytest.mark.parametrize(
    ("size", "own", "plates", "rotation", "wide"),
    [
        ((192, 108), 1, Fraction(4, 3), 0, 30),  # HDV: 1440 x 1080 are shown as 1920 x 1080
        ((192, 108), 1, 1, 0, 40),
        ((192, 108), 2, 1, 0, 80),
        ((144, 108), Fraction(4, 3), Fraction(4, 3), 0, 40),
        ((144, 108), 1, Fraction(4, 3), 0, 40),  # made for the plate
        ((108, 192), 1, Fraction(4, 3), 90, 30),
    ],
)
def test_a_circle_behind_pixels_that_are_not_square_is_one_where_they_are_shown(
    tmp_path: Path, size: tuple[int, int], own: Fraction, plates: Fraction, rotation: int, wide: int
) -> None:
    """wide: the circle in the plate's raster, in which it is 40 high."""
    width, height = size
    write(tmp_path / "bg.png", disc(width, height, 20))
    (ref,) = find_media(tmp_path)
    with open_source(ref, max_pixels=10**6) as source:
        sidecar = Sidecar("bg.png", source, source.info, pytest.fail)
        sidecar.info = replace(source.info, pixel_aspect=Fraction(own))
        tags = VideoTags(rotation=rotation)
        behind = replace(source.info, width=144, height=108, pixel_aspect=Fraction(plates), tags=tags)
        made = Picture(sidecar, behind, DISPLAY, (144, 108)).at(0, 0)[0] > 0.5
    assert made.shape == (108, 144)
    found = int(made.any(0).sum()), int(made.any(1).sum())
    assert found == pytest.approx((wide, 40), abs=2)


def disc(width: int, height: int, radius: int) -> np.ndarray:
    rows, columns = np.mgrid[0:height, 0:width]
    inside = np.hypot(columns - width / 2, rows - height / 2) < radius
    return np.repeat(inside[..., None] * np.uint8(255), 3, -1)


@pytest.mark.parametrize("name", ["bg.exr", "bg.tif", "bg.png"])
def test_what_stands_beside_with_alpha_is_the_picture_that_it_shows(tmp_path: Path, name: str) -> None:
    """A premultiplied file by its own numbers, a straight cut-out before black: soft edges stay soft."""
    alpha = np.clip(np.linspace(-0.5, 1.5, 64), 0, 1, dtype=np.float32)[None, :, None].repeat(32, 0)
    straight = np.where(alpha > 0, np.float32([0.9, 0.6, 0.3]), 0).astype(np.float32)
    spec = oiio.ImageSpec(64, 32, 4, "half" if name == "bg.exr" else "uint16")
    is_straight = name == "bg.png"
    spec.attribute("oiio:UnassociatedAlpha", int(is_straight))
    file = oiio.ImageOutput.create(str(tmp_path / name))
    assert file.open(str(tmp_path / name), spec)
    assert file.write_image(np.dstack([straight if is_straight else straight * alpha, alpha]))
    assert file.close()
    (ref,) = find_media(tmp_path)
    with open_source(ref, max_pixels=10**6) as source:
        sidecar = Sidecar(name, source, source.info, pytest.fail, DISPLAY)
        made = Picture(sidecar, source.info, DISPLAY, (64, 32)).at(0, 0).permute(1, 2, 0).numpy()
    np.testing.assert_allclose(made, straight * alpha, atol=1e-3)


def test_a_checker_has_two_greys_and_a_colour_has_one() -> None:
    assert len(Flat.named("checker", (64, 64), DISPLAY).at(0, 0).unique()) == 2
    flat = Flat.named("#ff8000", (8, 8), LINEAR).at(0, 0)
    assert flat[:, 0, 0].tolist() == pytest.approx([1.0, 0.2159, 0.0], abs=1e-3)


def test_a_background_sequence_goes_by_number_and_its_ends_stand(tmp_path: Path) -> None:
    for n in (1003, 1004, 1006):
        write(tmp_path / f"bg/bg.{n}.png", np.full((8, 8, 3), n - 1000, np.uint8))
    (ref,) = find_media(tmp_path / "bg")
    with open_source(ref, max_pixels=10**6) as source:

        def picture() -> Picture:
            return Picture(Sidecar("bg", source, source.info, pytest.fail), source.info, DISPLAY, (8, 8))

        def shown(background: Picture, index: int) -> int:
            return round(float(background.at(1001 + index, index)[0, 0, 0]) * 255)

        through = picture()
        assert [shown(through, index) for index in range(8)] == [3, 3, 3, 4, 4, 6, 6, 6]
        # A resumed run begins in the middle, and must see the same.
        assert [shown(picture(), index) for index in range(8)] == [3, 3, 3, 4, 4, 6, 6, 6]


def test_a_pixel_that_is_no_number_spoils_no_other() -> None:
    plate_ = torch.rand(3, 64, 64)
    plate_[:, 10, 30], plate_[:, 40, 50] = torch.nan, torch.inf
    alpha = torch.zeros(1, 64, 64)
    alpha[..., 20:44], alpha[..., 44:] = 0.5, 1.0
    background = torch.zeros(3, 64, 64)
    made = compose(plate_, alpha, background, LINEAR, ["foreground", "premult", "composite"])
    for picture in made.values():
        strange = ~np.isfinite(picture).all(-1)
        assert set(zip(*np.nonzero(strange), strict=True)) <= {(10, 30), (40, 50)}
    np.testing.assert_array_equal(made["foreground"][:, 44:, :3], plate_.permute(1, 2, 0)[:, 44:].numpy())


@pytest.mark.parametrize("space", [DISPLAY, LINEAR])
@pytest.mark.parametrize("number", [1e38, -1e38, 1e16, 1e-40])
def test_a_number_beyond_all_measure_ends_nothing(space: ColourSpace, number: float) -> None:
    """As a damaged float file has them."""
    plate_, alpha = torch.rand(3, 64, 64), torch.zeros(1, 64, 64)
    plate_[1, 10, 30] = number
    alpha[..., 20:44], alpha[..., 44:] = 0.5, 1.0
    made = compose(plate_, alpha, torch.zeros(3, 64, 64), space, ALL)
    assert 0 < made["alpha"][:, 20:44].min() <= made["alpha"][:, 20:44].max() < 1
    assert all(np.isfinite(picture[:10]).all() for picture in made.values())
    np.testing.assert_array_equal(made["foreground"][:, 44:, :3], plate_.permute(1, 2, 0)[:, 44:].numpy())


def test_where_all_is_known_no_light_is_asked_for_and_the_plate_is_the_foreground(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen, background = torch.rand(3, 12, 16), torch.rand(3, 12, 16)
    alpha = (torch.rand(1, 12, 16) > 0.5).float()
    with monkeypatch.context() as forced:
        forced.setattr(Treatment, "is_for_known", True)
        lit = compose(seen, alpha, background, DISPLAY, ALL)
    monkeypatch.setattr("daemon.mixture.mixed_colours", None)
    made = compose(seen, alpha, background, DISPLAY, ALL)
    assert all((made[name] == lit[name]).all() for name in ALL)
    expected = torch.where(alpha > 0, seen, background).permute(1, 2, 0).numpy()
    assert (made["composite"] == expected).all()
