"""What a clip may set for itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from daemon.config import ClipSettings, ConfigError, ForegroundSettings, TrimapSettings, clip_settings


def clip_refusal(tmp_path: Path, text: str, name: str = "shot.yaml") -> str:
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError) as caught:
        clip_settings(ClipSettings(), tmp_path / name)
    return str(caught.value)


def test_clip_settings_are_laid_over_the_defaults_key_by_key(tmp_path: Path) -> None:
    defaults = ClipSettings(trimap=TrimapSettings(source="mask", dilate=30), background="#112233")
    (tmp_path / "shot.yaml").write_text("trimap:\n  erode: 4\n")

    settings = clip_settings(defaults, tmp_path / "shot.yaml")

    assert settings.trimap == TrimapSettings(source="mask", dilate=30, erode=4)
    assert settings.outputs == defaults.outputs
    assert settings.background == "#112233"


def test_foreground_settings_are_laid_over_key_by_key(tmp_path: Path) -> None:
    defaults = ClipSettings(foreground=ForegroundSettings(despill="green", extend=8))
    (tmp_path / "shot.yaml").write_text("foreground: {strength: 0.5, reach: null}\n")

    settings = clip_settings(defaults, tmp_path / "shot.yaml").foreground

    assert settings == ForegroundSettings(despill="green", extend=8, strength=0.5, reach=None)


def test_clip_that_names_outputs_names_all_of_them(tmp_path: Path) -> None:
    (tmp_path / "shot.yaml").write_text("outputs:\n  alpha: {format: exr}\n  premult:\n")

    outputs = clip_settings(ClipSettings(), tmp_path / "shot.yaml").outputs

    assert {name: output.format for name, output in outputs.items()} == {"alpha": "exr", "premult": "auto"}


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "trimap:\ntemporal:\nforeground:\n"])
def test_clip_without_settings_has_the_defaults(tmp_path: Path, text: str) -> None:
    (tmp_path / "shot.yaml").write_text(text)

    assert clip_settings(ClipSettings(), tmp_path / "shot.yaml") == ClipSettings()
    assert clip_settings(ClipSettings(), None) == ClipSettings()


def test_an_empty_section_keeps_what_the_daemon_says(tmp_path: Path) -> None:
    defaults = ClipSettings(trimap=TrimapSettings(erode=4), foreground=ForegroundSettings(extend=8))
    (tmp_path / "shot.yaml").write_text("trimap:\nforeground:\n")

    assert clip_settings(defaults, tmp_path / "shot.yaml") == defaults


def test_null_means_all_frames_whatever_the_daemon_says(tmp_path: Path) -> None:
    (tmp_path / "shot.yaml").write_text("frames: null\n")

    assert clip_settings(ClipSettings(frames="1001-1100"), tmp_path / "shot.yaml").frames is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("trimap: {sorce: mask}", "line 1: there is no key 'trimap.sorce'; did you mean 'source'?"),
        ("\ntrimap: {erode: -1}", "line 2: trimap.erode is -1; give 0 or more."),
        (
            "foreground: {despill: red}",
            "line 1: foreground.despill is 'red'; give one of auto, none, green, blue.",
        ),
        ("foreground: {strength: 2}", "line 1: foreground.strength is 2; give 1.0 or less."),
        ("trimap: mask", "line 1: trimap is 'mask'; give keys with values."),
        (
            "device: cpu",
            f"line 1: there is no key 'device'; the keys here are {', '.join(ClipSettings.model_fields)}.",
        ),
        (
            "background: '#12345'",
            "line 1: background is '#12345'; give checker or a colour in quotes, such as '#00b140'.",
        ),
        (
            "background: #808080",  # to YAML, a comment
            "line 1: background is empty; give checker or a colour in quotes, such as '#00b140'.",
        ),
        ("scale:", "line 1: scale is empty; give a number."),
        ("outputs:", "line 1: outputs is empty; give keys with values."),
        ("missing:", "line 1: missing is empty; give one of skip, hold, black, refuse."),
        (
            "outputs:\n  alpha: {format: dpx, bits: 8}",
            "line 2: outputs.alpha.bits is 8; give 10, 12 or 16 for dpx.",
        ),
        (
            "outputs: {alpha: {bits: 9}}",
            "line 1: outputs.alpha.bits is 9; give 8, 10, 12, 16 or 32.",
        ),
        (
            "outputs: {alpha: {format: exr, compression: lzw}}",
            "line 1: outputs.alpha.compression is 'lzw'; give zip, zips, piz, dwaa, dwab or none for exr.",
        ),
        (
            "outputs: {alpha: {format: jpeg, compression: zip}}",
            "line 1: outputs.alpha.compression is 'zip'; jpeg has one compression, so leave it away.",
        ),
        (
            "outputs: {alpha: {format: prores4444, bits: 16}}",
            "line 1: outputs.alpha.bits is 16; prores4444 has one depth, so leave it away.",
        ),
        (
            "outputs:\n  foreground: {parts: true}",
            (
                "line 1: outputs is {'foreground': {'parts': True}}; foreground is one picture, so leave its "
                "parts out; the output layers has parts."
            ),
        ),
        ("missing: freeze", "line 1: missing is 'freeze'; give one of skip, hold, black, refuse."),
        ("[1", "line 1: is not valid YAML: expected ',' or ']', but got '<stream end>'; correct that line."),
    ],
)
def test_fault_in_a_clips_settings_names_their_file(tmp_path: Path, text: str, sentence: str) -> None:
    assert clip_refusal(tmp_path, text) == f"shot.yaml, {sentence}"


def test_fault_in_a_clips_own_folder_names_the_folder_too(tmp_path: Path) -> None:
    (tmp_path / "shot").mkdir()

    assert clip_refusal(tmp_path, "x: 1", "shot/dimd.yaml").startswith(
        "shot/dimd.yaml, line 1: there is no key"
    )


@pytest.mark.parametrize(
    ("raster", "widths"),
    [((1920, 1080), (10, 14)), ((1080, 1920), (10, 14)), ((3840, 2160), (20, 28)), ((64, 48), (1, 1))],
)
def test_band_widths_grow_with_the_raster(raster: tuple[int, int], widths: tuple[int, int]) -> None:
    assert TrimapSettings().widths(*raster) == widths


def test_width_of_zero_stays_zero() -> None:
    assert TrimapSettings(erode=0).widths(3840, 2160) == (0, 28)


def test_settings_survive_a_round_trip_through_a_plan() -> None:
    settings: Any = ClipSettings().model_dump(mode="json")

    assert ClipSettings.model_validate(settings) == ClipSettings()


@pytest.mark.parametrize(("written", "frames"), [("0100", "100"), ("0099", "0099"), ("-0100", "-100")])
def test_frame_with_zeros_before_it_is_that_frame(tmp_path: Path, written: str, frames: str) -> None:
    (tmp_path / "shot.yaml").write_text(f"frames: {written}\n")
    assert clip_settings(ClipSettings(), tmp_path / "shot.yaml").frames == frames
