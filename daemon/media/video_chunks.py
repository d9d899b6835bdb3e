"""The finished chunks of a video that is still being written, and how they become one file.

A chunk is a small video of its own, `.<stem>.<position>.mov`, so that what was committed survives any crash.
At the end the packets are copied, not encoded again, and stamped with the plate's own PTS, and the plate's
sound is laid beside them; neither dates nor random identifiers are written, so the final bytes depend on the
pictures and the sound alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from heapq import merge
from pathlib import Path

import av
from av.container import OutputContainer
from av.video.stream import VideoStream

from daemon.media import milliseconds
from daemon.media.base import ClipInfo, MediaError, VideoTags, WorkGoneError
from daemon.media.durable import sync_file, sync_folder
from daemon.media.timecode import tracked
from daemon.media.video_aspect import write_aspect
from daemon.media.video_codecs import MovieCodec
from daemon.media.video_index import open_container
from daemon.media.video_sound import Sound, Timed

_WAIT = 200_000
"""Microseconds of packets that a muxer may hold back."""


def chunk_path(final: Path, position: int) -> Path:
    """Where the chunk of the video `final` that begins at frame `position` lies."""
    return final.with_name(f".{final.stem}.{position:08d}{final.suffix}")


def joined_path(final: Path) -> Path:
    """Where the video is while its chunks are being joined."""
    return final.with_name(f".{final.stem}.joined{final.suffix}")


def chunks(final: Path) -> dict[int, Path]:
    """The chunks of the video `final` by the position of their first frame, in order."""
    name = re.compile(rf"\.{re.escape(final.stem)}\.(\d{{8,}}){re.escape(final.suffix)}")
    found = {int(match[1]): path for path in final.parent.iterdir() if (match := name.fullmatch(path.name))}
    return dict(sorted(found.items()))


def check_chunks(final: Path, stop: int, moved: Callable[[], None] = lambda: None) -> None:
    """Raise WorkGoneError unless the chunks hold frames 0 to `stop` - 1, each once; and OSError. moved: is
    called for each chunk.
    """
    position = 0
    for start, path in chunks(final).items():
        if start != position:
            break
        position += _frames_in(path)
        moved()
    if position != stop:
        raise WorkGoneError(
            f"{final.name}: only {position} of the {stop} frames written before are still there"
        )


def join(
    final: Path, codec: MovieCodec, like: ClipInfo, channels: int, moved: Callable[[], None] = lambda: None
) -> None:
    """Copy the packets of all chunks into `final` with the plate's PTS and its sound, then remove the chunks.
    moved: is called for each packet.

    `final` appears in one rename, whole and fsynced; a crash before it can be mended by joining again. Raises
    MediaError: the disk refuses, or the plate's sound cannot be read; and what `moved` does.
    """
    parts = list(chunks(final).values())
    joined = joined_path(final)
    try:
        with ExitStack() as stack:
            # The plate is opened first: if that fails, nothing is left behind.
            plate = stack.enter_context(open_container(like.sound)) if like.sound else None
            out = stack.enter_context(open_bitexact(joined, codec.container, like))
            stream = codec.add_stream(out, like, channels)
            _describe(stream, codec, like)
            sound = Sound(like.sound, plate, out).packets(*like.heard) if like.sound and plate else iter(())
            # In the order of time, for a player reads both from one place in the file.
            stamped = _stamped(like) if codec.container in milliseconds.CONTAINERS else like
            for _, packet in merge(_pictures(parts, stream, stamped), sound, key=lambda timed: timed[0]):
                moved()
                out.mux_one(packet)
        aspect = (like.tags or VideoTags()).sample_aspect
        if codec.container in milliseconds.CONTAINERS and aspect != 1:
            write_aspect(joined, like.width, like.height, aspect)
        sync_file(joined)
        joined.rename(final)
        sync_folder(final.parent)
    except (av.error.FFmpegError, OSError) as error:
        joined.unlink(missing_ok=True)
        raise write_error(final, error) from None
    except BaseException:
        joined.unlink(missing_ok=True)
        raise
    for part in parts:
        part.unlink(missing_ok=True)
    sync_folder(final.parent)


def open_bitexact(path: Path, format: str, like: ClipInfo) -> OutputContainer:
    """A container for writing that holds no date, no random identifier and no library version."""
    # Pictures wait for sound that does not come, by default ten seconds of them; they are given in order.
    options = {"fflags": "+bitexact", "max_interleave_delta": str(_WAIT)}
    if format == "mov" and like.time_base is not None:
        # A clip that starts late has its start in these units, by default milliseconds.
        options["movie_timescale"] = str(like.time_base.denominator)
    return av.open(str(path.absolute()), "w", format=format, container_options=options)


def write_error(path: Path, error: Exception) -> MediaError:
    """The sentence for a disk that refuses, or an encoder that fails."""
    reason = getattr(error, "strerror", None) or str(error)
    return MediaError(f"{path.name}: could not be written ({reason}); check free space and rights.")


def _describe(stream: VideoStream, codec: MovieCodec, like: ClipInfo) -> None:
    tags = like.tags or VideoTags()
    if tags.timecode and codec.container == "mov":
        assert like.rate is not None  # a VideoSink's clip has one
        stream.metadata["timecode"] = tracked(tags.timecode, like.rate)
    elif tags.timecode:
        stream.metadata["TIMECODE"] = tags.timecode
    if tags.reel:
        stream.metadata["reel_name" if codec.container == "mov" else "REEL_NAME"] = tags.reel
    if tags.rotation:
        stream.set_display_rotation(tags.rotation)


def _stamped(like: ClipInfo) -> ClipInfo:
    stamps = milliseconds.stamps(like)
    return replace(like, time_base=milliseconds.BASE, pts=stamps, end=milliseconds.end(like, stamps))


def _pictures(parts: Iterable[Path], stream: VideoStream, like: ClipInfo) -> Iterator[Timed]:
    position = 0
    for part in parts:
        with av.open(str(part)) as chunk:
            for packet in chunk.demux(video=0):
                if packet.size:
                    _restamp(packet, stream, like, position)
                    yield like.pts[position] * packet.time_base, packet
                    position += 1


def _restamp(packet: av.Packet[VideoStream], stream: VideoStream, like: ClipInfo, position: int) -> None:
    assert like.time_base is not None  # a VideoSink's clip has both
    assert like.rate is not None
    packet.stream = stream
    packet.time_base = like.time_base
    packet.pts = packet.dts = like.pts[position]
    if position + 1 < len(like.pts):
        packet.duration = like.pts[position + 1] - like.pts[position]
    elif like.end is not None:
        packet.duration = like.end - like.pts[position]
    else:
        packet.duration = max(1, round(1 / (like.rate * like.time_base)))


def _frames_in(path: Path) -> int:
    """Frames in a closed chunk: from its header where it says (MOV), else counted; 0 if it is damaged. Raises
    OSError where the disk does not give it.
    """
    try:
        with av.open(str(path)) as chunk:
            declared = chunk.streams.video[0].frames
            return declared or sum(1 for packet in chunk.demux(video=0) if packet.size)
    except av.error.FFmpegError as error:
        if isinstance(error, OSError):
            raise
        return 0
