"""Whole runs of clips that are broken, or lack something: one sentence, and the next clip is done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from daemon.engine import Engine
from tests.daemon.cases import config, still, trimap, video, write
from tests.daemon.serving import once


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def bad_truncated(folder: Path) -> None:
    truncated(still(folder))


def bad_video(folder: Path) -> None:
    truncated(video(folder))


def bad_empty(folder: Path) -> None:
    still(folder).write_bytes(b"")


def bad_text(folder: Path) -> None:
    still(folder).write_text("this is no picture")


def bad_bomb(folder: Path) -> None:
    """A PNG whose header claims 40,000 x 40,000 pixels."""
    import struct
    import zlib

    path = still(folder)
    data = path.read_bytes()
    header = b"IHDR" + struct.pack(">II", 40_000, 40_000) + data[24:29]
    path.write_bytes(
        data[:8] + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header)) + data[33:]
    )


def bad_mask(folder: Path) -> None:
    still(folder, with_trimap=False)
    write(folder / "shot_mask.png", trimap((99, 99)))


def bad_nothing(folder: Path) -> None:
    still(folder, with_trimap=False)


def bad_settings(folder: Path) -> None:
    still(folder)
    (folder / "shot.yaml").write_text("outptus: {}\n")


BAD = {
    bad_truncated: ("shot.png", "copy it again"),
    bad_video: ("shot.mov", ";"),
    bad_empty: ("shot.png: is empty", ";"),
    bad_text: ("shot.png", ";"),
    bad_bomb: ("shot.png", "export it again"),
    bad_mask: ("shot_mask.png: is 99x99, its plate 64x36", "supply it at the plate's size"),
    bad_nothing: (
        "shot.png: has nothing to derive a trimap from",
        "put shot_trimap, shot_mask or shot_clean beside it",
    ),
    bad_settings: ("shot.yaml", "outputs"),
}


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.__name__)
def test_bad_input_gets_one_sentence_and_the_next_clip_is_done(
    bad: Callable[[Path], None], tmp_path: Path, engine: Engine
) -> None:
    settings = config(tmp_path, jobs={"attempts": 1})
    bad(tmp_path / "in")
    before = {p.name: p.read_bytes() for p in (tmp_path / "in").iterdir()}
    still(tmp_path / "in", "zz_good")
    jobs, _ = once(settings, engine)
    state = {job.name: job for job in jobs}
    assert state["zz_good"].state == "done"
    assert state["shot"].state in ("set_aside", "failed")
    sentence = state["shot"].error or ""
    names, mend = BAD[bad]
    assert names in sentence
    assert mend in sentence
    assert sentence.count("\n") == 0
    assert sentence.endswith((".", "?"))
    assert {name: (tmp_path / "in" / name).read_bytes() for name in before} == before
    assert [p.name for p in (tmp_path / "out").iterdir() if not p.name.startswith(".")] == ["zz_good"]


def test_one_pixel_is_a_picture_too(tmp_path: Path, engine: Engine) -> None:
    write(tmp_path / "in/dot.png", np.full((1, 1, 3), 90, np.uint8))
    write(tmp_path / "in/dot_trimap.png", np.full((1, 1), 128, np.uint8))
    jobs, _ = once(config(tmp_path), engine)
    assert [job.state for job in jobs] == ["done"]
    assert cv2.imread(str(tmp_path / "out/dot/dot_alpha.png"), cv2.IMREAD_UNCHANGED).shape == (1, 1)
