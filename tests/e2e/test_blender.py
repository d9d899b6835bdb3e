"""Blender's compositor, which is not ours, loads the EXR sequences that leave, and finds what we found."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.daemon.cases import trimap, write
from tests.daemon.stills import HEIGHT, WIDTH, picture, stored

BLENDER = shutil.which("blender")
pytestmark = [
    pytest.mark.timeout(480),
    pytest.mark.slow,
    pytest.mark.skipif(BLENDER is None, reason="Blender is not installed"),
]

NUMBERS = (1001, 1002)
HALF = 2.0**-11
"""What rounding to half-float may cost of a number."""

# Premultiplied, as EXR wants it, is what Alpha Over takes by default. 'Linear' is the scene's own space:
# nothing is converted on the way in, and an EXR is written without a view transform.
OVER = """
import sys, bpy
front, behind, out, first, last, width, height = sys.argv[sys.argv.index("--") + 1:]
first, last = int(first), int(last)
scene = bpy.context.scene
scene.use_nodes = True
scene.frame_start, scene.frame_end = first, last
scene.render.engine = "CYCLES"
scene.render.resolution_x, scene.render.resolution_y = int(width), int(height)
scene.render.resolution_percentage = 100
scene.render.filepath = out
form = scene.render.image_settings
form.file_format, form.color_mode, form.color_depth, form.exr_codec = "OPEN_EXR", "RGBA", "16", "ZIP"
tree = scene.node_tree
tree.nodes.clear()
over = tree.nodes.new("CompositorNodeAlphaOver")
over.use_premultiply = False
def load(path, socket, is_sequence):
    node = tree.nodes.new("CompositorNodeImage")
    node.image = bpy.data.images.load(path)
    node.image.colorspace_settings.name = "Linear"
    assert node.image.alpha_mode == "PREMUL", node.image.alpha_mode
    if is_sequence:
        node.image.source = "SEQUENCE"
        node.frame_duration, node.frame_start, node.frame_offset = last - first + 1, first, first - 1
    tree.links.new(node.outputs["Image"], socket)
load(behind, over.inputs[1], False)
load(front, over.inputs[2], True)
result = tree.nodes.new("CompositorNodeComposite")
tree.links.new(over.outputs["Image"], result.inputs["Image"])
bpy.ops.render.render(animation=True)
"""


def light(seed: int) -> np.ndarray:
    """Scene-linear light, smooth and textured, with values far above 1: float32 [H, W, 3]."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH] / WIDTH
    base = np.stack([0.1 + columns, 0.5 - 0.3 * rows, 0.2 + rows * columns], -1)
    return (base * rng.uniform(0.8, 1.25, base.shape) * np.where(columns > 0.8, 12, 1)[..., None]).astype(
        np.float32
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    """The clip's result, and the background behind it."""
    folder = tmp_path_factory.mktemp("blender")
    for number in NUMBERS:
        picture(folder / f"shot.{number}.exr", light(number), "float")
    behind = light(7)[:, ::-1]
    picture(folder / "shot_bg.exr", behind, "float")
    write(folder / "shot_trimap.png", trimap())
    (folder / "shot.yaml").write_text("outputs: {premult: {format: exr}, composite: {format: exr}}\n")
    command = [sys.executable, "-m", "daemon", "matte", str(folder / "shot.%04d.exr")]
    done = subprocess.run(
        [*command, "--device", "cpu", "--out", str(folder / "out")],
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    return folder, behind


def test_blender_lays_premult_over_the_background_and_has_our_composite(
    made: tuple[Path, np.ndarray], tmp_path: Path
) -> None:
    folder, behind = made
    script = tmp_path / "over.py"
    script.write_text(OVER)
    front = folder / "out/shot/premult" / f"shot_premult.{NUMBERS[0]}.exr"
    where = [front, folder / "shot_bg.exr", f"{tmp_path}/over.", *NUMBERS, WIDTH, HEIGHT]
    assert BLENDER is not None
    done = subprocess.run(
        [BLENDER, "-b", "--factory-startup", "-t", "1", "--python-exit-code", "1", "-P", str(script)]
        + ["--", *map(str, where)],
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    seen = []
    for number in NUMBERS:
        premult = stored(folder / f"out/shot/premult/shot_premult.{number}.exr").astype(np.float64)
        ours = stored(folder / f"out/shot/composite/shot_composite.{number}.exr").astype(np.float64)
        theirs = stored(tmp_path / f"over.{number}.exr").astype(np.float64)
        alpha = premult[..., 3:]
        assert ((alpha > 0.02) & (alpha < 0.98)).sum() > 100
        # Blender starts from rounded colours and a rounded alpha, and rounds what it makes, as we do ours.
        rounding = HALF * (np.abs(premult[..., :3]) + alpha * np.abs(behind) + 2 * np.abs(ours)) + 1e-6
        assert (np.abs(theirs[..., :3] - ours) <= rounding).all()
        # Whole places are nobody's to change.
        solid, clear = alpha[..., 0] == 1, alpha[..., 0] == 0
        np.testing.assert_array_equal(theirs[solid][:, :3], premult[solid][:, :3])
        np.testing.assert_array_equal(theirs[clear][:, :3], ours[clear])
        assert theirs[solid][:, :3].max() > 4
        seen.append(theirs)
    assert np.abs(seen[0] - seen[1]).max() > 0.05, "Blender saw one frame twice"
