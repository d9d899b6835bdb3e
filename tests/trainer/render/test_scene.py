"""What is rendered: repeatable, whole, and taken up by a real Blender."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from trainer.render import Blender, check, write_scene
from trainer.render.kinds import KINDS
from trainer.render.scene import make_take

blender = pytest.mark.skipif(not shutil.which("blender"), reason="needs Blender: apt install blender")


def written(folder: Path, n: int, frame: int | None = None, seed: int = 1) -> bytes:
    make_take.cache_clear()
    folder.mkdir(exist_ok=True)
    scene, _ = write_scene(folder, folder / "picture.exr", seed, n, frame, 64, 4)
    return scene.with_suffix(".bin").read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_finite_and_in_range(kind: str) -> None:
    subject = KINDS[kind][1](np.random.default_rng(4))
    assert subject.kind == kind
    assert subject.strands or subject.surfaces
    for part in (*subject.strands, *subject.surfaces):
        assert part.points.dtype == part.colour.dtype == np.float32
        assert np.isfinite(part.points).all()
        assert part.give.shape == part.points.shape[:-1]
        assert part.colour.shape == part.points.shape
        assert 0 <= part.colour.min() <= part.colour.max() <= 1.5


def test_a_scene_depends_on_its_seed_and_number_alone(tmp_path: Path) -> None:
    first = written(tmp_path, 4)
    assert written(tmp_path, 5) != first
    assert written(tmp_path, 4, seed=2) != first
    assert written(tmp_path, 4) == first


def test_frames_of_a_clip_show_one_subject_that_moves(tmp_path: Path) -> None:
    pictures = []
    for frame in (0, 1):
        bytes_ = written(tmp_path, 0, frame)
        offset, count, _ = json.loads((tmp_path / "scene.json").read_text())["table"]["points"]
        pictures.append(np.frombuffer(bytes_, np.float32, count, offset))
    assert pictures[0].shape == pictures[1].shape
    step = np.abs(pictures[0] - pictures[1])
    assert 0 < step.max() < 0.3


@blender
def test_blender_gives_the_same_exact_alpha_for_the_same_number(tmp_path: Path) -> None:
    pictures = []
    with Blender(Path("blender")) as child:
        for name in ("a", "b"):
            folder = tmp_path / name
            folder.mkdir()
            scene, _ = write_scene(folder, folder / "picture.exr", 1, 4, None, 64, 4)
            assert child.render(scene, 200) > 0
            pictures.append(check(folder / "picture.exr", 64))
    assert child.version.startswith(("3.", "4."))
    first, second = pictures
    assert first.tobytes() == second.tobytes()
    alpha = first[..., 3]
    assert ((alpha > 0) & (alpha < 1)).any()
    # Straight colour is the subject's wherever there is any of it: premultiplied colour fades with alpha.
    faint = (alpha > 0) & (alpha < 0.3)
    assert first[faint][:, :3].mean() < first[alpha > 0.9][:, :3].mean()
