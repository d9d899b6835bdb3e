"""A video file as frames: every frame once, in order, with its own PTS, from any position.

Decoding goes by planes to float (see planes.py), with interlaced video through a filter where that is asked
for (see deinterlace.py). VP8 and VP9 carry alpha in side data that FFmpeg's own decoders drop, so files that
declare it are decoded by libvpx.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import av
from av.codec.context import CodecContext, ThreadType
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from daemon.media.base import ClipInfo, Frame, MediaError, VideoTags
from daemon.media.deinterlace import Deinterlace, deinterlaced, refusal
from daemon.media.find import MediaRef
from daemon.media.guards import check_raster, check_readable
from daemon.media.planes import layout_of, to_pixels
from daemon.media.timecode import doubled
from daemon.media.video_index import index_video, open_container, picture_stream, picture_streams

_ALPHA_DECODERS: dict[str, Literal["libvpx", "libvpx-vp9"]] = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
_SLICED = frozenset({"prores", "ffv1", "dnxhd"})
"""Intra codecs whose slices decode side by side: twice as fast as frame threads for ProRes 4444."""

_LIMITED, _FULL = 1, 2  # AVCOL_RANGE_MPEG, AVCOL_RANGE_JPEG


class VideoSource:
    """A FrameSource of one video file. Frame numbers count from 0; the PTS are the file's own."""

    def __init__(self, ref: MediaRef, max_pixels: int, deinterlace: Deinterlace = "refuse") -> None:
        self._path, self._deinterlace = ref.path, deinterlace
        check_readable(self._path)
        with open_container(self._path) as container:
            context = picture_stream(container, self._path).codec_context
            check_raster(self._path, context.width, context.height, max_pixels)
        index = index_video(self._path)
        with open_container(self._path) as container:
            stream = picture_stream(container, self._path)
            first = next(self._decode(container, stream), None)
            if first is None:
                raise MediaError(f"{self._path.name}: not one frame can be decoded; export it again.")
            self._time_base = stream.time_base or Fraction(1, av.time_base)
            self._filter = self._filter_for(first)
            self._check_progressive(first)
            self._format = first.format.name
            info = _describe(self._path, container, stream, first, index.stamps)
        self._stamps, self._keys = info.pts, index.keys
        self._info = info
        if first.interlaced_frame:
            self._info = _by_field(info) if self._filter == "field" else info
            remark = f"{self._path.name}: is interlaced, and deinterlaced to a picture a {self._filter}."
            self._info = replace(self._info, remarks=(*info.remarks, remark))

    @property
    def info(self) -> ClipInfo:
        return self._info

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        positions = self._info.numbers[start:stop]
        if not positions:
            return
        tags = self._info.tags or VideoTags()
        pictures = self._pictures(positions[0], positions[-1])
        for position, decoded in zip(positions, pictures, strict=True):
            yield Frame(position, to_pixels(decoded, tags), self._info.pts[position])

    def _pictures(self, first: int, last: int) -> Iterator[av.VideoFrame]:
        """What is shown at positions `first` to `last`."""
        if self._filter == "refuse":
            yield from self._decoded(first, last)
            return
        each = 2 if self._filter == "field" else 1
        # The filter looks at the frame before and at the one after.
        begin, end = max(0, first // each - 1), min(last // each + 1, len(self._stamps) - 1)
        made = deinterlaced(self._decoded(begin, end), self._filter, self._time_base)
        yield from islice(made, first - each * begin, last + 1 - each * begin)

    def _decoded(self, first: int, last: int) -> Iterator[av.VideoFrame]:
        """The file's frames at positions `first` to `last`, as they lie in it."""
        position = first
        for decoded in self._decode_from(self._stamps[first]):
            if _stamp(decoded) < self._stamps[position]:
                continue
            self._check(decoded, position)
            yield decoded
            if position == last:
                return
            position += 1
        raise MediaError(
            f"{self._path.name}: ends at frame {position} of {len(self._stamps)}; copy it again."
        )

    def close(self) -> None:
        """Every call of `frames` closes what it opened."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _filter_for(self, first: av.VideoFrame) -> Deinterlace:
        """How frames are deinterlaced. By frame a clip may begin progressive and become interlaced: what is
        progressive passes as it is. By field its number of frames hangs on the first.
        """
        if self._deinterlace == "refuse" or (self._deinterlace == "field" and not first.interlaced_frame):
            return "refuse"
        reason = refusal(first, self._time_base)
        if reason and first.interlaced_frame:
            raise MediaError(
                f"{self._path.name}: is interlaced, and deinterlacing {reason}; deinterlace it first."
            )
        return "refuse" if reason else self._deinterlace

    def _check_progressive(self, decoded: av.VideoFrame, position: int = 0) -> None:
        if not decoded.interlaced_frame or self._filter != "refuse":
            return
        if self._deinterlace == "field":
            raise MediaError(
                f"{self._path.name}: frame {position} is interlaced, and the first is not; "
                "set deinterlace: frame."
            )
        if self._deinterlace == "frame":
            reason = refusal(decoded, self._time_base)
            raise MediaError(
                f"{self._path.name}: frame {position} is interlaced, and deinterlacing {reason}; "
                "deinterlace it first."
            )
        raise MediaError(
            f"{self._path.name}: is interlaced; set deinterlace: frame or field, or, if it only says that it "
            "is, export it as progressive."
        )

    def _check(self, decoded: av.VideoFrame, position: int) -> None:
        name = f"{self._path.name}: frame {position}"
        if _stamp(decoded) != self._stamps[position] or decoded.is_corrupt:
            raise MediaError(f"{name} is damaged or missing; copy or export the file again.")
        if (decoded.width, decoded.height) != (self._info.width, self._info.height):
            raise MediaError(f"{name} is {decoded.width} x {decoded.height} pixels; export it at one size.")
        self._check_progressive(decoded, position)
        if decoded.format.name != self._format:
            raise MediaError(f"{name} changes to {decoded.format.name}; export it in one pixel format.")

    def _decode_from(self, stamp: int) -> Iterator[av.VideoFrame]:
        """Frames from at or before `stamp` on, by a seek to the last key frame that is not after it."""
        key = self._keys[max(bisect_right(self._keys, stamp) - 1, 0)]
        if key > self._keys[0]:
            with open_container(self._path) as container:
                stream = picture_stream(container, self._path)
                container.seek(key, stream=stream)
                frames = self._decode(container, stream)
                first = next(frames, None)
                if first is not None and _stamp(first) <= stamp:
                    yield first
                    yield from frames
                    return
        with open_container(self._path) as container:
            yield from self._decode(container, picture_stream(container, self._path))

    def _decode(self, container: InputContainer, stream: VideoStream) -> Iterator[av.VideoFrame]:
        decoder = _decoder(stream)
        try:
            for packet in container.demux(stream):
                if packet.size:
                    yield from decoder.decode(packet)
            yield from decoder.decode(None)
        except av.error.FFmpegError as error:
            raise MediaError(
                f"{self._path.name}: is damaged or cut short ({error.strerror}); copy or export it again."
            ) from None


def _decoder(stream: VideoStream) -> VideoCodecContext:
    context = stream.codec_context
    codec = context.codec.canonical_name
    has_alpha = _lookup(stream.metadata, "alpha_mode") == "1"
    if has_alpha and codec in _ALPHA_DECODERS:
        decoder = CodecContext.create(_ALPHA_DECODERS[codec], "r")
        decoder.extradata = context.extradata
        return decoder
    context.thread_type = ThreadType.SLICE if codec in _SLICED else ThreadType.AUTO
    return context


def _stamp(frame: av.VideoFrame) -> int:
    stamp = frame.pts if frame.pts is not None else frame.dts
    if stamp is None:
        raise MediaError("a frame has no time stamp; remux the video to MOV or Matroska")
    return stamp


def _rate(container: InputContainer, stream: VideoStream) -> Fraction:
    rate = stream.guessed_rate or stream.average_rate or Fraction(25)
    # Matroska stores nanoseconds a frame, from which FFmpeg makes 19001/317 of 60000/1001.
    ntsc = Fraction(round(rate * 1001 / 1000) * 1000, 1001)
    if "matroska" in container.format.name and abs(rate - ntsc) < ntsc / 100_000:
        return ntsc
    return rate


def _lookup(metadata: dict[str, str], key: str) -> str | None:
    return next((value for name, value in metadata.items() if name.lower() == key), None)


def _by_field(info: ClipInfo) -> ClipInfo:
    """The clip with two frames for each: at twice the rate, in halves of its time base, so that a stamp
    between two is exact.
    """
    assert info.time_base is not None  # a video's
    assert info.rate is not None
    pts, tags = info.pts, info.tags
    # A second field is half-way to the next frame; the last frame lasts as long as the one before it.
    between = [(one + two) for one, two in pairwise(pts)]
    lasts = pts[-1] - pts[-2] if len(pts) > 1 else max(1, round(1 / (info.rate * info.time_base)))
    stamps = [
        stamp
        for both in zip((2 * p for p in pts), [*between, 2 * pts[-1] + lasts], strict=True)
        for stamp in both
    ]
    if tags is not None and tags.timecode is not None:
        tags = replace(tags, timecode=doubled(tags.timecode))
    return replace(
        info,
        numbers=tuple(range(len(stamps))),
        rate=2 * info.rate,
        time_base=info.time_base / 2,
        pts=tuple(stamps),
        tags=tags,
    )


def _remarks(path: Path, container: InputContainer) -> tuple[str, ...]:
    count = len(picture_streams(container))
    if count == 1:
        return ()
    return (f"{path.name}: has {count} video streams; the first is taken, and the others are left out.",)


def _describe(
    path: Path, container: InputContainer, stream: VideoStream, first: av.VideoFrame, stamps: tuple[int, ...]
) -> ClipInfo:
    layout = layout_of(first.format.name)
    if layout is None:
        raise MediaError(
            f"{path.name}: has pixel format {first.format.name}, which is not supported; "
            "export it as ProRes 4444."
        )
    # Pictures before the first that decodes lean on a key frame that an editor cut away.
    pts = tuple(stamp for stamp in stamps if stamp >= _stamp(first))
    context = stream.codec_context
    tagged_range = int(first.color_range) or int(context.color_range)
    return ClipInfo(
        kind="video",
        width=first.width,
        height=first.height,
        channels=layout.channels,
        numbers=tuple(range(len(pts))),
        missing=(),
        encoding="display",
        bits=layout.bits,
        is_float=False,
        rate=_rate(container, stream),
        time_base=stream.time_base,
        pts=pts,
        tags=VideoTags(
            primaries=int(context.color_primaries),
            transfer=int(context.color_trc),
            matrix=int(context.colorspace),
            full_range={_LIMITED: False, _FULL: True}.get(tagged_range),
            sample_aspect=stream.sample_aspect_ratio or Fraction(1),
            timecode=_lookup(stream.metadata, "timecode") or _lookup(container.metadata, "timecode"),
            rotation=int(first.rotation),
        ),
        sound=path if container.streams.audio else None,
        remarks=_remarks(path, container),
    )
