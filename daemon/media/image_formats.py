"""Pixels to one picture file: 16-bit PNG, half-float EXR.

Writing is half of a job's time, so both compress at their fast end: three to ten times faster than the
default levels, and larger by a few per cent. PNG is compressed in memory by OpenCV and written here, because
OpenImageIO's PNG writer leaves a cut file behind on a full disk and reports success.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Protocol

import cv2
import numpy as np
import OpenImageIO as oiio

from daemon.media.base import MediaError, Pixels


class ImageFormat(Protocol):
    """One way to store a frame as a file."""

    suffix: ClassVar[str]

    def write(self, path: Path, pixels: Pixels) -> None:
        """Write float32 [H, W, C] pixels, C = 1, 3 or 4, as given. Raises MediaError if the disk refuses."""


class Png:
    """16-bit PNG: 0..1 becomes 0..65535, rounded and clipped; alpha is straight, as PNG demands."""

    suffix: ClassVar[str] = ".png"

    _SETTINGS: ClassVar[tuple[int, ...]] = (
        *(cv2.IMWRITE_PNG_COMPRESSION, 1),
        *(cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE),
        *(cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_SUB),
    )
    _ORDER: ClassVar[dict[int, tuple[int, ...]]] = {1: (0,), 3: (2, 1, 0), 4: (2, 1, 0, 3)}  # BGRA

    def write(self, path: Path, pixels: Pixels) -> None:
        codes = (np.clip(pixels, 0.0, 1.0) * np.float32(65535) + np.float32(0.5)).astype(np.uint16)
        stored = np.ascontiguousarray(codes[..., self._ORDER[pixels.shape[2]]])
        encoded, data = cv2.imencode(self.suffix, stored, self._SETTINGS)
        if not encoded:
            raise _refused(path, "OpenCV cannot encode it")
        try:
            path.write_bytes(data.tobytes())
        except OSError as error:
            raise _refused(path, error.strerror or str(error)) from None


class Exr:
    """Half-float EXR, ZIP: a matte is the one channel A, which a compositor takes as the alpha it is."""

    suffix: ClassVar[str] = ".exr"

    _LARGEST = 65504.0  # of a half; beyond it lies infinity
    _NAMES: ClassVar[dict[int, tuple[str, ...]]] = {1: ("A",), 3: ("R", "G", "B"), 4: ("R", "G", "B", "A")}

    def write(self, path: Path, pixels: Pixels) -> None:
        height, width, channels = pixels.shape
        spec = oiio.ImageSpec(width, height, channels, oiio.HALF)
        spec.channelnames = self._NAMES[channels]
        spec.attribute("compression", "zip:1")
        spec.attribute("DateTime", "")  # else the time of writing goes into the bytes
        file = oiio.ImageOutput.create(str(path))
        if file is None:
            raise _refused(path, oiio.geterror())
        written = file.open(str(path), spec) and file.write_image(
            np.clip(pixels, -self._LARGEST, self._LARGEST).astype(np.float16)
        )
        # close() writes what was held back, so it is asked even after a failure.
        if not (file.close() and written):
            raise _refused(path, file.geterror() or "no reason given")


def _refused(path: Path, reason: str) -> MediaError:
    return MediaError(f"{path.name}: could not be written ({reason.strip()}); check free space and rights.")
