"""What a video file says of itself and of its pictures: rate, time, raster, tags."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from daemon.media import ycbcr
from daemon.media.base import ClipInfo, MediaError, VideoTags
from daemon.media.planes import layout_of
from daemon.media.timecode import doubled
from daemon.media.video_decoders import lookup
from daemon.media.video_index import picture_streams


def stamp_of(frame: av.VideoFrame) -> int:
    """When it is shown, in the time base of its stream."""
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


def by_field(info: ClipInfo) -> ClipInfo:
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
        end=None if info.end is None else max(2 * info.end, stamps[-1] + 1),
        tags=tags,
    )


def _reel(container: InputContainer) -> str | None:
    """It stands beside the time code, which MOV has in a stream of its own."""
    names = (lookup(stream.metadata, "reel_name") for stream in container.streams)
    return next((name for name in names if name), None)


def _remarks(
    path: Path, container: InputContainer, first: av.VideoFrame, matrix: int, *, mirrored: bool
) -> Iterator[str]:
    count = len(picture_streams(container))
    if count > 1:
        yield f"{path.name}: has {count} video streams; the first is taken, and the others are left out."
    if mirrored:
        yield f"{path.name}: players mirror it, by a tag; what is made of it is not mirrored."
    if ycbcr.is_foreign(matrix) and not first.format.is_rgb and len(first.format.components) >= 3:
        taken = ycbcr.resolve_matrix(matrix, first.width, first.height)
        usual = "BT.709" if taken == ycbcr.BT709 else "BT.601"
        yield (
            f"{path.name}: its tags name matrix {matrix} of ITU-T H.273, which dimd does not know; read by "
            f"{usual}; export it as BT.709 or BT.2020 if its colours are wrong."
        )


def describe(
    path: Path,
    container: InputContainer,
    stream: VideoStream,
    first: av.VideoFrame,
    stamps: tuple[int, ...],
    turn: tuple[int, bool],
) -> ClipInfo:
    """stamps: of all its frames, in order. first: the first that can be decoded. turn: see `turn_of`."""
    layout = layout_of(first.format.name)
    if layout is None:
        raise MediaError(
            f"{path.name}: has pixel format {first.format.name}, which is not supported; "
            "export it as ProRes 4444."
        )
    # Pictures before the first that decodes lean on a key frame that an editor cut away.
    pts = tuple(stamp for stamp in stamps if stamp >= stamp_of(first))
    context = stream.codec_context
    rotation, mirrored = turn
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
            full_range={ycbcr.LIMITED: False, ycbcr.FULL: True}.get(tagged_range),
            sample_aspect=stream.sample_aspect_ratio or Fraction(1),
            timecode=lookup(stream.metadata, "timecode") or lookup(container.metadata, "timecode"),
            rotation=rotation,
            reel=_reel(container),
        ),
        sound=path if container.streams.audio else None,
        pixel_aspect=stream.sample_aspect_ratio or Fraction(1),
        remarks=tuple(_remarks(path, container, first, int(context.colorspace), mirrored=mirrored)),
    )
