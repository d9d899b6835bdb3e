"""Pixels to one picture file: PNG, EXR, TIFF, DPX and JPEG.

Writing is half of a job's time, so PNG and EXR compress at their fast end: three to ten times faster than the
default levels, and larger by a few per cent. PNG and JPEG are compressed in memory by OpenCV and written
here, because OpenImageIO's PNG writer leaves a cut file behind on a full disk and reports success.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol

import cv2
import numpy as np
import numpy.typing as npt
import OpenImageIO as oiio

from daemon.media.base import MediaError, PictureTags, Pixels
from daemon.media.icc_chunks import jpeg_with, png_coded, png_with
from daemon.media.mend import LARGEST
from daemon.media.picture_tags import set_dpx, set_exr
from daemon.storage import BITS, COMPRESSIONS, Storage

Codes = npt.NDArray[Any]


class ImageFormat(Protocol):
    """One way to store a frame as a file."""

    suffix: ClassVar[str]

    def write(self, path: Path, pixels: Pixels, tags: PictureTags | None = None) -> None:
        """Write float32 [H, W, C] pixels as given, C = 1, 3 or 4, or as many as the storage has names.

        tags: what the plate's header said of this frame. Raises MediaError if the disk refuses.
        """


class Png:
    """PNG of 16 bits (or 8): 0..1 becomes 0..65535, rounded, clipped; alpha is straight, as PNG demands."""

    suffix: ClassVar[str] = ".png"

    _SETTINGS: ClassVar[tuple[int, ...]] = (
        *(cv2.IMWRITE_PNG_COMPRESSION, 1),
        *(cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE),
        *(cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_SUB),
    )

    def __init__(self, storage: Storage, is_float: bool = False) -> None:
        self._bits = storage.bits or BITS["png"][0]
        self._profile, self._colour_codes = storage.profile, storage.codes

    def write(self, path: Path, pixels: Pixels, tags: PictureTags | None = None) -> None:
        data = _encoded(path, _codes(pixels, self._bits), self._SETTINGS)
        if profile := _profile_for(pixels, self._profile):
            data = png_with(data, profile)
        elif self._colour_codes and pixels.shape[2] >= 3:
            data = png_coded(data, *self._colour_codes)
        _write_bytes(path, data)


class Jpeg:
    """8-bit JPEG for previews: grey or RGB, nearly lossless, chroma as fine as luma."""

    suffix: ClassVar[str] = ".jpg"

    _SETTINGS: ClassVar[tuple[int, ...]] = (
        *(cv2.IMWRITE_JPEG_QUALITY, 95),
        *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
    )

    def __init__(self, storage: Storage, is_float: bool = False) -> None:
        self._profile = storage.profile

    def write(self, path: Path, pixels: Pixels, tags: PictureTags | None = None) -> None:
        data = _encoded(path, _codes(pixels, 8), self._SETTINGS)
        profile = _profile_for(pixels, self._profile)
        _write_bytes(path, jpeg_with(data, profile) if profile else data)


class Exr:
    """EXR of halves (or floats): a matte is the one channel A, which a compositor takes as the alpha it is.

    OpenImageIO neither multiplies nor divides by alpha here, so straight colour is stored as such; the header
    says so in `dimd:alpha`, for EXR itself knows premultiplied colour alone.
    """

    suffix: ClassVar[str] = ".exr"

    _NAMES: ClassVar[dict[int, tuple[str, ...]]] = {1: ("A",), 3: ("R", "G", "B"), 4: ("R", "G", "B", "A")}
    _LEVEL: ClassVar[Mapping[str, str]] = {"zip": "zip:1", "zips": "zips:1"}

    def __init__(self, storage: Storage, is_float: bool = False) -> None:
        self._half = (storage.bits or BITS["exr"][0]) == 16
        compression = storage.compression or COMPRESSIONS["exr"][0]
        self._compression = self._LEVEL.get(compression, compression)
        self._storage = storage

    def write(self, path: Path, pixels: Pixels, tags: PictureTags | None = None) -> None:
        stored: Codes = pixels
        if self._half:
            stored = np.clip(pixels, -LARGEST, LARGEST).astype(np.float16)
        parts = self._storage.parts
        if parts is None:
            names = self._storage.names or self._NAMES[pixels.shape[2]]
            _write_by_oiio(path, [self._spec(pixels, names, tags)], [stored])
            return
        specs = [self._spec(pixels, names, tags) for names in parts.values()]
        for name, spec in zip(parts, specs, strict=True):
            spec.attribute("oiio:subimagename", name)
        ends = list(itertools.accumulate(len(names) for names in parts.values()))
        _write_by_oiio(path, specs, np.split(stored, ends[:-1], axis=2))

    def _spec(self, pixels: Pixels, names: tuple[str, ...], tags: PictureTags | None) -> oiio.ImageSpec:
        """The whole header of one part: a program that takes a part alone is told all the same."""
        height, width, _ = pixels.shape
        spec = oiio.ImageSpec(width, height, len(names), oiio.HALF if self._half else oiio.FLOAT)
        spec.channelnames = names
        stamp = dict(self._storage.stamp)
        if "A" in names and len(names) > 1:
            stamp["dimd:alpha"] = "straight" if self._storage.straight else "premultiplied"
        set_exr(spec, tags, stamp)
        spec.attribute("compression", self._compression)
        return spec


class Tiff:
    """TIFF of 16 bits (or 8), or of floats, which is the default for a float plate. The file itself says
    whether its alpha is straight or premultiplied.
    """

    suffix: ClassVar[str] = ".tif"

    def __init__(self, storage: Storage, is_float: bool = False) -> None:
        self._bits = storage.bits or (32 if is_float else BITS["tiff"][0])
        self._compression = storage.compression or COMPRESSIONS["tiff"][0]
        self._straight = storage.straight
        self._profile = storage.profile

    def write(self, path: Path, pixels: Pixels, tags: PictureTags | None = None) -> None:
        height, width, channels = pixels.shape
        kind = {8: oiio.UINT8, 16: oiio.UINT16, 32: oiio.FLOAT}[self._bits]
        spec = oiio.ImageSpec(width, height, channels, kind)
        spec.attribute("compression", self._compression)
        spec.attribute("tiff:zipquality", 1)
        spec.attribute("DateTime", "")
        if self._straight:
            spec.attribute("oiio:UnassociatedAlpha", 1)
        profile = _profile_for(pixels, self._profile)
        if profile:
            kind_of = oiio.TypeDesc(f"uint8[{len(profile)}]")
            spec.attribute("ICCProfile", kind_of, np.frombuffer(profile, np.uint8))
        _write_by_oiio(path, [spec], [pixels if self._bits == 32 else _codes(pixels, self._bits)])


class Dpx:
    """DPX of 10 bits (or 12 or 16), full range, RGB, log staying log; a matte is a grey picture."""

    suffix: ClassVar[str] = ".dpx"

    _NAME_AT, _NAME_BYTES = 36, 100  # the header's field for the file's name (SMPTE ST 268)

    def __init__(self, storage: Storage, is_float: bool = False) -> None:
        self._bits = storage.bits or BITS["dpx"][0]

    def write(self, path: Path, pixels: Pixels, tags: PictureTags | None = None) -> None:
        height, width, channels = pixels.shape
        spec = oiio.ImageSpec(width, height, 3, oiio.UINT16)
        spec.attribute("oiio:BitsPerSample", self._bits)
        spec.attribute("Software", "dimd")
        set_dpx(spec, tags)
        codes = _codes(np.repeat(pixels, 3, -1) if channels == 1 else pixels, self._bits)
        # The writer takes the upper bits of 16; the lower repeat them, as it does when it reads.
        low = 16 - self._bits
        _write_by_oiio(path, [spec], [codes << low | codes >> (self._bits - low)])
        self._name(path)

    def _name(self, path: Path) -> None:
        """The name alone: OpenImageIO puts the whole path there, which is of a folder that will not be."""
        name = os.fsencode(path.name)[: self._NAME_BYTES - 1].ljust(self._NAME_BYTES, b"\0")
        try:
            with path.open("r+b") as file:
                file.seek(self._NAME_AT)
                file.write(name)
        except OSError as error:
            raise _refused(path, error.strerror or str(error)) from None


IMAGE_FORMATS: Mapping[str, Callable[[Storage, bool], ImageFormat]] = {
    "png": Png,
    "exr": Exr,
    "tiff": Tiff,
    "dpx": Dpx,
    "jpeg": Jpeg,
}
"""By the name in the settings; made of the storage, and whether the plate is of floats."""

_BAND = 64
"""Rows that are converted at once: a whole frame of 4K would be there three times over."""


def _codes(pixels: Pixels, bits: int) -> Codes:
    """Whole numbers of 0 to 2^bits - 1, an array of its own."""
    codes = np.empty(pixels.shape, np.uint8 if bits == 8 else np.uint16)
    for top in range(0, len(pixels), _BAND):
        band = np.clip(pixels[top : top + _BAND], 0.0, 1.0) * np.float32(2**bits - 1) + np.float32(0.5)
        codes[top : top + _BAND] = band.astype(codes.dtype)
    return codes


def _profile_for(pixels: Pixels, profile: bytes | None) -> bytes | None:
    """It is of RGB; a matte has no colours."""
    return profile if pixels.shape[2] >= 3 else None


def _encoded(path: Path, codes: Codes, settings: Sequence[int]) -> bytes:
    """codes: [H, W, C] of grey, RGB or RGBA; their channels are put into OpenCV's order in place."""
    if codes.shape[2] >= 3:
        red = codes[..., 0].copy()
        codes[..., 0] = codes[..., 2]
        codes[..., 2] = red
        del red
    encoded, data = cv2.imencode(path.suffix, codes, settings)
    if not encoded:
        raise _refused(path, "OpenCV cannot encode it")
    return data.tobytes()


def _write_bytes(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise _refused(path, error.strerror or str(error)) from None


def _write_by_oiio(path: Path, specs: Sequence[oiio.ImageSpec], stored: Sequence[Codes]) -> None:
    """A file of one part, or of several, whose headers it is to know before the first."""
    file = oiio.ImageOutput.create(str(path))
    if file is None:
        raise _refused(path, oiio.geterror())
    written = file.open(str(path), specs[0] if len(specs) == 1 else tuple(specs))
    for part, (spec, pixels) in enumerate(zip(specs, stored, strict=True)):
        if part and written:
            written = file.open(str(path), spec, "AppendSubimage")
        written = written and file.write_image(np.ascontiguousarray(pixels))
    # close() writes what was held back, so it is asked even after a failure.
    if not (file.close() and written):
        raise _refused(path, file.geterror() or "no reason given")


def _refused(path: Path, reason: str) -> MediaError:
    first = reason.strip().splitlines()[0]
    return MediaError(f"{path.name}: could not be written ({first}); check free space and rights.")
