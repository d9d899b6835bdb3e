"""Show what the daemon made of the demo shot, and how far it is from the truth.

    python -m demo.contact_sheet

Writes demo/contact-sheet.png: plate, trimap, alpha, foreground and composite of four frames, and a part of
one of them pixel by pixel. The trimap is derived anew by the daemon's own source; the error is of all frames.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from daemon.clip import Clip
from daemon.config import Config, clip_settings, load
from daemon.inbox import scan
from daemon.media import FrameSource, Pixels, find_media, open_source
from daemon.trimaps import Shot, Sidecar, TrimapSource, choose
from demo.make_shot import FRAMES, HERE, NAME, SIZE
from demo.sheet import Picture, Row, fitted, sheet
from dim_model import metrics

COLUMNS = ("plate", "trimap", "alpha", "foreground (straight)", "composite")
_ROWS = (6, 18, 30, 42)
_CELL = (448, 252)
_DETAIL = (30, 500, 12)
"""Frame, left and top of the part that is shown pixel by pixel."""


@dataclass(frozen=True)
class Seen:
    """One frame in all its forms: float32 [H, W, C] as the files hold it; trimap [1, H, W]; truth [H, W]."""

    plate: Pixels
    trimap: Tensor
    alpha: Pixels
    foreground: Pixels
    composite: Pixels
    truth: Pixels

    def pictures(self) -> list[Picture]:
        """One for each of `COLUMNS`."""
        trimap = self.trimap[0].numpy()[..., None]
        return [_shown(p) for p in (self.plate, trimap, self.alpha, self.foreground, self.composite)]

    def errors(self) -> tuple[float, float, float]:
        """MSE and SAD in the unknown region, and its share of the frame."""
        alpha = torch.from_numpy(np.ascontiguousarray(self.alpha[..., 0]))[None, None]
        truth, trimap = torch.from_numpy(self.truth)[None, None], self.trimap[None]
        unknown = float((trimap == 0.5).float().mean())
        return float(metrics.mse(alpha, truth, trimap)), float(metrics.sad(alpha, truth, trimap)), unknown


def _shown(pixels: Pixels) -> Picture:
    rgb = np.repeat(pixels, 3, axis=-1) if pixels.shape[2] == 1 else pixels[..., :3]
    return (np.clip(rgb, 0, 1) * 255).round().astype(np.uint8)


def newest(out: Path) -> Path:
    """The folder of the clip's last version: NAME, NAME_v2, ..."""
    versions = {
        int(found[1] or 1): path
        for path in out.glob(f"{NAME}*")
        if (found := re.fullmatch(rf"{NAME}(?:_v(\d+))?", path.name))
    }
    if not versions:
        # Without the touch dimd would have nothing to do, where a result was there and is gone.
        sys.exit(
            f"{out}: has no result; run: touch demo/in/{NAME}.mp4 && dimd --config demo/config.yaml --once"
        )
    return versions[max(versions)]


def _trimaps(clip: Clip, config: Config, plate: FrameSource) -> TrimapSource:
    assert clip.mask is not None
    source = open_source(clip.mask, max_pixels=config.limits.max_pixels)
    mask = Sidecar(clip.mask.path.name, source, plate.info, print)
    label, every = clip.plate.path.name, range(len(plate.info.numbers))
    shot = Shot(label, clip.name, plate.info, {"mask": mask}, lambda start, stop: iter(()), every, every)
    return choose(shot, clip_settings(config.clip, clip.settings).trimap)


def frames(config: Config, result: Path) -> Iterator[Seen]:
    """All frames of the shot, in order."""
    clip = next(clip for clip in scan(config.folders[0].in_) if clip.name == NAME)
    made = {ref.path.stem.removeprefix(f"{NAME}_"): ref for ref in find_media(result)}
    plate, alpha, foreground, composite = (
        open_source(ref, max_pixels=config.limits.max_pixels)
        for ref in (clip.plate, made["alpha"], made["foreground"], made["composite"])
    )
    trimaps = _trimaps(clip, config, plate)
    read = zip(plate.frames(), alpha.frames(), foreground.frames(), composite.frames(), strict=True)
    for index, (p, a, f, c) in enumerate(read):
        view = torch.from_numpy(p.pixels).permute(2, 0, 1)
        truth = cv2.imread(str(HERE / "truth" / f"{NAME}.{index:04d}.png"), cv2.IMREAD_UNCHANGED)
        if truth is None:
            sys.exit(f"{HERE / 'truth'}: has no frame {index}; run: python -m demo.make_shot")
        yield Seen(
            p.pixels,
            trimaps.trimap(p, index, view).values,
            a.pixels,
            f.pixels,
            c.pixels,
            (truth / np.float32(65535)).astype(np.float32),
        )


def main() -> None:
    config = load(HERE / "config.yaml")
    result = newest(config.folders[0].out)
    rows, errors = [], []
    for index, seen in enumerate(frames(config, result)):
        errors.append(seen.errors())
        if index in _ROWS:
            rows.append(Row(f"frame {index}", [fitted(picture, _CELL) for picture in seen.pictures()]))
        if index == _DETAIL[0]:
            _, left, top = _DETAIL
            part = np.s_[top : top + _CELL[1], left : left + _CELL[0]]
            detail = Row(f"frame {index}, pixel by pixel", [picture[part] for picture in seen.pictures()])
    mse, sad, unknown = np.mean(errors, axis=0)
    weights = json.loads((result / "manifest.json").read_text())["weights"]["version"]
    figures = f"MSE {mse:.4f}, SAD {sad:.2f} a frame in the unknown region, {unknown:.0%} of the picture"
    title = f"dimd demo: a rough mask in, a matte out ({FRAMES} frames, {SIZE[0]}x{SIZE[1]})"
    picture = HERE / "contact-sheet.png"
    Image.fromarray(sheet(title, f"{figures}; weights {weights}", COLUMNS, [*rows, detail])).save(picture)
    print(f"results:        {result}")
    print(f"contact sheet:  {picture}")
    print(f"error:          {figures}")


if __name__ == "__main__":
    main()
