"""`dimd matte`: the same job without daemon or config."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from daemon import single
from daemon.cli import main
from tests.daemon.cases import FakeMatter, plate, sequence, still, trimap, write


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single.Matter, "open", lambda folder, **options: FakeMatter(folder.name))


def matte(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["matte", *map(str, arguments)])
    return done.exit_code, done.stderr


def test_a_still_and_its_trimap_give_a_16_bit_alpha(tmp_path: Path) -> None:
    plate_file = still(tmp_path / "a")
    code, _ = matte(plate_file, "--out", tmp_path / "out", "--trimap", tmp_path / "a/shot_trimap.png")
    assert code == 0
    alpha = cv2.imread(str(tmp_path / "out/shot/shot_alpha.png"), cv2.IMREAD_UNCHANGED)
    assert alpha.dtype == np.uint16
    assert (alpha[trimap() == 255] == 65535).all()


def test_a_pattern_names_a_sequence(tmp_path: Path) -> None:
    sequence(tmp_path / "a", numbers=range(1001, 1004))
    pattern = tmp_path / "a/shot.%04d.png"
    code, said = matte(pattern, "--out", tmp_path / "out", "--trimap", tmp_path / "a/shot_trimap.png")
    assert code == 0, said
    assert len(list((tmp_path / "out/shot/alpha").iterdir())) == 3


def test_a_mask_and_a_background_are_taken(tmp_path: Path) -> None:
    picture = write(tmp_path / "shot.png", plate())
    mask = write(tmp_path / "rough.png", np.where(trimap() > 200, 255, 0).astype(np.uint8))
    code, _ = matte(picture, "--out", tmp_path / "out", "--mask", mask, "--background", "#0000ff")
    assert code == 0
    composite = cv2.imread(str(tmp_path / "out/shot/shot_composite.png"), cv2.IMREAD_UNCHANGED)
    assert composite[0, 0].tolist() == [65535, 0, 0]


def test_a_clean_plate_is_taken(tmp_path: Path) -> None:
    wall = cv2.resize(np.random.default_rng(0).integers(80, 200, (18, 24, 3), np.uint8), (192, 144))
    shot = wall.copy()
    shot[40:144, 70:120] = (200, 60, 40)
    picture, alone = write(tmp_path / "shot.png", shot), write(tmp_path / "empty.png", wall)
    code, _ = matte(picture, "--out", tmp_path / "out", "--clean", alone)
    assert code == 0
    alpha = cv2.imread(str(tmp_path / "out/shot/shot_alpha.png"), cv2.IMREAD_UNCHANGED)
    assert alpha[60:140, 80:110].min() == 65535
    assert alpha[:, :50].max() == 0


def test_what_soft_edges_mix_may_be_said(tmp_path: Path) -> None:
    """Of a bright thing before a dark wall less of the light is the wall's than of the numbers."""
    dark, bright = plate() // 8, plate() // 4 + 190
    half = np.hstack([bright[:, : bright.shape[1] // 2], dark[:, dark.shape[1] // 2 :]])
    picture = write(tmp_path / "shot.png", cv2.blur(half, (15, 15)))
    asked = (picture, "--trimap", write(tmp_path / "rough.png", trimap()), "--out")
    (tmp_path / "shot.yaml").write_text("mixing: display\n")
    found = {}
    for name, said in (("own", ()), ("display", ("--mixing", "display")), ("light", ("--mixing", "light"))):
        code, told = matte(*asked, tmp_path / name, *said)
        assert code == 0, told
        alpha = cv2.imread(str(tmp_path / name / "shot/shot_alpha.png"), cv2.IMREAD_UNCHANGED)
        found[name] = alpha.astype(np.int64)
    assert (found["own"] == found["display"]).all()
    mixed = (found["display"] > 0) & (found["display"] < 65535)
    assert mixed.any()
    assert (found["light"] == found["display"])[~mixed].all()
    assert (found["light"] != found["display"])[mixed].mean() > 0.5


def test_the_space_of_the_plates_may_be_said(tmp_path: Path) -> None:
    """It goes before what lies beside a clip; a name that is not there is told with the one meant."""
    picture = still(tmp_path)
    (tmp_path / "shot.yaml").write_text("colorspace: ACEScct\n")
    code, said = matte(picture, "--out", tmp_path / "out", "--colorspace", "arri_logc4")
    assert code == 0, said
    told = json.loads((tmp_path / "out/shot/manifest.json").read_text())
    assert told["colour"]["plate"]["space"] == "ARRI LogC4"
    code, said = matte(picture, "--out", tmp_path / "other", "--colorspace", "arri_logc5")
    assert code == 1
    assert "did you mean 'arri_logc4'?" in " ".join(said.split())


@pytest.mark.parametrize("command", ["matte", "trimap"])
def test_an_option_without_a_value_is_one_sentence(command: str, tmp_path: Path) -> None:
    asked = [command, str(still(tmp_path)), "--out", str(tmp_path / "out"), "--colorspace", ""]
    done = CliRunner().invoke(main, asked)
    assert done.exit_code == 2
    assert done.stderr == "command line: colorspace is ''; give some text.\n"
    assert not (tmp_path / "out").exists()


def test_one_bad_input_does_not_keep_the_others(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_text("no picture")
    green = np.full((36, 64, 3), (40, 170, 30), np.uint8)
    cv2.circle(green, (32, 20), 9, (120, 140, 200), -1)
    good = write(tmp_path / "good.png", green)
    code, said = matte(tmp_path / "broken.png", good, "--out", tmp_path / "out")
    assert code == 1
    assert "broken.png" in said
    assert (tmp_path / "out/good/good_alpha.png").is_file()


def test_a_trimap_for_two_clips_is_refused(tmp_path: Path) -> None:
    picture = still(tmp_path)
    code, said = matte(picture, picture, "--out", tmp_path / "out", "--trimap", picture)
    assert code == 2
    assert "belong to one clip" in said


def test_an_input_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    code, said = matte(tmp_path / "none.png", "--out", tmp_path / "out")
    assert code == 1
    assert "none.png: is not there; check the name." in said


def test_what_lies_beside_the_plate_is_taken_from_wherever_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    still(tmp_path / "a")
    write(tmp_path / "a/other.png", np.where(trimap() > 200, 255, 0).astype(np.uint8))
    monkeypatch.chdir(tmp_path / "a")
    code, said = matte("shot.png", "--out", "../out")
    assert code == 0, said
    assert '"source": "trimap"' in (tmp_path / "out/shot/manifest.json").read_text()
    code, said = matte("shot.png", "--out", "../out", "--mask", "other.png")
    assert code == 0, said
    assert '"source": "mask"' in (tmp_path / "out/shot_v2/manifest.json").read_text()


def test_a_mask_that_is_a_link_to_nothing_is_one_sentence(tmp_path: Path) -> None:
    still(tmp_path)
    (tmp_path / "shot_mask.png").symlink_to("nowhere.png")
    code, said = matte(tmp_path / "shot.png", "--out", tmp_path / "out")
    assert code == 1
    assert "shot_mask.png: cannot be looked at (No such file or directory); bring it" in said


def test_what_broke_off_leaves_nothing_behind(tmp_path: Path) -> None:
    sequence(tmp_path / "a", numbers=range(1001, 1004))
    last = tmp_path / "a/shot.1003.png"
    last.write_bytes(last.read_bytes()[:100])
    code, said = matte(tmp_path / "a/shot.%04d.png", "--out", tmp_path / "out")
    assert code == 1
    assert "shot.1003.png" in said
    assert list((tmp_path / "out").iterdir()) == []


def test_a_numbered_still_finds_what_lies_beside_it(tmp_path: Path) -> None:
    """A folder of 0001.png and 1500.png is a sequence to the daemon; who names one of them means a still."""
    for name in ("0001", "1500"):
        write(tmp_path / f"{name}.png", plate())
        write(tmp_path / f"{name}_trimap.png", trimap())
    (tmp_path / "0001.yaml").write_text("outputs: {alpha: {format: exr}}\n")
    code, said = matte(tmp_path / "0001.png", "--out", tmp_path / "out")
    assert code == 0, said
    made = sorted(path.name for path in (tmp_path / "out/0001").iterdir())
    assert made == ["0001_alpha.exr", "manifest.json"]
