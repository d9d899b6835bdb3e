"""One picture on disk: PNG, JPEG, TIFF, EXR or DPX, read through OpenImageIO.

The channels that matter (RGB, alpha, or one grey or matte channel) are picked by name from whatever a
renderer stored beside them, alpha comes out straight whatever the format is, an EXR's data window is laid
into its display window, NaN and infinity are filled, and a photograph stands upright whichever way the camera
was held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import OpenImageIO as oiio

from daemon.closing import Closing
from daemon.media.base import ClipInfo, ColourTags, Frame, MediaError, Pixels
from daemon.media.channels import picture_channels, views
from daemon.media.colour_tags import colour_tags
from daemon.media.find import MediaRef
from daemon.media.guards import check_raster, check_readable
from daemon.media.mend import mend
from daemon.media.picture_tags import pixel_aspect, tags_of

_ASSOCIATED = frozenset({"openexr", "tiff"})
"""Formats whose alpha is premultiplied unless the file says otherwise."""

_INKS = ("tiff:ColorSpace", "jpeg:ColorSpace")
_NO_RGB = frozenset({"CMYK", "YCCK", "CIELAB", "ICCLAB", "ITULAB", "PhotoYCK", "color separated"})
"""Colours that OpenImageIO makes RGB of without their profile, which tells how, or not at all."""

_LEAST_COVER = 2.0**-24

_SPREAD = range(9, 16)
"""Bits that OpenImageIO spreads over 16 by repeating the upper ones, which is not quite their share of the
largest. Those of a palette are fewer, and say nothing of its colours.
"""


@dataclass(frozen=True)
class Header:
    """What a picture's header says: the upright raster, and where the wanted channels lie in the file, which
    has them multiplied by alpha or not. remarks: sentences on what of it is passed over.
    """

    width: int
    height: int
    channels: int
    bits: int
    is_float: bool
    part: int
    picked: tuple[int, ...]
    orientation: int
    colour: ColourTags
    premultiplied: bool
    pixel_aspect: Fraction
    remarks: tuple[str, ...]


def read_header(path: Path, max_pixels: int) -> Header:
    """Read a picture's header and no pixel. Raises MediaError if it is unreadable or above `max_pixels`."""
    with _opened(path) as file:
        return _header(path, file, max_pixels)


def read_still(path: Path, max_pixels: int, number: int = 0) -> tuple[Header, Frame]:
    """Read a picture as frame `number`: float32 [H, W, C], C = 1, 3 or 4 (straight alpha), own encoding.

    Integers are divided by their largest value, so they span 0..1; floats are kept. Raises MediaError for a
    file that is missing, cut short, not an image, or above `max_pixels`.
    """
    with _opened(path) as file:
        header = _header(path, file, max_pixels)
        spec = file.spec()
        first, stop = min(header.picked), max(header.picked) + 1
        stored = file.read_image(header.part, 0, first, stop, oiio.FLOAT)
        error = _told(file.geterror)
        # libjpeg fills a cut file with grey and only warns; stray bytes between segments are harmless.
        if stored is None or (error and "extraneous" not in error):
            raise MediaError(f"{path.name}: is cut short or damaged ({_short(error)}); copy it again.")
        pixels = _into_display_window(stored[..., [index - first for index in header.picked]], spec)
        tags = tags_of(spec, file.format_name())
    mended = mend(pixels) if header.is_float else 0
    if not header.is_float and header.bits in _SPREAD:
        _to_codes(pixels, header.bits)
    if pixels.shape[2] == 2:
        pixels = pixels[..., [0, 0, 0, 1]]
    if header.premultiplied:
        _unpremultiply(pixels)
    upright = np.ascontiguousarray(_upright(pixels, header.orientation))
    return header, Frame(number, upright, tags=tags, mended=mended)


def _to_codes(pixels: Pixels, bits: int) -> None:
    """Code values over their largest, exactly, in place: 10 or 12 bits reach us spread over 16."""
    peak = np.float32(2**bits - 1)
    np.rint(pixels * peak, out=pixels)
    np.divide(pixels, peak, out=pixels)


def _says_straight(spec: oiio.ImageSpec) -> bool:
    """A TIFF tells it by its tags; of EXRs, which have no word for it, dimd's own do."""
    names = ("oiio:UnassociatedAlpha", "tiff:UnassociatedAlpha")
    told = any(spec.get_int_attribute(name, 0) for name in names)
    return told or spec.get_string_attribute("dimd:alpha") == "straight"


class StillSource(Closing):
    """A FrameSource of one picture. Its frame has number 0, for a still stands outside time."""

    def __init__(self, ref: MediaRef, max_pixels: int) -> None:
        self._path = ref.path
        self._max_pixels = max_pixels
        self._info = still_info(read_header(ref.path, max_pixels))

    @property
    def info(self) -> ClipInfo:
        return self._info

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        for number in self._info.numbers[start:stop]:
            yield read_still(self._path, self._max_pixels, number)[1]

    def close(self) -> None:
        """Nothing stays open between frames."""


def still_info(header: Header) -> ClipInfo:
    """The clip that a single picture is."""
    return ClipInfo(
        kind="still",
        width=header.width,
        height=header.height,
        channels=header.channels,
        numbers=(0,),
        missing=(),
        encoding="linear" if header.is_float else "display",
        bits=header.bits,
        is_float=header.is_float,
        colour=header.colour,
        premultiplied=header.premultiplied,
        pixel_aspect=header.pixel_aspect,
        remarks=header.remarks,
    )


@contextmanager
def _opened(path: Path) -> Iterator[oiio.ImageInput]:
    """An image, open. Raises MediaError where it is none, and for words in its header that are no text."""
    file = _open(path)
    try:
        yield file
    except UnicodeDecodeError as error:
        raise MediaError(
            f"{path.name}: has a header that is damaged or not UTF-8; export it again."
        ) from error
    finally:
        file.close()


def _told(ask: Callable[[], str]) -> str:
    """What the library says of an error; it quotes the file, which may hold anything."""
    try:
        return ask()
    except UnicodeDecodeError as error:
        return error.object.decode(errors="replace")


def _open(path: Path) -> oiio.ImageInput:
    check_readable(path)
    wishes = oiio.ImageSpec()
    wishes.attribute("oiio:UnassociatedAlpha", 1)  # without it OpenImageIO premultiplies PNG and TIFF
    file = oiio.ImageInput.open(str(path), wishes)
    if file is None:
        kind = path.suffix.lstrip(".").upper()
        reason = _short(_told(oiio.geterror))
        raise MediaError(f"{path.name}: is not a readable {kind} image ({reason}); export it again.")
    return file


def _short(error: str) -> str:
    lines = error.strip().splitlines()
    return lines[0].rstrip(".") if lines else "the image library gave no reason"


def _header(path: Path, file: oiio.ImageInput, max_pixels: int) -> Header:
    found = picture_channels(file)
    if found is None:
        raise MediaError(f"{path.name}: has no RGB, grey or alpha channel; export it with one of them.")
    part, picked = found
    file.seek_subimage(part, 0)
    spec = file.spec()
    inks = next((name for key in _INKS if (name := spec.get_string_attribute(key)) in _NO_RGB), None)
    if inks:
        raise MediaError(f"{path.name}: is {inks}, not RGB; convert it to RGB first.")
    if spec.deep:
        raise MediaError(f"{path.name}: is a deep image; flatten it first.")
    check_raster(path, spec.width, spec.height, max_pixels)
    check_raster(path, spec.full_width, spec.full_height, max_pixels)
    width, height = spec.full_width, spec.full_height
    orientation = spec.get_int_attribute("Orientation", 1)
    if orientation in (5, 6, 7, 8):
        width, height = height, width
    base = spec.format.basetype
    is_float = base in (oiio.HALF, oiio.FLOAT, oiio.DOUBLE)
    channels = {1: 1, 2: 4, 3: 3, 4: 4}[len(picked)]
    return Header(
        width=width,
        height=height,
        channels=channels,
        bits=spec.get_int_attribute("oiio:BitsPerSample", 0) or spec.format.size() * 8,
        is_float=is_float,
        part=part,
        picked=picked,
        orientation=orientation,
        colour=colour_tags(spec, path, file.format_name(), grey=len(picked) < 3),
        premultiplied=channels == 4 and file.format_name() in _ASSOCIATED and not _says_straight(spec),
        pixel_aspect=pixel_aspect(spec, file.format_name()),
        remarks=(*_overscan(path, spec), *_stereo(path, views(file, part))),
    )


def _overscan(path: Path, spec: oiio.ImageSpec) -> Iterator[str]:
    left, top = spec.full_x - spec.x, spec.full_y - spec.y
    right, bottom = spec.width - spec.full_width - left, spec.height - spec.full_height - top
    sides = {"left": left, "top": top, "right": right, "bottom": bottom}
    over = ", ".join(f"{side} {pixels}" for side, pixels in sides.items() if pixels > 0)
    if over:
        yield (
            f"{path.name}: its data window reaches beyond its display window ({over} pixels); what lies "
            "outside is cut off."
        )


def _stereo(path: Path, names: tuple[str, ...]) -> Iterator[str]:
    if names:
        yield f"{path.name}: has the views {', '.join(names)}; {names[0]} is taken, and no other."


def _into_display_window(stored: Pixels, spec: oiio.ImageSpec) -> Pixels:
    window = (spec.x, spec.y, spec.width, spec.height)
    if window == (spec.full_x, spec.full_y, spec.full_width, spec.full_height):
        return stored
    raster = np.zeros((spec.full_height, spec.full_width, stored.shape[2]), np.float32)
    left, top = spec.x - spec.full_x, spec.y - spec.full_y
    x0, x1 = max(left, 0), min(left + spec.width, spec.full_width)
    y0, y1 = max(top, 0), min(top + spec.height, spec.full_height)
    if x0 < x1 and y0 < y1:
        raster[y0:y1, x0:x1] = stored[y0 - top : y1 - top, x0 - left : x1 - left]
    return raster


def _unpremultiply(pixels: Pixels) -> None:
    """Divide RGB by alpha in place; where alpha is 1 or 0 (light without cover) it is kept bit for bit.

    Below the smallest half, alpha is no cover either: dividing by it would give infinity.
    """
    alpha = pixels[..., 3:]
    np.divide(pixels[..., :3], alpha, out=pixels[..., :3], where=(alpha >= _LEAST_COVER) & (alpha != 1))


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    """Turn a photograph as its EXIF orientation (1..8) asks."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels
