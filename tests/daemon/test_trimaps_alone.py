"""`dimd trimap`: the trimaps alone, to look at or to paint over."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from daemon.cli import main
from tests.daemon.cases import plate, still, write

SIZE = (96, 64)


def trimap(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["trimap", *map(str, arguments)])
    return done.exit_code, done.stderr


def subject(frame: int) -> np.ndarray:
    mask = np.zeros(SIZE[::-1], np.uint8)
    cv2.circle(mask, (40 + 3 * frame, 34), 15, 255, -1)
    return mask


def before_green(folder: Path, frames: int = 3) -> Path:
    """A textured ball before a green screen: shot.1001.png and so on."""
    cloth = np.random.default_rng(2).integers(90, 220, (8, 12, 3), np.uint8)
    cloth = cv2.resize(cloth, SIZE, interpolation=cv2.INTER_CUBIC)
    cloth[..., 1] //= 3
    for n in range(frames):
        ball = subject(n)[..., None] > 0
        write(folder / f"shot.{1001 + n}.png", np.where(ball, cloth, np.uint8([40, 170, 30])))
    return folder / "shot.####.png"


def read(path: Path) -> np.ndarray:
    found = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert found.dtype == np.uint8
    assert set(np.unique(found)) <= {0, 128, 255}
    return found


def test_each_frame_leaves_a_trimap_and_it_is_said_where_from(tmp_path: Path) -> None:
    code, said = trimap(before_green(tmp_path / "in"), "--out", tmp_path / "out")
    assert code == 0, said
    assert sorted(p.name for p in (tmp_path / "out/shot_trimap").iterdir()) == [
        f"shot_trimap.{n}.png" for n in (1001, 1002, 1003)
    ]
    for n in range(3):
        made = read(tmp_path / f"out/shot_trimap/shot_trimap.{1001 + n}.png")
        assert (subject(n)[made == 255] == 255).all()
        assert (subject(n)[made == 0] == 0).all()
        assert 0.02 < (made == 128).mean() < 0.5
    assert "screen of #" in said
    assert "confidence 0." in said


def test_a_trimap_that_was_painted_over_and_dropped_beside_the_clip_wins(tmp_path: Path) -> None:
    plates = before_green(tmp_path / "in")
    trimap(plates, "--out", tmp_path / "out")
    painted = read(tmp_path / "out/shot_trimap/shot_trimap.1002.png")
    painted[:20] = 255
    write(tmp_path / "in/shot_trimap.1002.png", painted)
    code, said = trimap(plates, "--out", tmp_path / "again")
    assert code == 0, said
    made = [read(tmp_path / f"again/shot_trimap/shot_trimap.{n}.png") for n in (1001, 1002)]
    assert (made[1] == painted).all()
    assert (made[0][:10] == 0).all()


def test_what_is_there_is_never_overwritten(tmp_path: Path) -> None:
    plates = before_green(tmp_path / "in")
    for _ in range(2):
        assert trimap(plates, "--out", tmp_path / "out")[0] == 0
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["shot_trimap", "shot_trimap_v2"]


def test_a_source_asked_for_goes_before_the_clips_own_file(tmp_path: Path) -> None:
    plates = before_green(tmp_path / "in", frames=1)
    (tmp_path / "in/shot.1001.yaml").write_text("trimap: {source: chroma}\n")
    code, said = trimap(tmp_path / "in/shot.1001.png", "--out", tmp_path / "out", "--source", "clean")
    assert code == 1
    assert "has no clean plate; put shot.1001_clean beside it" in said
    assert plates.parent.is_dir()


def test_a_clip_that_gives_no_trimap_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    picture = write(tmp_path / "in/shot.png", plate())
    code, said = trimap(picture, "--out", tmp_path / "out")
    assert code == 1
    assert "shot.png: has nothing to derive a trimap from" in said
    assert list((tmp_path / "out").glob("*")) == []


def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    picture = write(tmp_path / "in/shot.png", plate())
    code, said = trimap(picture, "--out", tmp_path / "out", "--model", tmp_path / "gone.onnx")
    assert code == 2
    assert "gone.onnx: is not there" in said


@pytest.mark.parametrize("option", ["--trimap", "--mask", "--clean"])
def test_a_sidecar_for_two_clips_is_refused(tmp_path: Path, option: str) -> None:
    picture = still(tmp_path)
    code, said = trimap(picture, picture, "--out", tmp_path / "out", option, picture)
    assert code == 2
    assert "belong to one clip" in said
