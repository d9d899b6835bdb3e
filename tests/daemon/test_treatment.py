"""Despill and extension as a clip asks for them: what changes, and what must not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from skimage import data as photographs
from skimage.transform import resize
from torch import Tensor

from daemon.colour import DISPLAY, LINEAR, ColourSpace
from daemon.compose import compose
from daemon.config import ForegroundSettings
from daemon.engine import Engine
from daemon.treatment import PLAIN, Treatment
from dim_model.screen import Screen
from tests.daemon.cases import still, write
from tests.daemon.mixed import mixed
from tests.daemon.test_chroma import picture, planned
from tests.daemon.test_run import engine, make  # noqa: F401  (a fixture)

ALL = ("alpha", "foreground", "premult", "composite")
GREEN = {"screen": Screen((0.1, 0.7, 0.2), 0.5).to_dict()}
BLUE = {"screen": Screen((0.1, 0.2, 0.7), 0.5).to_dict()}


def treatment(trimap: dict[str, Any] | None = None, **settings: object) -> Treatment:
    return Treatment.of(ForegroundSettings.model_validate(settings), trimap or {}, 1920, 1080)


def spilt() -> tuple[Tensor, Tensor, Tensor]:
    """A person's picture before a green screen, whose light falls on the edge of it: plate and true
    foreground, scene-linear [3, 128, 128], and alpha by numbers. The truth has no colour greener than its
    red and blue.
    """
    size = 128
    photo = resize(photographs.astronaut(), (size, size), anti_aliasing=True).astype(np.float32)
    true = DISPLAY.to_linear(torch.from_numpy(photo).permute(2, 0, 1).contiguous())
    true[1] = torch.minimum(true[1], (true[0] + true[2]) / 2)
    y, x = torch.meshgrid(torch.arange(float(size)), torch.arange(float(size)), indexing="ij")
    depth = size * 0.4 - torch.hypot(y - size / 2, x - size / 2)
    alpha = (depth / 10).clamp(0, 1)[None]
    light = torch.tensor([0.02, 0.25, 0.04]).view(3, 1, 1) * torch.exp(-(depth / 20).clamp_min(0))
    green = torch.tensor([0.05, 0.5, 0.1]).view(3, 1, 1)
    plate, by_numbers = mixed(true + light, green, alpha, LINEAR)
    return plate, true, by_numbers


def grey(like: Tensor) -> Tensor:
    return torch.full_like(like, 0.3)


def error(name: str, treated: Treatment, where: Tensor) -> float:
    """Of an output of the scene above, in the pixels ``where``, bool [H, W]."""
    plate, true, alpha = spilt()
    outputs = compose(plate, alpha, grey(plate), LINEAR, ALL, treatment=treated)
    share = torch.from_numpy(outputs["alpha"]).permute(2, 0, 1)
    expected = true if name == "foreground" else share * true + (1 - share) * grey(plate)
    made = torch.from_numpy(outputs[name])
    return float((made[..., :3].permute(2, 0, 1) - expected).abs()[:, where].mean())


@pytest.mark.parametrize("name", ["foreground", "composite"])
def test_the_screens_light_is_taken_out_of_the_edge(name: str) -> None:
    alpha = spilt()[2][0]
    mixed = (alpha > 0.1) & (alpha < 0.9)
    for treated in (treatment(GREEN), treatment(despill="green"), treatment(GREEN, method="double")):
        assert error(name, treated, mixed) < 0.85 * error(name, PLAIN, mixed)


@pytest.mark.parametrize("reach", [60, None])
def test_by_name_it_is_taken_off_opaque_pixels_too(reach: int | None) -> None:
    opaque = spilt()[2][0] == 1
    treated = treatment(despill="green", reach=reach)
    assert error("foreground", treated, opaque) < 0.75 * error("foreground", PLAIN, opaque)


def test_less_strength_takes_off_less() -> None:
    mixed = (spilt()[2][0] > 0.1) & (spilt()[2][0] < 0.9)
    errors = [error("foreground", treatment(despill="green", strength=s), mixed) for s in (0.0, 0.5, 1.0)]
    assert errors[0] == error("foreground", PLAIN, mixed)
    assert errors[0] > errors[1] > errors[2]


@pytest.mark.parametrize("space", [LINEAR, DISPLAY])
def test_auto_leaves_opaque_pixels_the_plate_bit_for_bit(space: ColourSpace) -> None:
    light, _, alpha = spilt()
    plate = space.from_linear(light)
    made = compose(plate, alpha, grey(plate), space, ALL, treatment=treatment(GREEN))
    opaque = alpha[0].numpy() == 1
    for name in ("foreground", "premult", "composite"):
        np.testing.assert_array_equal(made[name][opaque][:, :3], plate.permute(1, 2, 0).numpy()[opaque])


@pytest.mark.parametrize("space", [LINEAR, DISPLAY])
def test_by_name_only_opaque_pixels_with_spill_give_way(space: ColourSpace) -> None:
    light, _, alpha = spilt()
    light[:, 60:70, 60:70] = torch.tensor([0.4, 0.2, 0.1]).view(3, 1, 1)
    plate = space.from_linear(light)
    made = compose(
        plate, alpha, None, space, ["foreground"], treatment=treatment(despill="green", reach=None)
    )
    clean = ((alpha[0] == 1) & (light[1] <= (light[0] + light[2]) / 2)).numpy()
    assert clean[60:70, 60:70].all()
    same = (made["foreground"][..., :3] == plate.permute(1, 2, 0).numpy()).all(-1)
    assert same[clean].all()
    assert not same[(alpha[0] == 1).numpy() & ~clean].any()


def test_alpha_is_never_touched() -> None:
    plate, _, alpha = spilt()
    treated = treatment(despill="green", extend=20)
    plain, made = (
        compose(plate, alpha, grey(plate), LINEAR, ALL, treatment=t)["alpha"] for t in (PLAIN, treated)
    )
    np.testing.assert_array_equal(made, plain)


@pytest.mark.parametrize("space", [LINEAR, DISPLAY])
def test_extension_adds_colour_outside_the_foreground_output_alone(space: ColourSpace) -> None:
    light, _, alpha = spilt()
    plate = space.from_linear(light)
    before = plate.clone()
    plain, longer = (
        compose(plate, alpha, grey(plate), space, ALL, treatment=treated)
        for treated in (PLAIN, Treatment(extend=9))
    )
    assert torch.equal(plate, before)
    for name in ("alpha", "premult", "composite"):
        np.testing.assert_array_equal(plain[name], longer[name])
    shown = alpha[0].numpy() > 0
    np.testing.assert_array_equal(plain["foreground"][shown], longer["foreground"][shown])
    added = (longer["foreground"] != plain["foreground"]).any(-1)
    assert 8 <= int(added[64, :64].sum()) <= 9
    edge = shown & (alpha[0].numpy() < 1)
    colour, beside = (longer["foreground"][where][:, :3].mean(0) for where in (added, edge))
    assert np.abs(colour - beside).max() < 0.1


def test_an_extended_foreground_is_despilled_outside_too() -> None:
    plate, _, alpha = spilt()
    made = compose(
        plate, alpha, None, LINEAR, ["foreground"], treatment=treatment(despill="green", reach=None, extend=9)
    )
    red, green, blue = made["foreground"][alpha[0].numpy() == 0][:, :3].T
    assert (green <= (red + blue) / 2 + 1e-4).all()


def test_auto_takes_the_screen_that_the_trimap_is_made_by() -> None:
    assert treatment(GREEN).channel == "green"
    assert treatment(BLUE).channel == "blue"
    assert treatment({"confidence": 1}).channel is None
    assert treatment(GREEN, despill="none").channel is None
    assert treatment(GREEN, despill="blue").channel == "blue"


def test_reach_and_extension_grow_with_the_raster() -> None:
    assert ForegroundSettings(reach=40, extend=10).widths(3840, 2160) == (80, 20)
    assert ForegroundSettings(reach=None, extend=1).widths(64, 48) == (None, 1)
    assert ForegroundSettings(extend=0).widths(64, 48)[1] == 0


def test_a_clip_before_a_screen_is_despilled_by_itself(tmp_path: Path) -> None:
    write(tmp_path / "in/shot.png", picture())
    with planned(tmp_path / "in") as plan:
        assert plan.treatment.channel == "green"
        state = plan.state()
    with planned(tmp_path / "in", state) as plan:
        assert plan.treatment.channel == "green"


def test_the_manifest_names_what_was_despilled(folder: Path, engine: Engine, tmp_path: Path) -> None:  # noqa: F811
    still(folder)
    for wanted, told in (("auto", None), ("blue", "blue")):
        result = make(folder, engine, tmp_path / "out", foreground={"despill": wanted})
        assert json.loads((result / "manifest.json").read_text())["despill"] == told


def test_settings_reach_the_pixels(folder: Path, engine: Engine, tmp_path: Path) -> None:  # noqa: F811
    still(folder)
    plain, asked = (
        make(folder, engine, tmp_path / "out", foreground=settings)
        for settings in ({}, {"despill": "green", "reach": None, "extend": 200})
    )
    for name in ("foreground", "composite"):
        one, other = ((place / f"shot_{name}.png").read_bytes() for place in (plain, asked))
        assert one != other
    assert (plain / "shot_alpha.png").read_bytes() == (asked / "shot_alpha.png").read_bytes()
