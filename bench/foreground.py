"""How good and how fast the foreground's colours are, beside pymatting's multi-level estimation.

    python -m bench.foreground [--data DIR] [--scenes N] [--seed N] [--json FILE]

Scenes have a known foreground: drawn ones, as they are made for training, and photographs before other
photographs with the mattes of alphamatting.com. Both estimators are given the true alpha, in the same colour
space: scene-linear, without damage (``light``), or display-referred, as a camera or codec left it
(``plate``). The error is the mean of |F - F*| where 0 < alpha < 1, plain, and weighted by alpha, as a comp
shows it; ``back`` is the mean of |aF + (1 - a)B - plate| there, in units of 1/255. Speed is at 1080p with a
tenth of the frame mixed, one thread each, in CPU time, because others use the machine.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from pymatting import estimate_foreground_ml
from skimage import data as photographs

from bench.footage import HD, trimap_of
from bench.quality import DATA
from dim_model.arrays import Floats
from dim_model.foreground import Mixed, estimate, mixed_colours
from trainer.synth import Photos, Procedural, make_scene

_SIZE = 448


class Case(NamedTuple):
    """image, foreground: float32 [H, W, 3]; alpha: float32 [H, W]."""

    kind: str
    image: Floats
    alpha: Floats
    foreground: Floats


def _light(colour: Floats) -> Floats:
    return np.asarray(cv2.pow(colour, 2.2), np.float32)


def _mix(alpha: Floats, front: Floats, behind: Floats) -> Floats:
    return np.asarray(alpha[..., None] * front + (1 - alpha[..., None]) * behind, np.float32)


def drawn(photos: Path, count: int, seed: int) -> Iterator[Case]:
    """Each scene as light and as a plate."""
    library = Photos(photos)
    maker = Procedural(library)
    for n in range(count):
        scene = make_scene(np.random.default_rng([seed, n]), maker, library, _SIZE)
        front, behind = (_light(colour) for colour in (scene.foreground, scene.background))
        yield Case("drawn, light", _mix(scene.alpha, front, behind), scene.alpha, front)
        yield Case("drawn, plate", scene.image, scene.alpha, scene.foreground)


def mattes(folder: Path, photos: Path, seed: int) -> Iterator[Case]:
    """Photographs before photographs, in light, with the alphas of real things."""
    library = Photos(photos)
    for n, path in enumerate(sorted(folder.glob("*.png"))):
        rng = np.random.default_rng([seed, n])
        matte = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        assert matte is not None
        side = min(matte.shape)
        alpha = np.asarray(matte[:side, :side], np.float32) / np.float32(255)
        front, behind = (_light(library.crop(rng, side)) for _ in range(2))
        yield Case("alphamatting, light", _mix(alpha, front, behind), alpha, front)


def figures(case: Case) -> dict[str, float]:
    """Errors of one scene."""
    mixed = (case.alpha > 0) & (case.alpha < 1)
    weight = case.alpha[mixed]
    rgb = torch.from_numpy(case.image.transpose(2, 0, 1)).contiguous()
    front, behind = (c.numpy().T for c in mixed_colours(rgb, Mixed.of(torch.from_numpy(case.alpha)[None])))
    theirs = estimate_foreground_ml(case.image, case.alpha)[mixed]
    found: dict[str, float] = {}
    for name, colour in (("dimd", front), ("pymatting", theirs)):
        error = np.abs(colour - case.foreground[mixed]).mean(-1)
        found |= {f"{name}, plain": float(error.mean()), f"{name}, weighted": float((error * weight).mean())}
    back = weight[:, None] * front + (1 - weight[:, None]) * behind - case.image[mixed]
    return found | {"back": 255 * float(np.abs(back).mean())}


def _seconds(work: Callable[[], object], times: int = 9) -> float:
    """The least CPU time of a few runs after one that does not count."""
    work()
    taken = []
    for _ in range(times):
        begun = time.thread_time()
        work()
        taken.append(time.thread_time() - begun)
    return min(taken)


def speed() -> dict[str, float]:
    """Seconds at 1080p, a tenth of the frame mixed, and how many times as fast."""
    picture = cv2.resize(photographs.coffee(), HD[::-1], interpolation=cv2.INTER_CUBIC)
    image = np.asarray(picture, np.float32) / np.float32(255)
    alpha = np.ascontiguousarray(cv2.blur(trimap_of(0.1), (5, 5)), np.float32)
    rgb, matte = torch.from_numpy(image.transpose(2, 0, 1)).contiguous(), torch.from_numpy(alpha)[None]
    theirs = _seconds(lambda: estimate_foreground_ml(image, alpha))
    ours = _seconds(lambda: mixed_colours(rgb, Mixed.of(matte)))
    frame = _seconds(lambda: estimate(rgb[None], matte[None]))
    share = float(((alpha > 0) & (alpha < 1)).mean())
    return {"mixed": share, "pymatting": theirs, "dimd": ours, "dimd, whole frame": frame} | {
        "times as fast": theirs / ours,
        "times as fast, whole frame": theirs / frame,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="The foreground's colours beside pymatting's.")
    parser.add_argument("--data", type=Path, default=DATA, help="photographs and mattes (../shared/data)")
    parser.add_argument("--scenes", type=int, default=24)
    parser.add_argument("--seed", type=int, default=22)
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows: dict[str, list[dict[str, float]]] = {}
    photos = options.data / "photos"
    real = options.data / "alphamatting9" / "gt_training_lowres"
    for cases in (drawn(photos, options.scenes, options.seed), mattes(real, photos, options.seed)):
        for case in cases:
            rows.setdefault(case.kind, []).append(figures(case))
    means: dict[str, Any] = {
        kind: {name: float(np.mean([row[name] for row in of])) for name in of[0]} for kind, of in rows.items()
    }
    means["1080p"] = speed()
    for kind, of in means.items():
        print(f"{kind:22s}" + ", ".join(f"{name} {value:.4f}" for name, value in of.items()))
    if options.json:
        options.json.write_text(json.dumps(means, indent=2) + "\n")


if __name__ == "__main__":
    main()
