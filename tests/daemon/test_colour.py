"""Colour: there and back exactly enough, by the numbers of the standards, and never brighter than a network
expects.
"""

from __future__ import annotations

import math
import shutil
import subprocess

import numpy as np
import pytest
import torch

from daemon.colour import DISPLAY, LINEAR, ColourConfig, ColourSpace, Own, convert
from daemon.colour.curves import HLG, PQ, SRGB
from daemon.colour.primaries import AP0, AP1, P3_D65, REC2020

CONFIG = ColourConfig("ocio://studio-config-latest")


def ocio(name: str) -> ColourSpace:
    return CONFIG.space(name, "a test")


def colour(*numbers: float) -> torch.Tensor:
    return torch.tensor(numbers, dtype=torch.float32).view(3, 1, 1)


def grey(number: float) -> torch.Tensor:
    return colour(number, number, number)


def patches() -> torch.Tensor:
    """Colours from deep shadow to far above white, some outside every triangle: float32 [3, 8, 64]."""
    generator = torch.Generator().manual_seed(1)
    scales = torch.logspace(-3, 1.2, 8).view(1, 8, 1)
    return (torch.rand(3, 8, 64, generator=generator) - 0.1) * scales


SPACES = {
    "display": DISPLAY,
    "linear": LINEAR,
    "PQ": Own(PQ, REC2020),
    "HLG": Own(HLG, REC2020),
    "P3": Own(SRGB, P3_D65, rolled=False),
    "ACEScg": ocio("ACEScg"),
    "sRGB": ocio("sRGB - Texture"),
    "LogC3": ocio("ARRI LogC3 (EI800)"),
    "LogC4": ocio("ARRI LogC4"),
}


@pytest.mark.parametrize("name", SPACES)
def test_light_and_back_is_the_same_number_above_white_and_below_black_too(name: str) -> None:
    space, light = SPACES[name], patches()
    rgb = space.from_rec709(light)
    assert torch.allclose(space.from_linear(space.to_linear(rgb)), rgb, atol=1e-5, rtol=1e-5)
    off = (space.to_rec709(rgb) - light).abs() / (0.1 + light.abs().amax(0))
    assert off.max() < 5e-4
    assert space.to_rec709(rgb).max() > 10
    assert space.to_rec709(rgb).min() < -1


@pytest.mark.parametrize(("code", "light"), [(0.0, 0.0), (0.04045, 0.0031308), (0.5, 0.2140411), (1.0, 1.0)])
def test_srgb_by_its_standard(code: float, light: float) -> None:
    assert float(DISPLAY.to_linear(torch.tensor(code))) == pytest.approx(light, abs=1e-6)


@pytest.mark.parametrize(
    ("candelas", "code"),
    [(0, 0.0), (0.1, 0.0623), (100, 0.5081), (203, 0.5807), (1000, 0.7518), (4000, 0.9026), (10_000, 1.0)],
)
def test_pq_by_bt2100_and_bt2408(candelas: float, code: float) -> None:
    """203 cd/m² is HDR reference white, and 1 in light."""
    light = torch.tensor(candelas / 203)
    assert float(PQ.from_light(light)) == pytest.approx(code, abs=1e-4)
    assert float(PQ.to_light(PQ.from_light(light))) == pytest.approx(candelas / 203, rel=1e-4)


@pytest.mark.parametrize(
    ("code", "scene"), [(0.0, 0.0), (0.25, 1 / 48), (0.5, 1 / 12), (0.75, 0.26496), (1.0, 1.0)]
)
def test_hlg_by_bt2100(code: float, scene: float) -> None:
    """Scene light of 0..1 as the standard has it, over that of reference white, which is the code 0.75."""
    assert float(HLG.to_light(torch.tensor(code))) == pytest.approx(scene / 0.26496, rel=1e-4)
    assert float(HLG.from_light(torch.tensor(scene / 0.26496))) == pytest.approx(code, abs=1e-4)


def zscaled(transfer: str, codes: np.ndarray) -> np.ndarray:
    """Light of codes [N] as zimg has it, 203 cd/m² as 1, by FFmpeg's filter."""
    if shutil.which("ffmpeg") is None or " zscale " not in ffmpeg("-filters").decode():
        pytest.skip("there is no ffmpeg with zscale here")
    planes = np.tile(codes.astype("<f4"), (3, 8, 1))
    raw = ("-f", "rawvideo", "-pix_fmt", "gbrpf32le")
    kind = "primariesin=2020:matrixin=gbr:rangein=full:primaries=2020:matrix=gbr:range=full"
    chain = f"zscale=transferin={transfer}:transfer=linear:npl=203:{kind}"
    made = ffmpeg(*raw, "-s", f"{len(codes)}x8", "-i", "-", "-vf", chain, *raw, "-", data=planes.tobytes())
    return np.frombuffer(made, "<f4").reshape(planes.shape)[0, 0]


def ffmpeg(*arguments: str, data: bytes = b"") -> bytes:
    command = ["ffmpeg", "-v", "error", *arguments]
    return subprocess.run(command, input=data, capture_output=True, check=True, timeout=30).stdout


def test_pq_and_hlg_agree_with_zimg() -> None:
    """zimg takes HLG through the OOTF of a display of 1000 cd/m², gamma 1.2, to what that shows."""
    codes = np.linspace(0.02, 1, 256, dtype=np.float32)
    pq, hlg = (curve.to_light(torch.from_numpy(codes)).numpy() for curve in (PQ, HLG))
    np.testing.assert_allclose(pq, zscaled("smpte2084", codes), rtol=1e-3)
    shown = (hlg * 0.264963) ** 1.2 * 1000 / 203
    np.testing.assert_allclose(shown, zscaled("arib-std-b67", codes), rtol=2e-3)


@pytest.mark.parametrize("space", [Own(PQ, REC2020), Own(HLG, REC2020)])
def test_hdr_whites_are_white_whatever_their_primaries(space: Own) -> None:
    assert torch.allclose(convert(space.from_linear(grey(1)), space, LINEAR), grey(1), atol=1e-4)


def test_pq_agrees_with_opencolorio() -> None:
    """The config has 100 cd/m² as 1 where we have 203."""
    codes = torch.linspace(0.05, 0.9, 60).view(3, 1, 20)
    ours = convert(codes, Own(PQ, REC2020), LINEAR) * 2.03
    theirs = convert(codes, ocio("Rec.2100-PQ - Display"), LINEAR)
    assert torch.allclose(ours, theirs, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize(
    ("name", "primaries"),
    [("ACEScg", AP1), ("ACES2065-1", AP0), ("Linear Rec.2020", REC2020), ("Linear P3-D65", P3_D65)],
)
def test_primaries_of_a_header_are_those_of_the_config(name: str, primaries: tuple[float, ...]) -> None:
    ours = Own(LINEAR.transfer, primaries)  # type: ignore[arg-type]
    assert ocio(name).chromaticities == primaries
    light = patches()
    assert torch.allclose(ours.to_rec709(light), ocio(name).to_rec709(light), rtol=1e-3, atol=1e-3)


def test_acescg_linear_rec709_and_srgb_have_the_known_numbers() -> None:
    """AP1's red is outside Rec.709: the numbers are those of the ACES matrix, Bradford-adapted."""
    acescg, srgb = ocio("ACEScg"), ocio("sRGB - Texture")
    expected = colour(1.70505, -0.13026, -0.02400)
    assert torch.allclose(convert(colour(1, 0, 0), acescg, LINEAR), expected, atol=1e-4)
    assert torch.allclose(convert(expected, LINEAR, acescg), colour(1, 0, 0), atol=1e-4)
    assert torch.allclose(convert(grey(0.18), acescg, srgb), grey(0.46136), atol=1e-4)
    assert torch.allclose(convert(grey(0.18), acescg, DISPLAY), grey(0.46136), atol=1e-4)
    assert torch.allclose(convert(grey(0.46136), DISPLAY, acescg), grey(0.18), atol=1e-4)


def logc4(code: float) -> float:
    """ARRI LogC4 Specification, 2022: scene-linear exposure of a code value."""
    a, b, c = (2**18 - 16) / 117.45, (1023 - 95) / 1023, 95 / 1023
    s, t = (7 * math.log(2) * 2 ** (7 - 14 * c / b)) / (a * b), (2 ** (14 * (-c / b) + 6) - 64) / a
    return (2 ** (14 * ((code - c) / b) + 6) - 64) / a if code >= 0 else code * s + t


def logc3(code: float) -> float:
    """ARRI, ALEXA LogC Curve, 2017: SUP 3 and above, EI 800, scene-linear exposure."""
    cut, a, b, c, d, e, f = 0.010591, 5.555556, 0.052272, 0.247190, 0.385537, 5.367655, 0.092809
    return float((10 ** ((code - d) / c) - b) / a if code > e * cut + f else (code - f) / e)


@pytest.mark.parametrize(("name", "curve"), [("ARRI LogC4", logc4), ("ARRI LogC3 (EI800)", logc3)])
@pytest.mark.parametrize("code", [0.05, 0.0928, 0.2, 0.28, 0.391, 0.5, 0.75, 0.95, 1.0])
def test_camera_logs_follow_the_makers_formula(name: str, curve: object, code: float) -> None:
    """Of greys, which no matrix changes."""
    light = curve(code)  # type: ignore[operator]
    assert float(ocio(name).to_linear(grey(code))[1]) == pytest.approx(light, rel=1e-4, abs=1e-4)
    assert float(ocio(name).from_linear(grey(light))[1]) == pytest.approx(code, abs=1e-4)


def test_linear_files_are_left_alone() -> None:
    rgb = torch.tensor([-1.0, 0.18, 40.0])
    assert LINEAR.to_linear(rgb) is rgb
    assert LINEAR.from_linear(rgb) is rgb
    assert ocio("ACEScg").to_linear(rgb) is rgb  # the config's own scene_linear


def test_a_plate_is_not_changed_by_being_looked_at() -> None:
    for space in SPACES.values():
        rgb = patches()
        space.view(rgb), space.to_linear(rgb), space.to_rec709(rgb)
        assert torch.equal(rgb, patches())


@pytest.mark.parametrize("name", ["linear", "ACEScg", "LogC4", "PQ", "HLG"])
def test_a_network_sees_numbers_from_0_to_1_in_order(name: str) -> None:
    space = SPACES[name]
    steps = (-0.01, 0.0, 0.18, 0.8, 1.0, 4.0, 30.0)
    view = space.view(torch.cat([space.from_rec709(grey(light)) for light in steps], 2))[0, 0]
    assert view.min() == 0
    assert view.max() <= 1
    assert (view.diff()[1:5] > 0).all()
    assert float(view[2]) == pytest.approx(0.4614, abs=1e-3)  # mid grey is where a display shows it


@pytest.mark.parametrize("name", ["P3", "sRGB"])
def test_what_was_made_for_a_display_is_seen_as_it_is_to_its_white(name: str) -> None:
    view = SPACES[name].view(torch.cat([grey(0.5), grey(0.95), grey(1.0)], 2))
    assert view[0, 0].tolist() == pytest.approx([0.5, 0.95, 1.0], abs=1e-3)


@pytest.mark.parametrize("name", SPACES)
def test_what_is_no_number_does_not_reach_the_network(name: str) -> None:
    view = SPACES[name].view(torch.tensor([float("nan"), float("inf"), float("-inf")]).expand(3, 1, 3))
    assert torch.isfinite(view).all()
    assert view.min() >= 0
    assert view.max() <= 1
