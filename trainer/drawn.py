"""Drawn scenes as files: to look at what training sees, and to judge networks on pictures none has trained
on.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from rich.progress import track

from trainer.png import write_png
from trainer.synth import Photos, Procedural, Scene, make_clip, make_scene


def _write_scene(out: Path, name: str, scene: Scene) -> None:
    pictures = {
        "image": scene.image,
        "trimap": scene.trimap,
        "alpha": scene.alpha,
        "fg": scene.foreground,
    }
    for folder, picture in pictures.items():
        write_png(out / folder / name, picture)


def write_drawn(photos: Path, out: Path, count: int, size: int, seed: int, frames: int = 1) -> None:
    """Write ``count`` scenes under ``out`` as image/, trimap/, alpha/ and fg/, each NNNNN-kind.png; of clips,
    which have more than one of ``frames``, each NNNNN-kind/0001.png and so on.

    Picture n depends on ``seed`` and n alone, so a longer set begins with the shorter one.
    """
    library = Photos(photos)
    maker = Procedural(library)
    for n in track(range(count), "drawing"):
        rng = np.random.default_rng([seed, n])
        if frames == 1:
            scene = make_scene(rng, maker, library, size)
            _write_scene(out, f"{n:05d}-{scene.kind}.png", scene)
        else:
            for number, scene in enumerate(make_clip(rng, maker, library, size, frames), 1):
                _write_scene(out, f"{n:05d}-{scene.kind}/{number:04d}.png", scene)
