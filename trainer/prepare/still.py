"""One picture on disk as floats, read through OpenImageIO.

Alpha comes out straight whatever the format stores, colour display-referred: a float file is taken as
scene-linear light, which is what renderers write.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import OpenImageIO as oiio

from dim_model.arrays import Floats
from trainer.prepare.errors import UnfitError

SUFFIXES = frozenset({".png", ".tif", ".tiff", ".exr", ".jpg", ".jpeg", ".webp", ".bmp"})

_ASSOCIATED = frozenset({"openexr", "tiff"})
"""Formats that say whether colour was multiplied by alpha, and mean yes when silent."""

_WANTED = (("R", "G", "B", "A"), ("R", "G", "B"), ("Y", "A"), ("Y",), ("A",))


def srgb(light: Floats) -> Floats:
    """Scene-linear light as display-referred numbers (IEC 61966-2-1), clipped to 0..1."""
    light = np.clip(light, 0, 1)
    power = np.float32(1.055) * light ** np.float32(1 / 2.4) - np.float32(0.055)
    return np.where(light <= np.float32(0.0031308), light * np.float32(12.92), power)


def read_picture(path: Path, premultiplied: bool = False) -> tuple[Floats, Floats | None]:
    """Straight colour, float32 [H, W, 3], display-referred, 0..1, and alpha, float32 [H, W], 0..1, if any.

    premultiplied: holds for formats that do not say so themselves. Where alpha is 0, colour means nothing.
    Raises ``UnfitError`` for a file that is no picture or is cut short.
    """
    pixels, names, spec, kind = _read(path)
    alpha = pixels[..., names.index("A")].clip(0, 1) if "A" in names else None
    colour = pixels[..., : len(names) - (alpha is not None)] if names != ("A",) else pixels
    if alpha is not None:
        if kind in _ASSOCIATED:
            premultiplied = spec.get_int_attribute("oiio:UnassociatedAlpha", 0) == 0
        if premultiplied:
            cover = alpha[..., None]
            colour = np.divide(colour, cover, out=np.zeros_like(colour), where=cover > 0)
    if spec.format.basetype in (oiio.HALF, oiio.FLOAT, oiio.DOUBLE):
        colour = srgb(colour)
    three = np.broadcast_to(colour.clip(0, 1), (*colour.shape[:2], 3))
    return np.ascontiguousarray(three, np.float32), alpha


def read_matte(path: Path) -> Floats:
    """A picture that is a matte, float32 [H, W], 0..1: its alpha if that says anything, else its grey.

    No transfer function is touched: coverage is coverage. Raises ``UnfitError``.
    """
    pixels, names, _, _ = _read(path)
    if "A" in names and ((alpha := pixels[..., names.index("A")]) < 1).any():
        return np.ascontiguousarray(alpha.clip(0, 1))
    return np.ascontiguousarray(pixels[..., 0].clip(0, 1))


def _read(path: Path) -> tuple[Floats, tuple[str, ...], oiio.ImageSpec, str]:
    """The pixels of a file in its display window, upright, and the names of their channels."""
    wishes = oiio.ImageSpec()
    wishes.attribute("oiio:UnassociatedAlpha", 1)  # without it OpenImageIO premultiplies PNG and TIFF
    file = oiio.ImageInput.open(str(path), wishes)
    if file is None:
        raise UnfitError(path, "unreadable", f"is no picture ({_short(oiio.geterror())})")
    try:
        spec, kind = file.spec(), file.format_name()
        pixels = file.read_image(0, 0, 0, spec.nchannels, oiio.FLOAT)
        error = file.geterror()
    finally:
        file.close()
    # libjpeg fills a cut file with grey and only warns; stray bytes between segments are harmless.
    if pixels is None or (error and "extraneous" not in error):
        raise UnfitError(path, "unreadable", f"is cut short or damaged ({_short(error)})")
    order = {name.upper(): n for n, name in reversed(list(enumerate(spec.channelnames)))}
    names = next((wanted for wanted in _WANTED if all(name in order for name in wanted)), ("Y",))
    picked = [order.get(name, 0) for name in names]
    return _upright(np.ascontiguousarray(pixels[..., picked], np.float32), spec), names, spec, kind


def _upright(pixels: Floats, spec: oiio.ImageSpec) -> Floats:
    orientation = spec.get_int_attribute("Orientation", 1)
    if spec.roi == spec.roi_full and orientation == 1:
        return pixels
    laid = oiio.ImageSpec(spec.width, spec.height, pixels.shape[2], oiio.FLOAT)
    laid.x, laid.y = spec.x, spec.y
    laid.full_x, laid.full_y, laid.full_width, laid.full_height = (
        spec.full_x,
        spec.full_y,
        spec.full_width,
        spec.full_height,
    )
    laid.attribute("Orientation", orientation)
    buffer = oiio.ImageBuf(laid)
    buffer.set_pixels(laid.roi, pixels)
    whole = oiio.ImageBufAlgo.reorient(oiio.ImageBufAlgo.crop(buffer, laid.roi_full))
    return np.asarray(whole.get_pixels(oiio.FLOAT), np.float32)


def _short(error: str) -> str:
    lines = error.strip().splitlines()
    return lines[0].rstrip(".") if lines else "the image library gave no reason"
