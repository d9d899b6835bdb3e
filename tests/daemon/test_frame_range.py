"""A frame range as a person writes it: in a clip's settings and on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from daemon.cli import main
from daemon.config import ClipSettings, ConfigError, clip_settings
from daemon.frame_range import FrameRange
from tests.daemon.cases import sequence, still


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("1001-1100", 1001, 1100),
        ("1001", 1001, 1001),
        ("1001-", 1001, None),
        ("-1100", None, 1100),
        ("-5-10", -5, 10),
        ("-10--5", -10, -5),
        ("-5--5", -5, -5),
        ("-5-", -5, None),
        ("--5", None, -5),
        ("0001-0010", 1, 10),
    ],
)
def test_ranges_are_read(text: str, first: int | None, last: int | None) -> None:
    assert FrameRange.parse(text) == FrameRange(first, last)


@pytest.mark.parametrize(
    ("text", "frames"), [("1001-1100", "1001-1100"), ("1001", "1001"), ("-1100", "-1100"), ("null", None)]
)
def test_yaml_may_take_a_range_for_a_number(tmp_path: Path, text: str, frames: str | None) -> None:
    (tmp_path / "shot.yaml").write_text(f"frames: {text}\n")
    assert clip_settings(ClipSettings(), tmp_path / "shot.yaml").frames == frames


WANTED = "give a frame such as 1001, or a range: 1001-1100, 1001- or -1100"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("frames: all", f"frames is 'all'; {WANTED}."),
        ("frames: '-'", f"frames is '-'; {WANTED}."),
        ("frames: 1.5", f"frames is 1.5; {WANTED}."),
        ("frames: true", f"frames is true; {WANTED}."),
        ("frames: 1-2-3", f"frames is '1-2-3'; {WANTED}."),
        ("frames: 1100-1001", "frames is '1100-1001'; it runs backwards; give 1001-1100."),
        ("handles: -1", "handles is -1; give 0 or more."),
        ("scale: 0.05", "scale is 0.05; give 0.1 or more."),
        ("scale: 2", "scale is 2; give 1.0 or less."),
    ],
)
def test_what_is_none_is_refused_with_the_line_and_the_mend(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "shot.yaml").write_text(f"{text}\n")
    with pytest.raises(ConfigError) as caught:
        clip_settings(ClipSettings(), tmp_path / "shot.yaml")
    assert str(caught.value) == f"shot.yaml, line 1: {sentence}"


def told(code_and_said: tuple[int, str], made: Path) -> dict[str, object]:
    code, said = code_and_said
    assert code == 0, said
    return json.loads((made / "manifest.json").read_text())


def dimd(command: str, *arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(main, [command, *map(str, arguments)])
    return done.exit_code, done.stderr


def test_matte_makes_the_frames_and_the_size_that_are_asked_for(tmp_path: Path) -> None:
    """What is asked for goes before what lies beside the clip."""
    sequence(tmp_path / "in")
    (tmp_path / "in/shot.yaml").write_text("frames: 1001-1002\nscale: 0.8\nhandles: 1\n")
    clip, out = tmp_path / "in/shot.####.png", tmp_path / "out"
    manifest = told(dimd("matte", clip, "--out", out, "--frames", "1005-", "--scale", "0.5"), out / "shot")
    assert manifest["frames"] == {"count": 7, "first": 1004, "last": 1010}
    assert manifest["size"] == [32, 18]
    manifest = told(dimd("matte", clip, "--out", out), out / "shot_v2")
    assert manifest["frames"] == {"count": 3, "first": 1001, "last": 1003}
    manifest = told(dimd("matte", clip, "--out", out, "--frames", "-1001", "--handles", "2"), out / "shot_v3")
    assert manifest["frames"] == {"count": 3, "first": 1001, "last": 1003}


def test_trimap_draws_the_frames_that_are_asked_for(tmp_path: Path) -> None:
    sequence(tmp_path / "in")
    code, said = dimd(
        "trimap", tmp_path / "in/shot.####.png", "--out", tmp_path / "out", "--frames", "1003-1004"
    )
    assert code == 0, said
    assert sorted(path.name for path in (tmp_path / "out/shot_trimap").iterdir()) == [
        "shot_trimap.1003.png",
        "shot_trimap.1004.png",
    ]


@pytest.mark.parametrize("command", ["matte", "trimap"])
def test_a_range_that_is_none_or_not_there_is_one_sentence(tmp_path: Path, command: str) -> None:
    picture = still(tmp_path)
    code, said = dimd(command, picture, "--out", tmp_path / "out", "--frames", "some")
    assert code == 2
    assert WANTED in " ".join(said.split())
    sequence(tmp_path / "in")
    clip = tmp_path / "in/shot.####.png"
    code, said = dimd(command, clip, "--out", tmp_path / "out", "--frames", "1001-1100")
    assert code == 1
    sentence = "shot.####.png: has frames 1001 to 1010, not 1001-1100; set frames: to a range within that."
    assert sentence in " ".join(said.split())
