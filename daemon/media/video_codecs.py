"""What an encoder is to the daemon: float pixels in, frames of one pixel format out, tags and all.

The kinds stand beside it: `video_intra` (every frame by itself), `video_inter` (frames that lean on each
other). Whatever would make the bytes depend on the machine, such as the number of its cores, is fixed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
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

Planes = Sequence[npt.NDArray[Any]]
"""Integers [H, W] as they lie in memory, one for each plane; a packed format has one, [H, W * C]."""


class MovieCodec(ABC):
    """One way to store float pixels as video. Tags go on the encoder and on every frame: both are read.

    pixel_formats: by channels; what is not there cannot be stored. chunks: the container of what is not yet
    joined. even: whether width and height must be. least: the smallest raster. threads: of the encoder, 0
    where the bytes do not depend on them. tag: four letters that the container is to give the codec.
    stand_in: the format to write where the machine has no such encoder; None: the output is refused.
    """

    encoder: ClassVar[str]
    suffix: ClassVar[str]
    container: ClassVar[str]
    chunks: ClassVar[str | None] = None
    pixel_formats: ClassVar[Mapping[int, str]]
    even: ClassVar[tuple[bool, bool]] = (False, False)
    least: ClassVar[tuple[int, int]] = (1, 1)
    gop: ClassVar[int] = 1
    threads: ClassVar[int] = 0
    tag: ClassVar[str | None] = None
    stand_in: ClassVar[str | None] = None

    @abstractmethod
    def options(self, like: ClipInfo) -> dict[str, str]:
        """The encoder's private options for the clip."""

    @abstractmethod
    def tags(self, like: ClipInfo, channels: int) -> VideoTags:
        """The tags that the stored numbers have, given the plate's."""

    @abstractmethod
    def planes(self, pixels: Pixels, tags: VideoTags) -> Planes:
        """The pixel format's planes from float32 [H, W, C]."""

    def refusal(self, width: int, height: int, channels: int) -> str | None:
        """Why a picture cannot be stored, as the end of a sentence that begins with the format; else None."""
        if channels > 4:
            return "holds no layers"
        if channels not in self.pixel_formats:
            return "holds no alpha" if channels == 4 else "holds a matte and nothing else"
        if (self.even[0] and width % 2) or (self.even[1] and height % 2):
            return f"needs an even width{' and height' if self.even[1] else ''}, not {width} x {height}"
        if width < self.least[0] or height < self.least[1]:
            return f"needs at least {self.least[0]} x {self.least[1]} pixels, not {width} x {height}"
        return None

    def add_stream(self, container: OutputContainer, like: ClipInfo, channels: int) -> VideoStream:
        """Add a stream for the clip, or one chunk of it, to `container`."""
        tags = self.tags(like, channels)
        stream = container.add_stream(self.encoder, rate=like.rate, options=self.options(like))
        assert isinstance(stream, VideoStream)  # every encoder here is for pictures
        context = stream.codec_context
        context.width, context.height = like.width, like.height
        context.pix_fmt = self.pixel_formats[channels]
        if like.time_base is not None:
            stream.time_base = context.time_base = like.time_base
        context.sample_aspect_ratio = tags.sample_aspect
        context.color_primaries, context.color_trc = tags.primaries, tags.transfer
        context.colorspace, context.color_range = tags.matrix, _range_code(tags)
        context.gop_size = self.gop
        context.max_b_frames = 0  # so that packets lie in the order of their PTS
        context.flags |= Flags.bitexact
        context.thread_type, context.thread_count = ThreadType.AUTO, self.threads
        if self.tag is not None and container.format.name == self.container:
            context.codec_tag = self.tag
        return stream

    def frame(self, pixels: Pixels, tags: VideoTags) -> av.VideoFrame:
        """A frame for the encoder from float32 [H, W, C] pixels, C = 1, 3 or 4."""
        height, width, channels = pixels.shape
        frame = av.VideoFrame(width, height, self.pixel_formats[channels])
        for plane, samples in zip(frame.planes, self.planes(pixels, tags), strict=True):
            rows = np.frombuffer(memoryview(plane), samples.dtype)
            rows = rows.reshape(-1, plane.line_size // samples.itemsize)
            rows[: samples.shape[0], : samples.shape[1]] = samples
        frame.color_primaries, frame.color_trc = tags.primaries, tags.transfer
        frame.colorspace, frame.color_range = tags.matrix, _range_code(tags)
        return frame


class YCbCrCodec(MovieCodec):
    """Y'CbCr in limited range by the plate's matrix; a matte becomes a grey picture.

    bits: of a code. across, down: pixels to a chroma sample, 1 or 2. matrices: those that are written; the
    plate's own, if it is another, becomes BT.601. Chroma is sited as MPEG-2 has it, where
    `planes.to_pixels` looks for it.
    """

    bits: ClassVar[int] = 10
    across: ClassVar[int] = 1
    down: ClassVar[int] = 1
    matrices: ClassVar[frozenset[int]] = frozenset({ycbcr.BT709, ycbcr.BT2020_NCL, ycbcr.SMPTE170M})

    def tags(self, like: ClipInfo, channels: int) -> VideoTags:
        plate = like.tags or VideoTags()
        matrix = ycbcr.resolve_matrix(plate.matrix, like.width, like.height)
        if matrix == ycbcr.BT2020_CL:
            matrix = ycbcr.BT2020_NCL
        elif matrix not in self.matrices:
            matrix = ycbcr.SMPTE170M
        return replace(plate, matrix=matrix, full_range=False)

    def planes(self, pixels: Pixels, tags: VideoTags) -> Planes:
        rgb = pixels[..., :3] if pixels.shape[2] >= 3 else cv2.merge([pixels[..., 0]] * 3)
        codes = cv2.transform(np.ascontiguousarray(rgb), ycbcr.from_rgb(tags.matrix, False, self.bits))
        step = 1 << (self.bits - 8)
        lowest, highest = step, 255 * step - 1  # codes outside are for synchronisation (BT.709, item 5.6)
        chroma = [self._thinned(np.ascontiguousarray(codes[..., channel])) for channel in (1, 2)]
        planes = [self._round(plane, lowest, highest) for plane in (codes[..., 0], *chroma)]
        if pixels.shape[2] == 4:
            peak = (1 << self.bits) - 1
            planes.append(self._round(pixels[..., 3] * np.float32(peak), 0, peak))
        return planes

    def _thinned(self, plane: npt.NDArray[Any]) -> npt.NDArray[Any]:
        if self.across == 2:
            kernel = np.array([[0.25, 0.5, 0.25]], np.float32)  # around the left column of each pair
            plane = cv2.filter2D(plane, cv2.CV_32F, kernel, borderType=cv2.BORDER_REPLICATE)[:, ::2]
        if self.down == 2:
            plane = (plane[::2] + plane[1::2]) / 2  # between the rows of each pair
        return plane

    def _round(self, codes: npt.NDArray[Any], lowest: int, highest: int) -> npt.NDArray[Any]:
        return rounded(codes, lowest, highest, "u1" if self.bits == 8 else "<u2")


def absent(encoder: str) -> str | None:
    """Why this machine lacks an encoder, as the end of a sentence that begins with the format; else None."""
    try:
        av.codec.Codec(encoder, "w")
    except av.codec.codec.UnknownCodecError:
        return f"has no encoder here (this build of FFmpeg is without {encoder})"
    return None


def rounded(codes: npt.NDArray[Any], lowest: int, highest: int, kind: str) -> npt.NDArray[Any]:
    """The nearest integers from `lowest` to `highest`, stored as `kind`."""
    return np.asarray(np.clip(codes, lowest, highest) + np.float32(0.5), np.dtype(kind))


def _range_code(tags: VideoTags) -> int:
    return ycbcr.FULL if tags.full_range else ycbcr.LIMITED
