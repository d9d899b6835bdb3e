"""Cuts outlined subjects out of their photographs by the mattes of weights that there are already.

A trimap of a thin band leaves a network little to get wrong, and what is cut out is a foreground in its own
right: laid over another photograph its alpha is the truth, as of Adobe's set (Xu et al. 2017, section 3).
"""

from __future__ import annotations

import glob
from pathlib import Path

import numpy as np
import torch

from dim_model import foreground
from dim_model.arrays import Bytes, Floats
from dim_model.matter import Matter
from dim_model.pieces import Pieces
from trainer.outlined.outline import Outline
from trainer.outlined.trimaps import trimap_of
from trainer.photograph import read_photograph
from trainer.png import write_png

_LONGEST = 1100
"""Longer side in pixels at which a photograph is cut: sensor noise and JPEG blocks are averaged away."""
_FAINT = 0.02
"""Alpha this near to 0 or 1 is taken for it."""
_CRUMB = 0.004
"""Share of the largest piece below which another is no part of the subject."""
_MARGIN = 16


class CutterError(ValueError):
    """A photograph that nothing can be cut out of."""


class Cutter:
    """photos: the folder that the outlines' photographs lie in, at any depth."""

    def __init__(self, photos: Path, matter: Matter) -> None:
        self._photos, self._matter = photos, matter

    def cut(self, outline: Outline, out: Path) -> Path:
        """Write the subject as ``out/NAME.png``, 16 bits, straight, and give its path.

        Raises ``CutterError`` for a photograph that is not there or shows no subject, OSError.
        """
        rgb = self._photograph(outline)
        trimap = trimap_of(rgb, outline)
        if not (trimap == 1).any() or not (trimap == 0).any():
            raise CutterError(
                f"{outline.photo}: its outline holds no subject, or nothing but it; draw that anew."
            )
        colour = torch.from_numpy(rgb.astype(np.float32).transpose(2, 0, 1) / 255)
        alpha = self._matter.matte([colour], [torch.from_numpy(trimap)[None]])[0]
        straight = foreground.estimate(colour[None], alpha[None])[0].numpy().transpose(1, 2, 0)
        rgba = _boxed(straight, _cleared(alpha[0].numpy()))
        path = out / outline.name
        write_png(path, rgba)
        return path

    def _photograph(self, outline: Outline) -> Bytes:
        """uint8 [H, W, 3], RGB."""
        name = outline.photo
        found = [] if Path(name).is_absolute() else sorted(self._photos.rglob(glob.escape(name)))
        image = read_photograph(found[0], _LONGEST, outline.border) if found else None
        if image is None:
            raise CutterError(f"{outline.photo}: is no picture below {self._photos}; bring it there.")
        if not image.size:
            raise CutterError(
                f"{outline.photo}: a border of {outline.border} leaves nothing of it; give less."
            )
        return image


def _cleared(alpha: Floats) -> Floats:
    """``alpha`` without veils and crumbs."""
    alpha = ((alpha - _FAINT) / (1 - 2 * _FAINT)).clip(0, 1)
    pieces = Pieces.of(alpha > 0.05, by_corners=True)
    crumbs = pieces.only(pieces.areas < _CRUMB * pieces.areas.max())
    return np.where(crumbs, np.float32(0), alpha)


def _boxed(straight: Floats, alpha: Floats) -> Floats:
    rows, columns = np.flatnonzero(alpha.any(1)), np.flatnonzero(alpha.any(0))
    top, left = max(int(rows[0]) - _MARGIN, 0), max(int(columns[0]) - _MARGIN, 0)
    bottom, right = int(rows[-1]) + _MARGIN, int(columns[-1]) + _MARGIN
    return np.dstack([straight, alpha])[top:bottom, left:right]
