"""Subjects outlined roughly in photographs become foregrounds."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from dim_model.arrays import Floats
from trainer.cli import main
from trainer.outlined import Outline, OutlineError, read_outlines
from trainer.outlined.trimaps import trimap_of
from trainer.prepare import Index, prepare
from trainer.prepare.still import read_picture

SIZE = 240
ABOUT = [(18.0, 18.0), (82.0, 18.0), (82.0, 82.0), (18.0, 82.0)]
INSIDE = [(40.0, 40.0), (60.0, 40.0), (60.0, 60.0), (40.0, 60.0)]


def disc() -> tuple[Floats, Floats]:
    """A rough red disc on a rough blue ground, float32 [H, W, 3], and its alpha."""
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    alpha = np.clip(62 - np.hypot(x - 120, y - 120), 0, 1).astype(np.float32)
    rough = np.random.default_rng(3).normal(0, 0.03, (SIZE, SIZE, 3)).astype(np.float32)
    red, blue = np.float32([0.8, 0.2, 0.1]), np.float32([0.1, 0.3, 0.7])
    return np.clip(alpha[..., None] * red + (1 - alpha[..., None]) * blue + rough, 0, 1), alpha


def bytes_of(rgb: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.round(rgb * 255).astype(np.uint8)


def put(folder: Path, name: str = "disc.png") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(folder / name), bytes_of(disc()[0])[..., ::-1])


def listed(path: Path, **more: object) -> Path:
    outline = {"photo": "disc.png", "around": [ABOUT], "within": [INSIDE]} | more
    path.write_text(yaml.safe_dump([outline]))
    return path


def cut(photos: Path, outlines: Path, out: Path) -> tuple[int, str]:
    asked = ["cutout", "--photos", str(photos), "--outlines", str(outlines), "--out", str(out)]
    result = CliRunner().invoke(main, asked)
    return result.exit_code, result.output


@pytest.mark.parametrize("plain", [None, 30.0])
def test_the_band_of_doubt_holds_the_edge_and_nothing_else(plain: float | None) -> None:
    rgb, alpha = disc()
    outline = Outline(photo="disc.png", around=[ABOUT], within=[INSIDE], band=(18, 22), plain=plain)
    trimap = trimap_of(bytes_of(rgb), outline)
    assert (alpha[trimap == 1] == 1).all()
    assert (alpha[trimap == 0] == 0).all()
    assert 0.02 < (trimap == 0.5).mean() < 0.1


def test_a_subject_that_the_picture_cuts_off_goes_on_there() -> None:
    rgb = np.full((SIZE, SIZE, 3), 30, np.uint8)
    rgb[:, :100] = 200, 60, 40
    rgb += np.random.default_rng(1).integers(0, 12, rgb.shape, np.uint8)
    left = [(-1.0, -1.0), (55.0, -1.0), (55.0, 101.0), (-1.0, 101.0)]
    trimap = trimap_of(rgb, Outline(photo="", around=[left], within=[[(5, 5), (30, 5), (30, 95), (5, 95)]]))
    assert (trimap[:, :90] == 1).all()


def test_what_is_cut_out_has_the_subject_s_colour_and_alpha(tmp_path: Path) -> None:
    put(tmp_path / "photos" / "deep")
    code, said = cut(tmp_path / "photos", listed(tmp_path / "o.yaml", band=[18, 22]), tmp_path / "out")
    assert code == 0, said
    colour, alpha = read_picture(tmp_path / "out" / "disc.png")
    assert alpha is not None
    truth = disc()[1]
    assert 123 < len(alpha) < SIZE - 32  # boxed: the disc, a margin, and what of the band is faint
    assert alpha.sum() == pytest.approx(truth.sum(), rel=0.02)
    edge = (alpha > 0.3) & (alpha < 0.97)
    assert edge.any()
    assert np.abs(colour[edge].mean(0) - [0.8, 0.2, 0.1]).max() < 0.08  # and none of the blue behind
    index = prepare(tmp_path / "out", tmp_path / "out" / "index.jsonl").index
    assert [entry.kind for entry in Index.read(index.path).entries] == ["cutout"]


def test_a_border_is_no_ground(tmp_path: Path) -> None:
    """A black mount around a picture would pass for what lies behind its subject."""
    (tmp_path / "photos").mkdir()
    framed = cv2.copyMakeBorder(bytes_of(disc()[0]), 8, 8, 8, 8, cv2.BORDER_CONSTANT)
    cv2.imwrite(str(tmp_path / "photos" / "disc.png"), framed[..., ::-1])
    outlines = listed(tmp_path / "o.yaml", border=8, around=[[(-5, -5), (105, -5), (105, 105), (-5, 105)]])
    assert cut(tmp_path / "photos", outlines, tmp_path / "out")[0] == 1
    outlines = listed(tmp_path / "o.yaml", border=8)
    code, said = cut(tmp_path / "photos", outlines, tmp_path / "out")
    assert code == 0, said


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"photo": "gone.png"}, "gone.png: is no picture below"),
        ({"around": [[(1, 1), (2, 2)]]}, "outline 1: around.0: List should have at least 3 items"),
        ({"around": []}, "outline 1: around: List should have at least 1 item"),
        ({"bnad": [1, 2]}, "outline 1: bnad: Extra inputs are not permitted"),
        ({"around": [[(96, 96), (99, 96), (99, 99)]], "within": []}, "draw that anew"),
    ],
)
def test_an_outline_that_cannot_be_used_is_named(
    tmp_path: Path, change: dict[str, object], told: str
) -> None:
    put(tmp_path / "photos")
    code, said = cut(tmp_path / "photos", listed(tmp_path / "o.yaml", **change), tmp_path / "out")
    assert code == 1
    assert told in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("text", ["", "photo: x", "[", "\x00"])
def test_a_file_that_lists_no_outlines_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "o.yaml").write_text(text)
    with pytest.raises(OutlineError, match=r"o\.yaml: (is no list of|lists no) outlines"):
        read_outlines(tmp_path / "o.yaml")


def test_the_outlines_that_dimd_brings_can_be_read() -> None:
    own = read_outlines(Path("trainer/outlined/photographs.yaml"))
    assert len(own) == 28
    assert len({outline.photo for outline in own}) == 28
    for outline in own:
        around, within = outline.masks(600, 800)
        assert 0.01 < around.mean() < 0.9, outline.photo
        assert not (within & ~around).any(), outline.photo


def test_a_photograph_is_found_whatever_its_name(tmp_path: Path) -> None:
    put(tmp_path / "photos", "disc [1]*.png")
    status, told = cut(
        tmp_path / "photos", listed(tmp_path / "o.yaml", photo="disc [1]*.png"), tmp_path / "out"
    )
    assert status == 0, told
    assert (tmp_path / "out" / "disc [1]*.png").is_file()


@pytest.mark.parametrize(
    ("outline", "reason"),
    [
        (
            {"around": [[(-1, -1), (101, -1), (101, 101), (-1, 101)]]},
            "its outline holds no subject, or nothing",
        ),
        (
            {"around": [[(200, 200), (300, 200), (300, 300)]], "within": []},
            "its outline holds no subject, or",
        ),
        ({"border": 120}, "a border of 120 leaves nothing of it; give less."),
        ({"photo": "/nowhere/disc.png"}, "/nowhere/disc.png: is no picture below "),
        ({"around": [[(float("nan"), 0), (100, 0), (100, 100)]]}, "outline 1: around.0.0.0: Input should be"),
    ],
)
def test_a_subject_that_cannot_be_cut_out_is_one_sentence(
    outline: dict[str, object], reason: str, tmp_path: Path
) -> None:
    put(tmp_path / "photos")
    status, told = cut(tmp_path / "photos", listed(tmp_path / "o.yaml", **outline), tmp_path / "out")
    assert status == 1
    assert told.startswith("Error: ")
    assert reason in told
    assert not (tmp_path / "out").exists()


def test_two_outlines_that_would_be_one_file_are_refused(tmp_path: Path) -> None:
    both = [{"photo": name, "around": [ABOUT]} for name in ("a/disc.png", "disc.jpg")]
    (tmp_path / "o.yaml").write_text(yaml.safe_dump(both))
    with pytest.raises(OutlineError, match=r"outlines 1 and 2 would both be cut out as disc\.png; take one"):
        read_outlines(tmp_path / "o.yaml")
