"""A video file as frames by number.

VP8 and VP9 carry alpha in side data that FFmpeg's own decoders drop, so files that declare it are decoded by
libvpx.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import av
from av.codec.context import CodecContext
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from trainer.prepare import planes
from trainer.prepare.errors import UnfitError

SUFFIXES = frozenset({".webm", ".mov", ".mp4", ".mkv", ".avi", ".m4v", ".mxf"})

_ALPHA_DECODERS: dict[str, Literal["libvpx", "libvpx-vp9"]] = {"vp8": "libvpx", "vp9": "libvpx-vp9"}

_LOSSLESS = frozenset({"prores", "ffv1", "png", "qtrle", "rawvideo", "huffyuv", "utvideo", "magicyuv"})
"""Codecs that keep alpha as it was; of ProRes 4444 that is true of alpha alone."""

_CUT_SHORT = 0.9
"""Share of its declared length that a whole file reaches at least: a cut Matroska ends without an error."""


class Footage:
    """One video file; frames count from 0. Nothing stays open between calls. Raises ``UnfitError``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._opened() as (container, stream):
            codec = stream.codec_context.codec.canonical_name
            packets = [
                (stamp, packet.is_keyframe)
                for packet in container.demux(stream)
                if packet.size and not packet.is_discard and (stamp := _stamp(packet)) is not None
            ]
            if not packets:
                raise UnfitError(path, "unreadable", "holds no frame")
            if container.duration and stream.time_base:
                end = (max(packets)[0] - (stream.start_time or 0)) * stream.time_base
                length = container.duration / av.time_base
                if length > 1 and end < _CUT_SHORT * length:
                    reason = f"is cut short: it ends at {float(end):.1f} s of {length:.1f}"
                    raise UnfitError(path, "unreadable", reason)
        self._stamps = sorted({stamp for stamp, _ in packets})
        self._keys = sorted({stamp for stamp, is_key in packets if is_key}) or self._stamps[:1]
        self._numbers = {stamp: number for number, stamp in enumerate(self._stamps)}
        first = next(self._decoded(None), None)
        if first is None:
            raise UnfitError(path, "unreadable", "has not one frame that can be decoded")
        self.format = first[1].format.name
        self.lossy = codec not in _LOSSLESS
        if not planes.supported(self.format):
            reason = f"has pixel format {self.format}, which is not supported"
            raise UnfitError(path, "unreadable", reason)
        self.width, self.height = first[1].width, first[1].height

    def __len__(self) -> int:
        return len(self._stamps)

    @property
    def has_alpha(self) -> bool:
        return planes.has_alpha(self.format)

    def until(self, number: int) -> Iterator[tuple[int, av.VideoFrame]]:
        """The frames that must be decoded to reach ``number``, with their numbers; it is the last of them."""
        wanted = self._stamps[number]
        key = self._keys[max(bisect_right(self._keys, wanted) - 1, 0)]
        # An alpha layer may lack a key frame where the colour has one: then decoding goes from the start.
        for start in (key, None) if key > self._keys[0] else (None,):
            try:
                for at, frame in self._decoded(start):
                    if at > number:
                        break
                    yield at, frame
                    if at == number:
                        return
            except UnfitError:
                if start is None:
                    raise
        raise UnfitError(self.path, "unreadable", f"frame {number} cannot be decoded")

    def frame(self, number: int) -> av.VideoFrame:
        """One frame."""
        *_, (_, frame) = self.until(number)
        return frame

    def _decoded(self, start: int | None) -> Iterator[tuple[int, av.VideoFrame]]:
        with self._opened() as (container, stream):
            if start is not None:
                container.seek(start, stream=stream)
            decoder = _decoder(stream)
            for packet in container.demux(stream):
                for frame in decoder.decode(packet if packet.size else None):
                    stamp = _stamp(frame)
                    if stamp is not None and stamp in self._numbers:
                        yield self._numbers[stamp], frame

    @contextmanager
    def _opened(self) -> Iterator[tuple[InputContainer, VideoStream]]:
        try:
            with av.open(str(self.path)) as container:
                if not container.streams.video:
                    raise UnfitError(self.path, "unreadable", "holds no pictures")
                yield container, container.streams.video[0]
        except av.FFmpegError as error:
            reason = f"is no video, or damaged ({error.strerror})"
            raise UnfitError(self.path, "unreadable", reason) from error


def _stamp(timed: av.Packet[VideoStream] | av.VideoFrame) -> int | None:
    return timed.pts if timed.pts is not None else timed.dts


def _decoder(stream: VideoStream) -> VideoCodecContext:
    context = stream.codec_context
    codec = context.codec.canonical_name
    declared = {key.lower(): value for key, value in stream.metadata.items()}.get("alpha_mode") == "1"
    if declared and codec in _ALPHA_DECODERS:
        decoder = CodecContext.create(_ALPHA_DECODERS[codec], "r")
        decoder.extradata = context.extradata
        return decoder
    return context
