"""A video's frames and time stamps, learnt from its packets without decoding them.

The count and every PTS are needed before the first frame is decoded (progress, resume, chunking), containers
lie about both, and a cut file must be refused before a job is begun. Reading the packets once tells the truth
at the speed of the disk.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
from av.codec.hwaccel import HWAccel
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from daemon.media.base import MediaError
from daemon.media.guards import check_disk

_DEMUXERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mxf"
"""Nothing else is opened under any name: FFmpeg would follow a playlist called shot.mp4 to other files."""


@dataclass(frozen=True)
class VideoIndex:
    """Presentation stamps of the packets in order, in the stream's time base; one may be there twice.
    Decoding can begin at the first of `keys`, and by a seek at each of the others. `end`: when the last frame
    is no longer shown, in the same; None: the file does not say.
    """

    stamps: tuple[int, ...]
    keys: tuple[int, ...]
    end: int | None = None


def open_container(path: Path, accelerator: HWAccel | None = None) -> InputContainer:
    """Open a video file, its pictures to be decoded by `accelerator`, if one is given.

    Raises MediaError if it is not one, or was cut before its index, or there is no such accelerator, and of
    it PassingError.
    """
    try:
        # Absolute, because FFmpeg takes `shot:1.mov` for a protocol. Titles of old cameras are not UTF-8.
        return av.open(
            str(path.absolute()),
            options={"format_whitelist": _DEMUXERS},
            hwaccel=accelerator,
            metadata_errors="replace",
        )
    except av.error.FFmpegError as error:
        check_disk(path, error.errno, error.strerror)
        raise MediaError(
            f"{path.name}: is no readable video, or was cut short ({error.strerror}); copy it again."
        ) from None


def picture_stream(container: InputContainer, path: Path) -> VideoStream:
    """The first video stream that is not cover art. Raises MediaError if there is none."""
    for stream in picture_streams(container):
        if stream.codec_context is None:
            raise MediaError(
                f"{path.name}: has pictures of a codec that is not known; export it as ProRes 4444."
            )
        return stream
    raise MediaError(f"{path.name}: has no video stream; supply a file with a picture in it.")


def picture_streams(container: InputContainer) -> list[VideoStream]:
    """The video streams that are not cover art, in the order of the file."""
    return [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]


def index_video(path: Path) -> VideoIndex:
    """Read every packet once. Raises MediaError for a file that holds no frame or less than it declares,
    and of it PassingError.
    """
    stamps: list[int] = []
    keys: set[int] = set()
    unseen: list[int] = []
    end = Fraction(0)
    latest = _Latest()
    with open_container(path) as container:
        picture = picture_stream(container, path)
        declared = Fraction(container.duration or 0, av.time_base)
        try:
            for packet in container.demux():
                if packet.is_corrupt:
                    raise _cut(path)
                stamp = packet.pts if packet.pts is not None else packet.dts
                if stamp is None or not packet.size:
                    continue  # the empty packet that ends each stream, or a placeholder for a dropped frame
                end = max(end, (stamp + (packet.duration or 0)) * packet.time_base)
                if packet.stream_index != picture.index:
                    continue
                if packet.is_discard:
                    # Before the clip's beginning, where an editor or a phone cut it without coding it anew.
                    unseen += [stamp] if packet.is_keyframe else []
                    continue
                if _is_hidden(packet, picture):
                    continue
                stamps.append(stamp)
                latest = latest.then(stamp, packet.duration or 0)
                if packet.is_keyframe:
                    keys.add(stamp)
        except av.error.FFmpegError as error:
            check_disk(path, error.errno, error.strerror)
            raise _cut(path) from None
        _refuse_cut(path, container, picture, end, declared)
        shown = latest.end(container, picture, declared)
    # The first of them stands for the beginning of the file, from which it is decoded without a seek.
    keys |= {stamp for stamp in unseen[:1] if stamps and stamp < min(stamps)}
    if not keys:
        raise MediaError(f"{path.name}: holds no frame that decoding can begin at; export it again.")
    # Where two packets have one time, nobody knows which of them a seek finds.
    times = Counter(stamps)
    first = min(keys)
    sure = [key for key in keys if key == first or times[key] == 1]
    return VideoIndex(tuple(sorted(stamps)), tuple(sorted(sure)), shown)


class _Latest(NamedTuple):
    """The packet that is shown last of those seen. is_last: it is the last of them in the file, too.
    is_alone: no other has its time, as the second field of a frame has.
    """

    stamp: int | None = None
    duration: int = 0
    is_last: bool = True
    is_alone: bool = True

    def then(self, stamp: int, duration: int) -> _Latest:
        """With one more packet."""
        if self.stamp is None or stamp > self.stamp:
            return _Latest(stamp, duration)
        return self._replace(is_last=False, is_alone=self.is_alone and stamp != self.stamp)

    def end(self, container: InputContainer, picture: VideoStream, declared: Fraction) -> int | None:
        """When it is shown no longer; None where the file does not say. declared: how long the file is, in
        seconds.
        """
        if self.stamp is None or not self.is_alone or not self.duration or picture.time_base is None:
            return None
        found = self.stamp + self.duration
        if _is_mov(container):
            # Durations there go by the order in the file, in which what is shown last may not be last.
            if not self.is_last:
                found = (picture.start_time or 0) + (picture.duration or 0)
            declared += Fraction(container.start_time or 0, av.time_base)
        # A Matroska may give each packet the mean duration of all.
        found = min(found, math.ceil(declared / picture.time_base))
        return found if found > self.stamp else None


def _is_mov(container: InputContainer) -> bool:
    return "mov" in container.format.name.split(",")


def _is_hidden(packet: av.Packet[Stream], stream: VideoStream) -> bool:
    """Whether this is a VP8 reference that is never shown (RFC 6386, section 9.1: bit 4 of the frame tag)."""
    return stream.codec_context.codec.canonical_name == "vp8" and not memoryview(packet)[0] & 0x10


def _refuse_cut(
    path: Path, container: InputContainer, picture: VideoStream, end: Fraction, declared: Fraction
) -> None:
    """MOV and MP4 keep each packet's place in their index; a cut Matroska ends early with no error at all."""
    if _is_mov(container):
        size = path.stat().st_size
        if any(entry.pos + entry.size > size for entry in picture.index_entries):
            raise _cut(path)
        return
    rate = picture.guessed_rate
    slack = Fraction(3, 2) / rate if rate else Fraction(1, 4)
    if end + slack < declared:
        raise _cut(path, f"ends after {float(end):.2f} s of the {float(declared):.2f} s that it declares")


def _cut(path: Path, reason: str = "is cut short or damaged") -> MediaError:
    return MediaError(f"{path.name}: {reason}; copy it again.")
