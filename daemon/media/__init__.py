"""Everything that goes in and comes out: stills, image sequences and video behind one pair of protocols.

A new kind of source is one file and one line in `SOURCES`; a new output format one file and one line in
`IMAGE_FORMATS`, a video's in `video_formats.CODECS`. No other module of the daemon knows a codec or a file
suffix.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from daemon.media.base import (
    ClipInfo,
    ColourTags,
    Encoding,
    Frame,
    FrameSink,
    FrameSource,
    Kind,
    MediaError,
    PassingError,
    PictureTags,
    Pixels,
    VideoTags,
    WorkGoneError,
)
from daemon.media.deinterlace import Deinterlace
from daemon.media.find import MediaRef, find_media, locate
from daemon.media.image_formats import IMAGE_FORMATS
from daemon.media.image_sink import ImageSink
from daemon.media.sequence import SequenceSource
from daemon.media.stills import StillSource
from daemon.media.video_formats import CODECS, VIDEO_FORMATS
from daemon.media.video_sink import VideoSink
from daemon.media.video_source import Reading, VideoSource
from daemon.storage import Storage

SOURCES: dict[Kind, Callable[[MediaRef, int, Reading], FrameSource]] = {
    "still": lambda ref, max_pixels, _: StillSource(ref, max_pixels),
    "sequence": lambda ref, max_pixels, _: SequenceSource(ref, max_pixels),
    "video": VideoSource,
}


def open_source(ref: MediaRef, *, max_pixels: int, video: Reading | None = None) -> FrameSource:
    """Open a clip for reading. video: how it is read, if it is one.

    Raises MediaError for a file that cannot be read or exceeds `max_pixels`, and of it PassingError where its
    disk does not give it at the moment.
    """
    return SOURCES[ref.kind](ref, max_pixels, video or Reading())


def open_sink(
    format: str,
    folder: Path,
    stem: str,
    like: ClipInfo,
    *,
    channels: int,
    start: int = 0,
    storage: Storage | None = None,
) -> FrameSink:
    """Open one output of the clip `like` for writing into `folder`, which must exist.

    A still becomes `folder/stem.png`, a sequence `folder/stem.1001.png`, a video `folder/stem.mov`, `.mkv` or
    `.webm` (in an image format: `folder/stem.0000.png`). `channels` is 1, 3 or 4, or as many as `storage`
    has names; `storage` is how a picture format lays the numbers down. `start` is the number of
    frames that an earlier run committed: what lies in the folder from there on is dropped, and the bytes come
    out as if there had been one run. Numbers are written as they are given: whether they are encoded for
    display, and premultiplied, is the caller's choice.
    Raises MediaError for a format that does not exist or does not suit the clip, and of it WorkGoneError
    where what was committed is not all there.
    """
    if format in IMAGE_FORMATS:
        picture = IMAGE_FORMATS[format](storage or Storage(), like.is_float)
        return ImageSink(picture, folder, stem, like, channels, start)
    if format not in VIDEO_FORMATS:
        known = ", ".join([*IMAGE_FORMATS, *VIDEO_FORMATS])
        raise MediaError(f"{stem}: has no output format {format!r}; choose one of {known}.")
    return VideoSink(VIDEO_FORMATS[format], folder, stem, like, channels, start)


__all__ = [
    "CODECS",
    "IMAGE_FORMATS",
    "SOURCES",
    "VIDEO_FORMATS",
    "ClipInfo",
    "ColourTags",
    "Deinterlace",
    "Encoding",
    "Frame",
    "FrameSink",
    "FrameSource",
    "Kind",
    "MediaError",
    "MediaRef",
    "PassingError",
    "PictureTags",
    "Pixels",
    "Reading",
    "Storage",
    "VideoTags",
    "WorkGoneError",
    "find_media",
    "locate",
    "open_sink",
    "open_source",
]
