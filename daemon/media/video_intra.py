"""Codecs whose frames stand each by itself, for editors and compositors.

They keep no state from one frame to the next, so a clip may be cut into chunks anywhere and its packets are
the same. Slices are fixed in number, else the bytes would depend on the cores.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import numpy as np

from daemon.media import ycbcr
from daemon.media.base import ClipInfo, Pixels, VideoTags
from daemon.media.video_codecs import MovieCodec, Planes, YCbCrCodec, rounded


class ProRes4444(YCbCrCodec):
    """ProRes 4444 in MOV: 10-bit Y'CbCr, alpha lossless and opaque exactly opaque.

    The transform leaves a matte's grey picture within a code or two of ten bits, so where that matters
    `gray16` is the choice. `prores_ks` is the slower of FFmpeg's encoders; the other's opaque alpha is 4092
    of 4095.
    """

    encoder = "prores_ks"
    suffix = ".mov"
    container = "mov"
    pixel_formats: ClassVar[Mapping[int, str]] = {1: "yuv444p10le", 3: "yuv444p10le", 4: "yuva444p10le"}

    def options(self, like: ClipInfo) -> dict[str, str]:
        return {"profile": "4444", "alpha_bits": "16", "vendor": "apl0"}


class ProRes422Hq(YCbCrCodec):
    """ProRes 422 HQ in MOV: 10-bit 4:2:2, no alpha."""

    encoder = "prores_ks"
    suffix = ".mov"
    container = "mov"
    pixel_formats: ClassVar[Mapping[int, str]] = {1: "yuv422p10le", 3: "yuv422p10le"}
    across = 2
    even = (True, False)

    def options(self, like: ClipInfo) -> dict[str, str]:
        return {"profile": "hq", "vendor": "apl0"}


class DnxHr(YCbCrCodec):
    """DNxHR HQX in MOV: 10-bit 4:2:2, no alpha."""

    encoder = "dnxhd"
    suffix = ".mov"
    container = "mov"
    pixel_formats: ClassVar[Mapping[int, str]] = {1: "yuv422p10le", 3: "yuv422p10le"}
    across = 2
    even = (True, False)
    least = (256, 120)

    def options(self, like: ClipInfo) -> dict[str, str]:
        return {"profile": "dnxhr_hqx"}


class Ffv1(MovieCodec):
    """FFV1 in Matroska: every channel lossless at 16 bits, RGB stored as RGB.

    Matroska rounds time stamps to 1 ms.
    """

    encoder = "ffv1"
    suffix = ".mkv"
    container = "matroska"
    pixel_formats: ClassVar[Mapping[int, str]] = {1: "gray16le", 3: "gbrp16le", 4: "gbrap16le"}

    _ORDER: ClassVar[Mapping[int, tuple[int, ...]]] = {1: (0,), 3: (1, 2, 0), 4: (1, 2, 0, 3)}

    def options(self, like: ClipInfo) -> dict[str, str]:
        # The encoder knows one slice only up to CIF, and cannot cut a few pixels into sixteen.
        slices = 1 if like.width <= 352 and like.height <= 288 else 16
        return {"level": "3", "slices": str(slices), "slicecrc": "1", "coder": "range_def"}

    def tags(self, like: ClipInfo, channels: int) -> VideoTags:
        return _rgb_tags(like, channels)

    def planes(self, pixels: Pixels, tags: VideoTags) -> Planes:
        stored = rounded(pixels * np.float32(65535), 0, 65535, "<u2")
        return [stored[..., channel] for channel in self._ORDER[pixels.shape[2]]]


class Gray16(Ffv1):
    """FFV1 of one 16-bit grey plane: a matte, and only a matte, to the last bit."""

    pixel_formats: ClassVar[Mapping[int, str]] = {1: "gray16le"}


class MovPng(MovieCodec):
    """PNG in MOV: every channel lossless at 16 bits, for software that reads neither FFV1 nor Matroska."""

    encoder = "png"
    suffix = ".mov"
    container = "mov"
    pixel_formats: ClassVar[Mapping[int, str]] = {1: "gray16be", 3: "rgb48be", 4: "rgba64be"}

    def options(self, like: ClipInfo) -> dict[str, str]:
        # Its default level takes three times as long for a few per cent.
        return {"compression_level": "1", "pred": "sub"}

    def tags(self, like: ClipInfo, channels: int) -> VideoTags:
        return _rgb_tags(like, channels)

    def planes(self, pixels: Pixels, tags: VideoTags) -> Planes:
        return [rounded(pixels * np.float32(65535), 0, 65535, ">u2").reshape(pixels.shape[0], -1)]


def _rgb_tags(like: ClipInfo, channels: int) -> VideoTags:
    matrix = ycbcr.UNSPECIFIED if channels == 1 else ycbcr.RGB
    return replace(like.tags or VideoTags(), matrix=matrix, full_range=True)
