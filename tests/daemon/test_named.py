"""A folder that is named on the command line is the clip that the daemon finds there."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from daemon import single
from daemon.cli import main
from daemon.clip import Clip
from daemon.config import ClipSettings
from daemon.inbox import clip_in, scan
from daemon.media import MediaError, locate
from daemon.named import named_clip
from tests.daemon.cases import FakeMatter, plate, trimap, write

NOTHING = (None, None, None, None)
"""Sidecars that were named."""


def mask() -> np.ndarray:
    return np.where(trimap() > 200, 255, 0).astype(np.uint8)


def frames(folder: Path, base: str = "p") -> Path:
    """A folder of two frames, for each of which the folder's name stands."""
    for number in (1, 2):
        write(folder / f"{base}.{number:04d}.png", plate(number))
    return folder


def clip_folder(folder: Path) -> Path:
    frames(folder / "plate")
    for number in (1, 2):
        write(folder / f"mask/m.{number:04d}.png", mask())
    (folder / "dimd.yaml").write_text("outputs: {alpha: {format: exr}}\n")
    return folder


def named(where: Path | str) -> Clip:
    return named_clip(str(where), NOTHING, ClipSettings())


@pytest.mark.parametrize("command", ["matte", "trimap"])
def test_a_clip_folder_is_done_with_all_that_is_in_it(
    tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(single.Matter, "open", lambda folder, **options: FakeMatter(folder.name))
    monkeypatch.chdir(clip_folder(tmp_path / "st").parent)
    done = CliRunner().invoke(main, [command, "st", "--out", "results"])
    assert done.exit_code == 0, done.stderr
    if command == "trimap":
        assert len(list((tmp_path / "results/st_trimap").iterdir())) == 2
    else:
        made = sorted(path.name for path in (tmp_path / "results/st").iterdir())
        assert made == ["alpha", "manifest.json"]
        told = json.loads((tmp_path / "results/st/manifest.json").read_text())
        assert told["trimap"]["source"] == "mask"


def test_a_folder_of_frames_gives_its_name_and_has_what_lies_beside_it(tmp_path: Path) -> None:
    folder = frames(tmp_path / "Fuß ball")
    write(tmp_path / "Fuß ball_mask.png", mask())
    write(tmp_path / "Fuß ball_bg/sky.png", plate())
    (tmp_path / "Fuß ball.yaml").write_text("scale: 0.5\n")
    clip = named(folder)
    assert clip.name == "Fuß ball"
    assert [ref and ref.path.relative_to(tmp_path) for ref in (clip.mask, clip.bg, clip.trimap)] == [
        Path("Fuß ball_mask.png"),
        Path("Fuß ball_bg/sky.png"),
        None,
    ]
    assert clip.settings == tmp_path / "Fuß ball.yaml"


@pytest.mark.parametrize("where", [".", "../st", "plate/.."])
def test_a_folder_has_its_name_wherever_one_stands(
    tmp_path: Path, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(clip_folder(tmp_path / "st"))
    clip = named(where)
    assert clip.name == "st"
    assert clip.mask is not None


@pytest.mark.parametrize("name", ["shot", "shot.1001", unicodedata.normalize("NFD", "Fußgänger")])
def test_the_clip_of_a_folder_is_the_one_that_a_scan_finds(tmp_path: Path, name: str) -> None:
    frames(tmp_path / name)
    write(tmp_path / f"{name.removesuffix('.1001')}_clean.png", plate())
    frames(tmp_path / "other")
    write(tmp_path / "other_mask.png", mask())
    found = {clip.plate: clip for clip in scan(tmp_path, follow_links=True)}
    clip = clip_in(tmp_path / name)
    assert clip is not None
    assert clip.clean is not None
    assert clip == found[clip.plate]


def test_a_folder_that_is_called_like_a_sidecar_is_the_plate_that_was_named(tmp_path: Path) -> None:
    assert named(frames(tmp_path / "shot_clean")).name == "shot_clean"


def test_of_several_clips_in_a_folder_one_is_to_be_named(tmp_path: Path) -> None:
    write(tmp_path / "st/plate/a.png", plate())
    write(tmp_path / "st/plate/b.png", plate())
    with pytest.raises(MediaError, match=r"st/plate: holds a\.png, b\.png; name the one that is meant\."):
        named(tmp_path / "st")


@pytest.mark.parametrize(
    ("second", "sentence"),
    [
        ("shot_mask.0002.exr", r"shot: has 2 files for mask \(shot_mask\.0001\.png, shot_mask\.0002\.exr\)"),
        ("shot.yml", r"shot: has 2 settings files \(shot\.yaml, shot\.yml\)"),
    ],
)
def test_of_two_of_a_kind_beside_a_plate_none_is_left_out_in_silence(
    tmp_path: Path, second: str, sentence: str
) -> None:
    frames(tmp_path, "shot")
    for name in ("shot_mask.0001.png", "shot.yaml", second):
        (tmp_path / name).touch()
    with pytest.raises(MediaError, match=sentence + r"; keep one\."):
        named(tmp_path / "shot.####.png")


def test_a_mask_that_is_named_goes_before_two_that_lie_beside_the_plate(tmp_path: Path) -> None:
    frames(tmp_path, "shot")
    for name in ("shot_mask.png", "shot_mask.tif"):
        write(tmp_path / "own.png", mask())
        (tmp_path / name).touch()
    own = (None, locate(tmp_path / "own.png"), None, None)
    found = named_clip(str(tmp_path / "shot.####.png"), own, ClipSettings())
    assert found.mask is not None
    assert found.mask.path.name == "own.png"


def test_two_masks_of_a_folder_are_refused(tmp_path: Path) -> None:
    clip_folder(tmp_path / "st")
    (tmp_path / "st/other.yaml").touch()
    write(tmp_path / "st_mask.png", mask())
    with pytest.raises(MediaError, match=r"st: has 2 files for mask \(.*\); keep one\."):
        named(tmp_path / "st")
