"""dimd as its user drives it: a folder with a clip, its sidecars and its settings, and the command line.

A way to get a trimap is one entry of ``SOURCES``: what lies beside the plate, and what NAME.yaml says.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml
from click.testing import CliRunner

from bench.quality_clips import FIRST, Clip, smooth_noise
from daemon.cli import main as dimd
from dim_model.arrays import Bytes, Floats

_OPENING = 5
"""Diameter in pixels of the detail that a rough mask does not follow."""

_GROWN, _WOBBLE, _CELL = 2.5, 0.7, 24
"""How far a rough mask reaches out, how much that varies along its edge, and over what length; pixels."""


_VERDICT = re.compile(r"^(failed|Error:)\s+")
"""What dimd says before its sentence."""


class RunError(Exception):
    """dimd made no result; its own sentence."""


@dataclass(frozen=True)
class Source:
    """beside: writes the sidecars into a folder. setting: of ``trimap: source``. masks_of_clip: whether the
    clip's own ``band`` goes with its mask.
    """

    setting: str
    beside: Callable[[Clip, Path], None]
    masks_of_clip: bool = False


def rough_mask(alpha: Floats, seed: Sequence[int]) -> Bytes:
    """uint8 [H, W], 0 or 255: an outline without detail, a little too wide, wobbling by ``seed``."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_OPENING, _OPENING))
    exact = (alpha > 0.5).astype(np.uint8)
    opened = cv2.morphologyEx(exact, cv2.MORPH_OPEN, kernel)
    solid = cv2.morphologyEx(opened, cv2.MORPH_CLOSE, kernel)
    if not solid.any():
        return np.zeros(alpha.shape, np.uint8)
    outside = cv2.distanceTransform(1 - solid, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    wobble = smooth_noise(np.random.default_rng(seed), (alpha.shape[1], alpha.shape[0]), _CELL)
    near = outside < np.maximum(_GROWN + _WOBBLE * wobble, 0.5)
    return np.where(near, np.uint8(255), np.uint8(0))


def _nothing(clip: Clip, folder: Path) -> None: ...


def _first_mask(clip: Clip, folder: Path) -> None:
    _write(folder / f"{clip.name}_mask.{FIRST}.png", rough_mask(clip.truth[0], [3, 0]))


def _masks(clip: Clip, folder: Path) -> None:
    for index, alpha in enumerate(clip.truth):
        _write(folder / f"{clip.name}_mask.{FIRST + index}.png", rough_mask(alpha, [3, index]))


def _clean(clip: Clip, folder: Path) -> None:
    if clip.clean is None:
        raise ValueError(f"{clip.name}: has no clean plate, because its camera moves.")
    _write(folder / f"{clip.name}_clean.png", clip.clean)


SOURCES = {
    "keyframe": Source("mask", _first_mask),
    "clean": Source("clean", _clean),
    "locked": Source("locked", _nothing),
    "chroma": Source("chroma", _nothing),
    "smoothing": Source("mask", _masks, masks_of_clip=True),
}


class Shot:
    """A clip in a folder of its own, as it is dropped; gone at the end of ``with``."""

    def __init__(self, clip: Clip, source: Source) -> None:
        self._clip, self._source = clip, source
        self._scratch = tempfile.TemporaryDirectory(prefix="dimd-quality-")
        self._folder = Path(self._scratch.name)
        self._inbox = self._folder / "in"

    def __enter__(self) -> Shot:
        self._inbox.mkdir()
        for index, frame in enumerate(self._clip.plate):
            _write(self._inbox / f"{self._clip.name}.{FIRST + index}.png", frame)
        self._source.beside(self._clip, self._inbox)
        return self

    def __exit__(self, *error: object) -> None:
        self._scratch.cleanup()

    def alpha(self, *, smoothed: bool = True) -> Floats:
        """What ``dimd matte`` gives: float32 [T, H, W], 0..1. Raises RunError."""
        return self._made("matte", "alpha", smoothed)

    def trimap(self) -> Floats:
        """What ``dimd trimap`` gives: float32 [T, H, W] of 0, 0.5, 1. Raises RunError."""
        grey = self._made("trimap", "trimap", True)
        return np.where(grey < 0.25, 0.0, np.where(grey > 0.75, 1.0, 0.5)).astype(np.float32)

    def _made(self, command: str, output: str, smoothed: bool) -> Floats:
        name = self._clip.name
        (self._inbox / f"{name}.yaml").write_text(yaml.safe_dump(self._settings(smoothed)))
        out = self._folder / f"{command}-{smoothed}"
        plate = str(self._inbox / f"{name}.####.png")
        ended = CliRunner().invoke(dimd, [command, plate, "--out", str(out)])
        if ended.exit_code:
            said = [line.strip() for line in ended.output.splitlines() if line.strip()]
            sentence = said[-1] if said else f"dimd {command} ended with {ended.exception!r}"
            raise RunError(_VERDICT.sub("", sentence))
        files = sorted(out.rglob(f"{name}_{output}.*.png"))
        if len(files) != len(self._clip.plate):
            raise RunError(f"dimd {command} made {len(files)} of {len(self._clip.plate)} frames")
        return np.stack([_read(file) for file in files])

    def _settings(self, smoothed: bool) -> dict[str, Any]:
        trimap: dict[str, Any] = {"source": self._source.setting}
        if self._source.masks_of_clip and self._clip.band:
            trimap["erode"], trimap["dilate"] = self._clip.band
        settings: dict[str, Any] = {"trimap": trimap, "outputs": {"alpha": {"format": "png"}}}
        return settings if smoothed else settings | {"temporal": {"radius": 0}}


def _write(path: Path, pixels: Bytes) -> None:
    bgr = pixels[..., ::-1] if pixels.ndim == 3 else pixels
    if not cv2.imwrite(str(path), bgr, [cv2.IMWRITE_PNG_COMPRESSION, 1]):
        raise OSError(f"{path}: cannot be written.")


def _read(path: Path) -> Floats:
    """float32 [H, W], 0..1, of a grey PNG of 8 or 16 bits."""
    grey = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if grey is None or grey.ndim != 2:
        raise RunError(f"{path.name}: is no grey PNG")
    return np.asarray(grey / (255 if grey.dtype == np.uint8 else 65535), np.float32)
