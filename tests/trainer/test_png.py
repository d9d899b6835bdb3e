"""PNG of 16 bits, written and read again; photographs as training takes them."""

from __future__ import annotations

import errno
from pathlib import Path

import cv2
import numpy as np
import pytest

from trainer.photograph import read_photograph
from trainer.png import write_png


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3), (5, 7, 4)])
def test_a_picture_comes_back_to_sixteen_bits(tmp_path: Path, shape: tuple[int, ...]) -> None:
    picture = np.random.default_rng(0).random(shape, np.float32)
    write_png(tmp_path / "a/b.png", picture)
    read = cv2.imread(str(tmp_path / "a/b.png"), cv2.IMREAD_UNCHANGED)
    assert read.dtype == np.uint16
    if picture.ndim == 3:
        read[..., :3] = read[..., 2::-1].copy()
    np.testing.assert_allclose(read / 65535, picture, atol=1e-5)


def test_what_is_beyond_white_is_white(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", np.array([[-0.5, 1.5]], np.float32))
    assert cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_UNCHANGED).tolist() == [[0, 65535]]


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").mkdir()
    with pytest.raises(OSError, match=r"a\.png: could not be written"):
        write_png(tmp_path / "a.png", np.zeros((4, 4), np.float32))


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("no folder")
    with pytest.raises(OSError, match=r"a/b/c\.png: could not be written \(Not a directory\); check"):
        write_png(tmp_path / "a" / "b" / "c.png", np.zeros((4, 4), np.float32))


def test_a_full_disk_leaves_the_picture_that_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_png(tmp_path / "a.png", np.zeros((4, 4), np.float32))
    before = (tmp_path / "a.png").read_bytes()

    def write_bytes(path: Path, data: bytes) -> int:
        with path.open("wb") as file:
            file.write(data[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    with pytest.raises(OSError, match=r"a\.png: could not be written \(No space left on device\); check"):
        write_png(tmp_path / "a.png", np.ones((4, 4), np.float32))
    assert (tmp_path / "a.png").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_photograph_is_reduced_and_loses_its_border(tmp_path: Path) -> None:
    picture = np.zeros((60, 100, 3), np.uint8)
    picture[10:50, 10:90] = (10, 20, 250)  # blue, green, red
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    read = read_photograph(tmp_path / "a.png", 40, 10)
    assert read is not None
    assert read.shape == (20, 40, 3)
    assert (read == (250, 20, 10)).all()
    assert read_photograph(tmp_path / "a.png", 400).shape == (60, 100, 3)  # type: ignore[union-attr]


def test_what_is_no_picture_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no picture")
    assert read_photograph(tmp_path / "a.png", 100) is None
