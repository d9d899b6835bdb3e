"""Moving clips: what moves is the subject; grain changes, truth does not flicker."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from tests.trainer.judged import swift
from trainer.cli import main
from trainer.synth import Foreground, Photos, Scene, make_clip
from trainer.synth.foreground import Rng
from trainer.synth.motion import MARGIN, random_motion
from trainer.synth.scene import composite


class Disc:
    """Always the same: a soft disc in the middle."""

    def make(self, rng: Rng, size: int) -> Foreground:
        y, x = np.mgrid[:size, :size] - (size - 1) / 2
        alpha = np.clip((0.25 * size - np.hypot(x, y)) / 8 + 0.5, 0, 1).astype(np.float32)
        return Foreground(alpha, np.full((size, size, 3), 0.7, np.float32), "disc")


def clip(photos: Path, seed: int, frames: int = 4) -> list[Scene]:
    return make_clip(np.random.default_rng(seed), Disc(), Photos(photos), 96, frames)


@pytest.mark.parametrize("seed", range(6))
def test_every_frame_is_whole_and_true(seed: int, photos: Path) -> None:
    for scene in clip(photos, seed):
        for picture in (scene.image, scene.foreground, scene.background):
            assert picture.shape == (96, 96, 3)
            assert picture.dtype == np.float32
            assert 0 <= picture.min() <= picture.max() <= 1
        # By numbers, whatever was mixed; noise and codecs are part of the image.
        made = composite(scene.alpha, scene.foreground, scene.background, in_light=False)
        assert float(np.abs(made - scene.image).mean()) < 0.05
        assert set(np.unique(scene.trimap)) <= {0, 0.5, 1}


def test_the_subject_moves_smoothly_and_keeps_its_size(photos: Path) -> None:
    moved = 0
    for seed in range(8):
        alphas = [scene.alpha for scene in clip(photos, seed)]
        areas = [float(a.sum()) for a in alphas]
        assert max(areas) < 1.25 * min(areas)
        y, x = np.mgrid[:96, :96]
        centres = np.array([[(a * y).sum() / a.sum(), (a * x).sum() / a.sum()] for a in alphas])
        steps = np.diff(centres, axis=0)
        assert np.linalg.norm(np.diff(steps, axis=0), axis=1).max() < 3  # no jump
        moved += np.linalg.norm(centres[-1] - centres[0]) > 1
    assert moved >= 3


def test_each_frame_has_grain_of_its_own(photos: Path) -> None:
    """Where subject, background and light stand still, what differs is grain."""
    differing = 0
    for seed in range(12):
        first, second = clip(photos, seed, 2)
        still = (
            np.abs(first.background - second.background).max(2) + np.abs(first.alpha - second.alpha) < 1e-4
        )
        if still.mean() > 0.3:
            differing += bool(np.abs(first.image - second.image)[still].max() > 2e-3)
    assert differing >= 2


def test_the_same_seed_draws_the_same_clip(photos: Path) -> None:
    for one, other in zip(clip(photos, 3), clip(photos, 3), strict=True):
        assert np.array_equal(one.image, other.image)
        assert np.array_equal(one.trimap, other.trimap)


def test_a_shutter_that_is_open_streaks_what_moves() -> None:
    motion = random_motion(np.random.default_rng(0), 96, int(96 * MARGIN), 2)
    picture = np.zeros((int(96 * MARGIN),) * 2 + (1,), np.float32)
    picture[:, 60:] = 1
    fast = type(motion)((0.08, 0.0), 0.0, 1.0, 0.0, motion.phase, 0.0, 0.0)
    sharp, streaked = fast.shown(picture, 0.0, 96), fast.exposed(picture, 0.0, 96, 5)
    between = [int(((p > 0.01) & (p < 0.99)).sum(1).max()) for p in (sharp, streaked)]
    assert between[1] >= between[0] + 2


def test_clips_are_written_and_judged_as_clips(photos: Path, tmp_path: Path) -> None:
    command = ["synth", "--photos", photos, "--out", tmp_path, "--count", 2, "--size", 96, "--frames", 3]
    done = CliRunner().invoke(main, [str(c) for c in command])
    assert done.exit_code == 0, done.output
    assert "2 clips of 3 frames" in done.output
    checkpoint = swift(tmp_path / "last.ckpt")
    command = ["evaluate", "--checkpoint", str(checkpoint), "--json"]
    for name, folder in (("images", "image"), ("trimaps", "trimap"), ("alphas", "alpha")):
        command += [f"--{name}", str(tmp_path / folder)]
    done = CliRunner().invoke(main, [str(c) for c in command])
    assert done.exit_code == 0, done.output
    figures = json.loads(done.output)
    assert [row["frames"] for row in figures["clips"].values()] == [3, 3]
    assert figures["mean"]["dtssd"] > 0
