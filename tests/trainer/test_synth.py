"""Drawn scenes: exact, repeatable, and with something to learn in each."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from trainer.drawn import write_drawn
from trainer.synth import NoPhotosError, Photos, Procedural, Scene, make_scene
from trainer.synth.canvas import Canvas
from trainer.synth.shapes import KINDS
from trainer.synth.trimaps import random_trimap


def scene(photos: Path, seed: int, size: int = 128) -> Scene:
    library = Photos(photos)
    return make_scene(np.random.default_rng(seed), Procedural(library), library, size)


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
def test_what_the_trimap_knows_is_true(photos: Path, seed: int) -> None:
    made = scene(photos, seed)
    assert (made.alpha[made.trimap == 1] > 0.99).all()
    assert (made.alpha[made.trimap == 0] < 0.01).all()


def test_the_same_seed_draws_the_same_scene(photos: Path) -> None:
    first, second = scene(photos, 7), scene(photos, 7)
    assert first.image.tobytes() == second.image.tobytes()
    assert first.trimap.tobytes() == second.trimap.tobytes()
    assert scene(photos, 8).image.tobytes() != first.image.tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_draws_something_partly_transparent(kind: str) -> None:
    rng = np.random.default_rng(3)
    canvas = Canvas(np.full((96, 96, 3), 0.5, np.float32), 2)
    KINDS[kind][1](rng, canvas)
    alpha, colour = canvas.reduced()
    assert alpha.max() > 0.3
    assert alpha.min() < 0.05
    assert ((alpha > 0.02) & (alpha < 0.98)).any()
    assert np.isfinite(colour).all()


def test_trimaps_vary_in_width() -> None:
    alpha = np.zeros((128, 128), np.float32)
    alpha[:, 64:] = 1
    shares = [(random_trimap(np.random.default_rng(n), alpha) == 0.5).mean() for n in range(12)]
    assert max(shares) > 4 * min(shares)


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
