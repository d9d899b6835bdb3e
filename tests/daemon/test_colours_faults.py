"""What is wrong with a clip's colours, or the config's, is one sentence; and what makes a job another."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from daemon.check import colour_faults
from daemon.cli import main
from daemon.clip import job_key
from daemon.config import ClipSettings, ColourSettings, ConfigError, load
from daemon.inbox import scan
from tests.daemon.cases import still
from tests.daemon.colour_cases import STUDIO, make

pytestmark = pytest.mark.usefixtures("no_config_of_this_machine")


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
