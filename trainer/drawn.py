"""Drawn scenes as files: to look at what training sees, and to judge networks on pictures none has trained
on.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.progress import track

from trainer.png import write_png
from trainer.prepare import Index, Split
from trainer.synth import Maker, Mixture, Procedural, Scene, make_clip, make_scene
from trainer.synth.cutouts import Cutouts, photographs


def _write_scene(out: Path, name: str, scene: Scene) -> None:
    pictures = {
        "image": scene.image,
        "trimap": scene.trimap,
        "alpha": scene.alpha,
        "fg": scene.foreground,
    }
    for folder, picture in pictures.items():
        write_png(out / folder / name, picture)


class OtherSetError(ValueError):
    """The folder holds pictures that this set has not; one sentence."""


def write_drawn(
    photos: Path,
    out: Path,
    count: int,
    size: int,
    seed: int,
    frames: int = 1,
    *,
    indexes: Sequence[Path] = (),
    split: Split = "test",
) -> None:
    """Write ``count`` scenes under ``out`` as image/, trimap/, alpha/ and fg/, each NNNNN-kind.png; of clips,
    which have more than one of ``frames``, each NNNNN-kind/0001.png and so on.

    Picture n depends on ``seed`` and n alone, so a longer set begins with the shorter one, and may be written
    over it. indexes: of ``dim-train prepare``, whose foregrounds of one ``split``, each index as often as any
    other, are shown instead of drawn ones; their backgrounds join ``photos``. Raises ``OtherSetError``,
    ``NoPhotosError``, ``PrepareError``.
    """
    read = [Index.read(path) for path in indexes]
    library = photographs(photos, read, split)
    maker: Maker = Mixture({Cutouts(index, split): 1.0 for index in read}) if read else Procedural(library)
    there = {path.name[:5]: path for path in sorted((out / "image").glob("[0-9]*-*"))}
    for n in track(range(count), "drawing"):
        rng = np.random.default_rng([seed, n])
        if frames > 1:
            scenes = make_clip(rng, maker, library, size, frames)
            name = f"{n:05d}-{scenes[0].kind}"
            places = [f"{number:04d}.png" for number in range(1, frames + 1)]
        else:
            scenes = [make_scene(rng, maker, library, size)]
            name, places = f"{n:05d}-{scenes[0].kind}.png", [""]
        other = there.get(name[:5])
        if other is not None and other.name != name:
            raise OtherSetError(f"{other}: is of another set, with which this would mix; name another --out.")
        for place, scene in zip(places, scenes, strict=True):
            _write_scene(out, str(Path(name) / place), scene)
