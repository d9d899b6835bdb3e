"""The quality bench judges by clips whose truth is known, and says the bars."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from bench import quality
from bench.quality_clips import NOISE, Clip, Photograph, Screen, composite, recipes
from bench.quality_product import SOURCES, Shot, rough_mask
from bench.quality_subjects import Subject, creature
from daemon.config import ClipSettings
from demo.plates import coffee, to_linear

SIZE = (160, 90)


@pytest.fixture(scope="module")
def furry() -> Clip:
    subject = creature(6, SIZE, strands=3000, tuft=1200)
    return composite("furry", subject, Photograph(coffee(), SIZE, 6, moving=False), band=(56, 72))


def disc(frames: int = 3) -> Subject:
    """A red disc that moves, soft at its edge."""
    alpha = np.zeros((frames, SIZE[1], SIZE[0]), np.float32)
    for index in range(frames):
        cv2.circle(alpha[index], (60 + 6 * index, 45), 25, 1.0, -1)
        alpha[index] = cv2.GaussianBlur(alpha[index], (0, 0), 2.0)
    colour = np.broadcast_to(np.array([230, 20, 30], np.uint8), (*alpha.shape, 3)).copy()
    return Subject(colour, alpha)


def left_in(folder: Path, pattern: str) -> list[str]:
    return sorted(path.name for path in folder.glob(pattern))


@pytest.mark.parametrize("moving", [False, True])
def test_a_composite_gives_its_alpha_back_in_light(moving: bool) -> None:
    subject, background = disc(), Photograph(coffee(), SIZE, 3, moving=moving)
    clip = composite("disc", subject, background)
    for index, plate in enumerate(clip.plate):
        behind = to_linear(background.frame(index))
        away = to_linear(subject.colour[index] / 255) - behind
        found = ((to_linear(plate / 255) - behind) * away).sum(-1) / (away**2).sum(-1)
        clear = np.linalg.norm(away, axis=-1) > 0.5
        assert np.abs(found - subject.alpha[index])[clear].mean() < 2 * NOISE
    assert (clip.truth == subject.alpha).all()


def test_a_moving_camera_moves_by_less_than_a_pixel_and_has_no_clean_plate() -> None:
    background = Photograph(coffee(), (320, 180), 8, moving=True)
    first, second = (cv2.cvtColor(background.frame(n), cv2.COLOR_RGB2GRAY) for n in (0, 1))
    (x, y), _ = cv2.phaseCorrelate(first.astype(np.float64), second.astype(np.float64))
    assert -1 < x < -0.4
    assert abs(y) < 0.2
    assert composite("disc", disc(), Photograph(coffee(), SIZE, 3, moving=True)).clean is None


def test_the_clean_plate_is_another_take() -> None:
    background = Photograph(coffee(), SIZE, 3, moving=False)
    clip = composite("disc", disc(), background)
    assert clip.clean is not None
    seen = background.frame(0)
    assert clip.clean.mean() / 255 == pytest.approx(0.95 * seen.mean(), rel=0.02)
    assert np.abs(clip.clean / 255 - 0.95 * seen).mean() > 2 * NOISE


def test_the_screen_is_green_and_uneven() -> None:
    seen = Screen((320, 180), seed=5).frame(0)
    assert (seen.argmax(-1) == 1).all()
    assert 0.03 < seen[..., 1].std() < 0.2
    assert seen.min() > 0
    assert seen.max() < 1


def test_a_rough_mask_is_too_wide_by_a_few_pixels_and_jitters() -> None:
    alpha = disc(1).alpha[0]
    one, other = (rough_mask(alpha, [3, index]) > 0 for index in (0, 1))
    truth = alpha > 0.5
    wide = cv2.dilate(truth.astype(np.uint8), np.ones((13, 13), np.uint8)) > 0
    assert truth[one].mean() < 1
    assert one[truth].all()
    assert wide[one].all()
    assert 0 < (one != other).sum() < truth.sum() / 10


def test_a_keyframe_is_a_mask_of_the_first_frame_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    clip = composite("disc", disc(), Photograph(coffee(), SIZE, 3, moving=False))
    expected = {"keyframe": 1, "smoothing": 3, "clean": 0, "locked": 0}
    for source, masks in expected.items():
        with Shot(clip, SOURCES[source]):
            (folder,) = tmp_path.glob("*/in")
            assert left_in(folder, "disc.*.png") == ["disc.1001.png", "disc.1002.png", "disc.1003.png"]
            assert left_in(folder, "disc_mask.*") == [f"disc_mask.{1001 + n}.png" for n in range(masks)]
            assert bool(left_in(folder, "disc_clean.png")) == (source == "clean")
        assert not list(tmp_path.iterdir())


def test_the_figures_are_those_of_video_matting() -> None:
    truth = disc(4).alpha
    flickering = truth + np.array([0.1, -0.1, 0.1, -0.1], np.float32)[:, None, None]
    steady = truth + np.float32(0.1)
    assert quality.mad(flickering, truth) == pytest.approx([100] * 4, rel=1e-4)
    assert quality.mse(flickering, truth) == pytest.approx(10, rel=1e-4)
    assert quality.dtssd(flickering, truth) == pytest.approx(20, rel=1e-4)
    assert quality.dtssd(steady, truth) == pytest.approx(0, abs=1e-4)
    assert quality.dtssd(truth[:1], truth[:1]) is None
    assert quality.ratio(1.5, 2.0) == 0.75
    assert quality.ratio(1.5, None) is None
    assert quality.ratio(0.0, 0.0) is None


def test_coverage_is_of_the_partly_transparent_pixels() -> None:
    truth = disc(2).alpha
    soft = (truth > 0.02) & (truth < 0.98)
    trimap = np.where(soft, 0.5, np.round(truth)).astype(np.float32)
    assert quality.coverage(trimap, truth) == 1
    trimap[0] = np.round(truth[0])
    assert quality.coverage(trimap, truth) == pytest.approx(soft[1].sum() / soft.sum())
    assert quality.coverage(np.round(truth), np.round(truth)) is None


def test_a_bar_holds_only_where_every_clip_was_measured() -> None:
    rows = [quality.Row("clean", "a", mad=4.0), quality.Row("clean", "b", mad=6.0)]
    (verdict,) = quality.verdicts(rows)
    assert verdict["value"] == 5
    assert verdict["holds"]
    (lacking,) = quality.verdicts([*rows, quality.Row("clean", "c", faults=["c: has no frame."])])
    assert lacking["value"] == 5
    assert not lacking["holds"]
    (over,) = quality.verdicts([*rows, quality.Row("clean", "c", mad=20.0)])
    assert not over["holds"]


def test_without_footage_the_drawn_clips_remain() -> None:
    assert [recipe.name for recipe in recipes(None, None)] == ["hair-still", "hair-moving"]


def test_a_clip_that_cannot_be_made_is_a_row_with_its_sentence(tmp_path: Path) -> None:
    figures = quality.bench(tmp_path, only=["chroma"], frames=2)
    assert [row["clip"] for row in figures["rows"]] == ["dancer-green", "turn-green"]
    text = quality.table(figures)
    for row in figures["rows"]:
        assert "webm" in row["faults"][0]
        assert row["faults"][0] in text
    assert "misses (2 of 2 clips without this figure)" in text


def test_a_mask_is_measured_end_to_end(furry: Clip, tmp_path: Path) -> None:
    row = quality.measure("smoothing", furry, sheets=tmp_path)
    assert row.frames == 6
    assert row.mad is not None
    assert row.worst is not None
    assert row.dtssd is not None
    assert 0 < row.mad <= row.worst < 60
    assert 0 < row.dtssd < 15
    assert (tmp_path / "smoothing_furry.png").is_file()
    figures = json.loads(json.dumps({"rows": [vars(row)], "verdicts": quality.verdicts([row])}))
    text = quality.table(figures)
    for said in ("smoothing", "furry", "worst dtSSD ratio", "at most 0.75", "worst MSE ratio", "at most 1"):
        assert said in text
    if "temporal" in ClipSettings.model_fields:
        assert row.faults == []
        assert row.dtssd_ratio is not None
        assert 0 < row.dtssd_ratio < 1.1
        assert "without this figure" not in text
