"""Pixels to encoder frames: ProRes 4444 for editors, FFV1 where no bit may be lost.

Both are intra-frame codecs with no state from one frame to the next, so a clip may be cut into chunks
anywhere and its packets are the same. Slices are fixed in number, else the bytes would depend on the cores.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.codec.context import Flags, ThreadType
from av.container import OutputContainer
from av.video.stream import VideoStream

from daemon.media import ycbcr
from daemon.media.base import ClipInfo, Pixels, VideoTags

_LIMITED, _FULL = 1, 2  # AVCOL_RANGE_MPEG, AVCOL_RANGE_JPEG


class MovieCodec(ABC):
    """One way to store float pixels as video. Tags go on the encoder and on every frame: both are read."""

    encoder: ClassVar[str]
    suffix: ClassVar[str]
    container: ClassVar[str]
    pixel_formats: ClassVar[Mapping[int, str]]

    @abstractmethod
    def options(self, like: ClipInfo) -> dict[str, str]:
        """The encoder's private options for the clip."""

    @abstractmethod
    def tags(self, like: ClipInfo, channels: int) -> VideoTags:
        """The tags that the stored numbers have, given the plate's."""

    @abstractmethod
    def planes(self, pixels: Pixels, tags: VideoTags) -> list[npt.NDArray[np.uint16]]:
        """Integer planes [H, W] in the order of the pixel format's planes, from float32 [H, W, C]."""

    def add_stream(self, container: OutputContainer, like: ClipInfo, channels: int) -> VideoStream:
        """Add a stream for one chunk of the clip to `container`."""
        tags = self.tags(like, channels)
        stream = container.add_stream(self.encoder, rate=like.rate, options=self.options(like))
        assert isinstance(stream, VideoStream)  # both encoders are for pictures
        context = stream.codec_context
        context.width, context.height = like.width, like.height
        context.pix_fmt = self.pixel_formats[channels]
        if like.time_base is not None:
            stream.time_base = context.time_base = like.time_base
        context.sample_aspect_ratio = tags.sample_aspect
        context.color_primaries, context.color_trc = tags.primaries, tags.transfer
        context.colorspace, context.color_range = tags.matrix, _range_code(tags)
        context.gop_size = 1
        context.flags |= Flags.bitexact
        context.thread_type = ThreadType.AUTO
        return stream

    def frame(self, pixels: Pixels, tags: VideoTags) -> av.VideoFrame:
        """A frame for the encoder from float32 [H, W, C] pixels, C = 1, 3 or 4."""
        height, width, channels = pixels.shape
        frame = av.VideoFrame(width, height, self.pixel_formats[channels])
        for plane, samples in zip(frame.planes, self.planes(pixels, tags), strict=True):
            rows = np.frombuffer(memoryview(plane), "<u2").reshape(-1, plane.line_size // 2)
            rows[:height, :width] = samples
        frame.color_primaries, frame.color_trc = tags.primaries, tags.transfer
        frame.colorspace, frame.color_range = tags.matrix, _range_code(tags)
        return frame


class ProRes4444(MovieCodec):
    """ProRes 4444 in MOV: 10-bit Y'CbCr by the plate's matrix, alpha lossless and opaque exactly opaque.

    A matte (one channel) becomes an opaque grey picture, as editors expect of a luma matte; the transform
    leaves it within a code or two of ten bits, so where that matters FFV1 is the choice. `prores_ks` is the
    slower of FFmpeg's encoders; the other's opaque alpha is 4092 of 4095.
    """

    encoder = "prores_ks"
    suffix = ".mov"
    container = "mov"
    pixel_formats: ClassVar[Mapping[int, str]] = {1: "yuv444p10le", 3: "yuv444p10le", 4: "yuva444p10le"}

    _LOWEST, _HIGHEST = 4, 1019  # codes outside are reserved for synchronisation (BT.709, item 5.6)

    def options(self, like: ClipInfo) -> dict[str, str]:
        return {"profile": "4444", "alpha_bits": "16", "vendor": "apl0"}

    def tags(self, like: ClipInfo, channels: int) -> VideoTags:
        plate = like.tags or VideoTags()
        matrix = ycbcr.resolve_matrix(plate.matrix, like.width, like.height)
        if matrix == ycbcr.BT2020_CL:
            matrix = ycbcr.BT2020_NCL
        elif matrix not in (ycbcr.BT709, ycbcr.BT2020_NCL):  # with BT.601, all that a ProRes header can name
            matrix = ycbcr.SMPTE170M
        return replace(plate, matrix=matrix, full_range=False)

    def planes(self, pixels: Pixels, tags: VideoTags) -> list[npt.NDArray[np.uint16]]:
        rgb = pixels[..., :3] if pixels.shape[2] >= 3 else cv2.merge([pixels[..., 0]] * 3)
        codes = cv2.transform(np.ascontiguousarray(rgb), ycbcr.from_rgb(tags.matrix, False, 10))
        stored = _round(codes, self._LOWEST, self._HIGHEST)
        planes = [stored[..., channel] for channel in range(3)]
        if pixels.shape[2] == 4:
            planes.append(_round(pixels[..., 3] * np.float32(1023), 0, 1023))
        return planes


class Ffv1(MovieCodec):
    """FFV1 in Matroska: every channel lossless at 16 bits, RGB stored as RGB.

    Matroska rounds time stamps to 1 ms, and the pixel aspect is lost, for PyAV cannot write the display size.
    """

    encoder = "ffv1"
    suffix = ".mkv"
    container = "matroska"
    pixel_formats: ClassVar[Mapping[int, str]] = {1: "gray16le", 3: "gbrp16le", 4: "gbrap16le"}

    def options(self, like: ClipInfo) -> dict[str, str]:
        # The encoder knows one slice only up to CIF, and cannot cut a few pixels into sixteen.
        slices = 1 if like.width <= 352 and like.height <= 288 else 16
        return {"level": "3", "slices": str(slices), "slicecrc": "1", "coder": "range_def"}

    def tags(self, like: ClipInfo, channels: int) -> VideoTags:
        matrix = ycbcr.UNSPECIFIED if channels == 1 else ycbcr.RGB
        return replace(like.tags or VideoTags(), matrix=matrix, full_range=True)

    def planes(self, pixels: Pixels, tags: VideoTags) -> list[npt.NDArray[np.uint16]]:
        stored = _round(pixels * np.float32(65535), 0, 65535)
        return [stored[..., channel] for channel in ((0,), (), (1, 2, 0), (1, 2, 0, 3))[pixels.shape[2] - 1]]


def _round(codes: npt.NDArray[Any], lowest: int, highest: int) -> npt.NDArray[np.uint16]:
    return np.asarray(np.clip(codes, lowest, highest) + np.float32(0.5), np.uint16)


def _range_code(tags: VideoTags) -> int:
    return _FULL if tags.full_range else _LIMITED
