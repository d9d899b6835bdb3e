"""What a rendered picture must be before it counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import OpenImageIO as oiio

from trainer.render.parts import Floats, floats


class PictureError(Exception):
    """A render that is not what was asked for; the sentence names the file."""


def check(path: Path, size: int) -> Floats:
    """Read a render: float32 [N, N, 4], premultiplied, scene-linear. Raises PictureError unless it is RGBA
    half, N = `size`, finite, alpha 0..1 with something to see, and no colour where alpha is 0.
    """
    image = oiio.ImageInput.open(str(path))
    if image is None:
        raise PictureError(
            f"{path.name}: cannot be read as EXR ({oiio.geterror().strip() or 'no reason given'})."
        )
    spec = image.spec()
    pixels = image.read_image(oiio.FLOAT)
    image.close()
    if (spec.width, spec.height, spec.nchannels, str(spec.format)) != (size, size, 4, "half"):
        got = f"{spec.width}x{spec.height}, {spec.nchannels} channels of {spec.format}"
        raise PictureError(f"{path.name}: is {got} instead of {size}x{size} RGBA half.")
    if pixels is None:
        raise PictureError(f"{path.name}: breaks off within its pixels.")
    rgba = floats(pixels)
    alpha = rgba[..., 3]
    if not np.isfinite(rgba).all() or alpha.min() < 0 or alpha.max() > 1:
        raise PictureError(f"{path.name}: holds values that are not finite, or alpha outside 0..1.")
    if alpha.max() < 0.1 or alpha.mean() < 0.002:
        raise PictureError(f"{path.name}: shows next to nothing; the subject is out of the picture.")
    if rgba[alpha == 0].any():
        raise PictureError(f"{path.name}: has colour where alpha is 0, so it is not premultiplied.")
    return rgba
