"""Drawn scenes as files: to look at what training sees, and to judge networks on pictures none has trained
on.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from rich.progress import track

from trainer.synth import Photos, Procedural, make_scene
from trainer.synth.foreground import Floats


def _write(path: Path, image: Floats) -> None:
    """16-bit PNG of 0..1; colour is given as RGB."""
    path.parent.mkdir(parents=True, exist_ok=True)
    bits = np.round(image * 65535).astype(np.uint16)
    if not cv2.imwrite(str(path), bits[..., ::-1] if bits.ndim == 3 else bits):
        raise OSError(f"{path}: could not be written; check the folder and the disk.")


def write_drawn(photos: Path, out: Path, count: int, size: int, seed: int) -> None:
    """Write ``count`` scenes under ``out`` as image/, trimap/, alpha/ and fg/, each NNNNN-kind.png.

    Picture n depends on ``seed`` and n alone, so a longer set begins with the shorter one.
    """
    library = Photos(photos)
    maker = Procedural(library)
    for n in track(range(count), "drawing"):
        scene = make_scene(np.random.default_rng([seed, n]), maker, library, size)
        name = f"{n:05d}-{scene.kind}.png"
        pictures = {
            "image": scene.image,
            "trimap": scene.trimap,
            "alpha": scene.alpha,
            "fg": scene.foreground,
        }
        for folder, picture in pictures.items():
            _write(out / folder / name, picture)
