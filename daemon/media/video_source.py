"""A video file as frames: every frame once, in order, with its own PTS, from any position.

Decoding goes by planes to float (see planes.py), with interlaced video through a filter where that is asked
for (see deinterlace.py). VP8 and VP9 carry alpha in side data that FFmpeg's own decoders drop, so files that
declare it are decoded by libvpx.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice, takewhile
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from daemon.closing import Closing
from daemon.media.base import ClipInfo, Frame, MediaError, VideoTags
from daemon.media.deinterlace import Deinterlace, deinterlaced, refusal
from daemon.media.display_matrix import turn_of
from daemon.media.find import MediaRef
from daemon.media.guards import check_disk, check_raster, check_readable
from daemon.media.planes import spread, to_pixels
from daemon.media.video_decoders import (
    Decoder,
    accelerated,
    decoder,
    has_alpha_beside,
    missing,
    same,
    unsuited,
)
from daemon.media.video_decoders import nvdec as hardware
from daemon.media.video_index import index_video, open_container, picture_stream
from daemon.media.video_info import by_field, describe, stamp_of
from daemon.media.video_times import first_shared, told_apart


@dataclass(frozen=True)
class Reading:
    """How a video is read. say: is told what a person should know and what comes up on the way."""

    deinterlace: Deinterlace = "refuse"
    decoder: Decoder = "software"
    say: Callable[[str], None] = lambda sentence: None


def left_to_cpu(path: Path, reason: str) -> str:
    """The sentence on a file that NVDEC was wanted for in vain. reason: as `missing` gives it."""
    return f"{path.name}: NVDEC {reason}; the CPU decodes it, to the same pictures."


class VideoSource(Closing):
    """A FrameSource of one video file. Frame numbers count from 0; the PTS are the file's own.

    nvdec_unsuited: why NVDEC would not be asked for it, see `video_decoders.unsuited`.
    """

    def __init__(self, ref: MediaRef, max_pixels: int, how: Reading = Reading()) -> None:
        self._path, self._deinterlace, self._say = ref.path, how.deinterlace, how.say
        self._max_pixels = max_pixels
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
            self._stamps, self._keys = index.stamps, index.keys
            stamps = self._of_frames(stamp_of(first))
            info = describe(self._path, container, stream, first, stamps, self._turn(stream, first))
            info = replace(info, end=index.end)
            codec = stream.codec_context.codec.canonical_name
        self._stamps = info.pts
        info = told_apart(self._path.name, info)
        self._info = info
        if first.interlaced_frame:
            self._info = by_field(info) if self._filter == "field" else info
            remark = f"{self._path.name}: is interlaced, and deinterlaced to a picture a {self._filter}."
            self._info = replace(self._info, remarks=(*info.remarks, remark))
        self._nvdec = False
        self.nvdec_unsuited = unsuited(codec, first.format.name)
        if how.decoder != "software":
            reason = self._nvdec_refusal(first)
            self._nvdec = reason is None
            if reason and how.decoder == "nvdec":
                remark = left_to_cpu(self._path, reason)
                self._info = replace(self._info, remarks=(*self._info.remarks, remark))

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
        """The file's frames at positions `first` to `last`, as they lie in it. Where NVDEC fails, for any
        reason, the CPU goes on; if it is the file's fault, that says so.
        """
        position = first
        if self._nvdec:
            try:
                for decoded in self._in_order(first, last, nvdec=True):
                    yield decoded
                    position += 1
                return
            except MediaError:
                self._nvdec = False
                self._say(
                    f"{self._path.name}: NVDEC fails at frame {position}; the CPU decodes it from there on."
                )
        yield from self._in_order(position, last)

    def _in_order(self, first: int, last: int, *, nvdec: bool = False) -> Iterator[av.VideoFrame]:
        # Of frames that share its time the earliest: only by their order one is told from the other.
        begin = position = bisect_left(self._stamps, self._stamps[first])
        for decoded in self._decode_from(self._stamps[first], nvdec=nvdec):
            if position == begin and stamp_of(decoded) < self._stamps[begin]:
                continue
            self._check(decoded, position)
            if position >= first:
                yield decoded
            if position == last:
                return
            position += 1
        raise MediaError(
            f"{self._path.name}: ends at frame {position} of {len(self._stamps)}; copy it again."
        )

    def _of_frames(self, begin: int) -> tuple[int, ...]:
        """The stamps of the frames, of those of the packets. Two packets of one time are two frames, or one
        and a picture that is never shown, or its two fields: the first such from `begin` on tells it of all.
        """
        shared = first_shared(self._stamps[bisect_left(self._stamps, begin) :])
        if shared is None:
            return self._stamps
        pictures = takewhile(lambda decoded: stamp_of(decoded) <= shared, self._decode_from(shared))
        if sum(stamp_of(decoded) == shared for decoded in pictures) > 1:
            return self._stamps
        return tuple(dict.fromkeys(self._stamps))

    def _turn(self, stream: VideoStream, first: av.VideoFrame) -> tuple[int, bool]:
        """See `turn_of`. libvpx is told nothing of it, so FFmpeg's own decoder is asked, without alpha."""
        if has_alpha_beside(stream):
            with open_container(self._path) as container, suppress(av.error.FFmpegError):
                own = picture_stream(container, self._path)
                own.codec_context.options = {"max_pixels": str(self._max_pixels)}
                first = next(container.decode(own), first)
        return turn_of(first)

    def close(self) -> None:
        """Every call of `frames` closes what it opened."""

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
        if stamp_of(decoded) != self._stamps[position] or decoded.is_corrupt:
            raise MediaError(f"{name} is damaged or missing; copy or export the file again.")
        if (decoded.width, decoded.height) != (self._info.width, self._info.height):
            raise MediaError(f"{name} is {decoded.width} x {decoded.height} pixels; export it at one size.")
        self._check_progressive(decoded, position)
        if decoded.format.name != self._format:
            raise MediaError(f"{name} changes to {decoded.format.name}; export it in one pixel format.")

    def _nvdec_refusal(self, first: av.VideoFrame) -> str | None:
        """Why NVDEC does not decode this file, as the end of a sentence that begins with it; else None."""
        if reason := self.nvdec_unsuited or missing():
            return reason
        try:
            trial = next(self._decode_from(self._stamps[0], nvdec=True), None)
        except MediaError:
            return "does not take it"
        if trial is None or stamp_of(trial) != self._stamps[0] or not same(trial, first):
            return "gives another first picture than the CPU"
        return None

    def _decode_from(self, stamp: int, *, nvdec: bool = False) -> Iterator[av.VideoFrame]:
        """Frames from at or before `stamp` on, by a seek to the last key frame that is not after it."""
        accelerator = hardware() if nvdec else None
        key = self._keys[max(bisect_right(self._keys, stamp) - 1, 0)]
        if key > self._keys[0]:
            with open_container(self._path, accelerator) as container:
                stream = picture_stream(container, self._path)
                container.seek(key, stream=stream)
                frames = self._decode(container, stream, nvdec=nvdec)
                first = next(frames, None)
                if first is not None and stamp_of(first) <= stamp:
                    yield first
                    yield from frames
                    return
        with open_container(self._path, accelerator) as container:
            yield from self._decode(container, picture_stream(container, self._path), nvdec=nvdec)

    def _decode(
        self, container: InputContainer, stream: VideoStream, *, nvdec: bool = False
    ) -> Iterator[av.VideoFrame]:
        context = accelerated(stream) if nvdec else decoder(stream, self._max_pixels)
        try:
            for packet in container.demux(stream):
                if packet.size:
                    yield from map(spread, context.decode(packet)) if nvdec else context.decode(packet)
            yield from map(spread, context.decode(None)) if nvdec else context.decode(None)
        except av.error.FFmpegError as error:
            check_disk(self._path, error.errno, error.strerror)
            raise MediaError(
                f"{self._path.name}: is damaged or cut short ({error.strerror}); copy or export it again."
            ) from None
