"""Drawn scenes: exact, repeatable, and with something to learn in each."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from dim_model.arrays import Floats
from trainer.drawn import OtherSetError, write_drawn
from trainer.synth import NoPhotosError, Photos, Procedural, Scene, make_scene
from trainer.synth.background import met, random_background, rimmed
from trainer.synth.canvas import Canvas
from trainer.synth.damage import damaged, h264
from trainer.synth.kinds import KINDS
from trainer.synth.lens import defocused, disc, moved
from trainer.synth.trimaps import SLIP, random_trimap


def scene(photos: Path, seed: int, size: int = 128) -> Scene:
    library = Photos(photos)
    return make_scene(np.random.default_rng(seed), Procedural(library), library, size)


def painted(kind: str, seed: int, size: int = 160) -> tuple[Floats, Floats]:
    """Alpha and colour of one drawing on a cloth of many colours."""
    rng = np.random.default_rng([seed, 11])
    canvas = Canvas(cv2.resize(rng.random((9, 9, 3), np.float32), (size, size)))
    KINDS[kind][1](rng, canvas)
    return canvas.finished()


@pytest.mark.parametrize("seed", range(6))
def test_a_scene_is_whole_and_in_range(photos: Path, seed: int) -> None:
    made = scene(photos, seed)
    for picture in (made.image, made.alpha, made.foreground, made.background):
        assert picture.dtype == np.float32
        assert picture.min() >= 0
        assert picture.max() <= 1
        assert np.isfinite(picture).all()
    assert set(np.unique(made.trimap)) <= {0.0, 0.5, 1.0}


@pytest.mark.parametrize("seed", range(6))
def test_what_the_trimap_knows_is_true_but_for_a_slip_at_the_border(photos: Path, seed: int) -> None:
    made = scene(photos, seed)
    for value, known in ((1, made.alpha > 0.99), (0, made.alpha < 0.01)):
        far = cv2.distanceTransform((~known).astype(np.uint8), cv2.DIST_L2, 5)
        assert (far[made.trimap == value] <= SLIP + 1).all()


def test_the_same_seed_draws_the_same_scene(photos: Path) -> None:
    for seed in range(7, 12):
        first, second = scene(photos, seed), scene(photos, seed)
        assert first.image.tobytes() == second.image.tobytes()
        assert first.trimap.tobytes() == second.trimap.tobytes()
        assert scene(photos, 99).image.tobytes() != first.image.tobytes()


def test_shares_sum_to_one_and_hair_leads() -> None:
    assert sum(share for share, _ in KINDS.values()) == pytest.approx(1)
    hair = sum(KINDS[kind][0] for kind in ("fur", "mane", "tail", "curls", "brush", "feather"))
    assert 0.35 < hair < 0.45


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_draws_something_partly_transparent(kind: str) -> None:
    for seed in range(3):
        alpha, colour = painted(kind, seed)
        assert alpha.dtype == colour.dtype == np.float32
        assert 0.3 < alpha.max() <= 1
        assert 0 <= alpha.min() < 0.05
        assert ((alpha > 0.02) & (alpha < 0.98)).any()
        assert np.isfinite(colour).all()
        assert 0 <= colour.min() <= colour.max() <= 1


@pytest.mark.parametrize("kind", ["veil", "bag", "glass", "smoke"])
def test_what_is_clear_is_clear_over_an_area(kind: str) -> None:
    shares = [((alpha > 0.03) & (alpha < 0.97)).mean() for alpha, _ in (painted(kind, s) for s in range(6))]
    assert np.median(shares) > 0.02


@pytest.mark.parametrize("width", [0.2, 0.6, 1.0, 3.0])
def test_a_stroke_covers_what_its_width_says(width: float) -> None:
    canvas = Canvas(np.zeros((64, 64, 3), np.float32))
    line = np.array([[[8.3, 20.1], [30.0, 27.7], [55.2, 36.4]]], np.float32)
    canvas.stroke(line, np.float32(width), np.ones(3, np.float32))
    alpha, colour = canvas.finished()
    length = np.linalg.norm(np.diff(line[0], axis=0), axis=-1).sum()
    assert alpha.sum() == pytest.approx(length * width, rel=0.12)
    assert colour[alpha > 0.05].min() > 0.99
    if width < 1:
        assert alpha.max() <= width + 1e-6


def test_edges_are_antialiased() -> None:
    canvas = Canvas(np.ones((64, 64, 3), np.float32))
    outline = np.array([[10.2, 8.1], [50.7, 14.6], [31.4, 55.3]], np.float32)
    mask = canvas.mask(outline)
    edge = np.abs(np.diff(mask, axis=1)).max(0)
    assert len(np.unique(mask)) > 20
    assert edge.max() < 1


def test_what_is_laid_over_hides_what_lies_below() -> None:
    canvas = Canvas(np.zeros((8, 8, 3), np.float32))
    canvas.lay(np.full((8, 8), 0.5, np.float32), np.array([1, 0, 0], np.float32))
    canvas.lay(np.full((8, 8), 0.5, np.float32), np.array([0, 1, 0], np.float32))
    alpha, colour = canvas.finished()
    np.testing.assert_allclose(alpha, 0.75)
    np.testing.assert_allclose(colour[0, 0], [1 / 3, 2 / 3, 0], atol=1e-4)


def test_defocus_and_movement_keep_what_there_is_and_its_colour() -> None:
    alpha = np.zeros((96, 96), np.float32)
    alpha[40:56, 40:56] = 1
    colour = np.zeros((96, 96, 3), np.float32)
    colour[40:56, 40:56] = (0.9, 0.5, 0.1)
    assert disc(3.3).sum() == pytest.approx(1)
    for soft, seen in (
        defocused(alpha, colour, 3),
        defocused(alpha, colour, 9),
        moved(np.random.default_rng(0), alpha, colour),
    ):
        assert soft.sum() == pytest.approx(alpha.sum(), rel=0.05)
        assert soft.max() <= 1
        assert np.abs(seen[soft > 0.1] - (0.9, 0.5, 0.1)).max() < 0.02


def test_trimaps_vary_in_width() -> None:
    alpha = np.zeros((128, 128), np.float32)
    alpha[:, 64:] = 1
    shares = [(random_trimap(np.random.default_rng(n), alpha) == 0.5).mean() for n in range(12)]
    assert max(shares) > 4 * min(shares)


def test_few_trimaps_are_wrong_and_those_only_near_the_border() -> None:
    alpha = np.zeros((128, 128), np.float32)
    alpha[:, 64:] = 1
    wrong = []
    for seed in range(150):
        trimap = random_trimap(np.random.default_rng(seed), alpha)
        off = (trimap != 0.5) & (trimap != alpha)
        wrong.append(off.any())
        assert not off[:, : 64 - SLIP].any()
        assert not off[:, 64 + SLIP :].any()
    assert 0.01 < np.mean(wrong) < 0.2


def test_damage_keeps_the_picture_near_its_clean_state(photos: Path) -> None:
    clean = Photos(photos).crop(np.random.default_rng(1), 128)
    before, unlike = clean.copy(), []
    for seed in range(40):
        hurt = damaged(np.random.default_rng(seed), clean)
        assert hurt.shape == clean.shape
        assert hurt.dtype == np.float32
        assert 0 <= hurt.min() <= hurt.max() <= 1
        unlike.append(float(np.abs(hurt - clean).mean()))
    assert max(unlike) < 0.05
    assert max(unlike) > 0.01
    assert (clean == before).all()


def test_h264_hurts_more_at_a_higher_crf() -> None:
    grain = np.random.default_rng(0).integers(90, 160, (64, 96, 3), np.uint8)
    plain, rough = (np.abs(h264(grain, crf).astype(int) - grain).mean() for crf in (12, 40))
    assert plain < rough < 40


def test_backgrounds_and_their_light_stay_in_range(photos: Path) -> None:
    library = Photos(photos)
    alpha, colour = painted("mane", 0, 128)
    for seed in range(25):
        rng = np.random.default_rng(seed)
        plate = random_background(rng, library, 128)
        for picture in (plate, *met(rng, alpha, colour, plate)):
            assert picture.shape == (128, 128, 3)
            assert picture.dtype == np.float32
            assert 0 <= picture.min() <= picture.max() <= 1


def test_a_rim_has_another_colour_and_what_lies_deep_has_its_own() -> None:
    y, x = np.mgrid[:192, :192] - 95.5
    alpha = np.clip(60 - np.hypot(x, y), 0, 1).astype(np.float32)
    plain = np.full((192, 192, 3), (0.7, 0.4, 0.1), np.float32)
    at_rim = []
    for seed in range(12):
        made = rimmed(np.random.default_rng(seed), alpha, plain)
        assert np.abs(made - plain)[np.hypot(x, y) < 44].max() < 1e-6
        assert 0 <= made.min() <= made.max() <= 1
        at_rim.append(float(np.abs(made - plain)[(alpha > 0) & (alpha < 1)].mean()))
    assert max(at_rim) > 0.1


def test_drawn_pictures_composite_back_to_their_image(photos: Path, tmp_path: Path) -> None:
    write_drawn(photos, tmp_path, count=2, size=96, seed=5)
    folders = {p.name: sorted(p.iterdir()) for p in tmp_path.iterdir()}
    assert {name: len(files) for name, files in folders.items()} == {
        "image": 2,
        "trimap": 2,
        "alpha": 2,
        "fg": 2,
    }
    image = cv2.imread(str(folders["image"][0]), cv2.IMREAD_UNCHANGED) / 65535
    fg = cv2.imread(str(folders["fg"][0]), cv2.IMREAD_UNCHANGED) / 65535
    alpha = cv2.imread(str(folders["alpha"][0]), cv2.IMREAD_UNCHANGED) / 65535
    solid = alpha > 0.999
    assert solid.any()
    assert np.abs(image[solid] - fg[solid]).mean() < 0.04  # noise and JPEG damage are part of the image


def test_a_folder_without_photographs_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no picture")
    with pytest.raises(NoPhotosError, match=r"holds no photograph; give a folder"):
        Photos(tmp_path)


def test_a_broken_photograph_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"not a jpeg")
    with pytest.raises(NoPhotosError, match=r"broken\.jpg: cannot be read"):
        Photos(tmp_path).crop(np.random.default_rng(0), 64)


def test_hidden_files_and_folders_are_no_photographs(tmp_path: Path) -> None:
    (tmp_path / "album.jpg").mkdir()
    (tmp_path / "._a.jpg").write_text("what macOS knows of a.jpg")
    cv2.imwrite(str(tmp_path / "album.jpg" / "a.jpg"), np.zeros((20, 30, 3), np.uint8))
    assert Photos(tmp_path).files == [tmp_path / "album.jpg" / "a.jpg"]


@pytest.mark.parametrize("shape", [(1, 1), (4000, 10)])
def test_a_photograph_that_shows_nothing_is_named(shape: tuple[int, int], tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((*shape, 3), np.uint8))
    with pytest.raises(NoPhotosError, match=r"a\.png: is less than 8 pixels wide or high"):
        Photos(tmp_path).crop(np.random.default_rng(0), 64)


def test_a_large_folder_of_photographs_is_not_all_held_in_memory(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = [Photos(photos).crop(np.random.default_rng(n), 64) for n in range(12)]
    monkeypatch.setattr("trainer.synth.photos._KEPT", 2 * 400 * 300 * 3)
    library, most = Photos(photos), 0
    for n, crop in enumerate(whole):
        np.testing.assert_array_equal(library.crop(np.random.default_rng(n), 64), crop)
        most = max(most, sum(image.nbytes for image in library._kept.values()))
    assert most == 2 * 400 * 300 * 3


def test_two_sets_are_not_mixed_in_one_folder(photos: Path, tmp_path: Path) -> None:
    for count in (1, 2, 2):
        write_drawn(photos, tmp_path, count=count, size=64, seed=1)
    before = sorted(tmp_path.rglob("*.png"))
    assert len(before) == 8
    for seed, frames in ((2, 1), (1, 2)):
        with pytest.raises(
            OtherSetError, match=r"is of another set, with which this would mix; name another"
        ):
            write_drawn(photos, tmp_path, count=2, size=64, seed=seed, frames=frames)
    assert sorted(tmp_path.rglob("*.png")) == before
