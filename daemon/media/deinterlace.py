"""Interlaced video made progressive, by FFmpeg's `bwdif`: motion-adaptive, with the lines of the field kept.

The filter works on the planes as they are decoded, in the file's own pixel format: no scaler comes between.
It looks at the frame before and the frame after, so whoever begins within a clip hands in the frame before,
too, and has the same bytes then as from the clip's beginning.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Literal

import av
from av.filter import Graph

from daemon.media.planes import spread

Deinterlace = Literal["refuse", "frame", "field"]
"""frame: a picture for each frame, at the time of its first field; field: one for each of both fields."""

FILTER = "bwdif"
_MODES: dict[Deinterlace, str] = {"frame": "send_frame", "field": "send_field"}


def lacking() -> str | None:
    """Why nothing can be deinterlaced here, as the end of a sentence; else None."""
    if FILTER in av.filter.filters_available:
        return None
    return f"cannot be done here (this build of FFmpeg is without the filter {FILTER})"


def refusal(sample: av.VideoFrame, time_base: Fraction) -> str | None:
    """Why frames such as `sample` cannot be deinterlaced, as the end of a sentence; else None."""
    if reason := lacking():
        return reason
    sample = spread(sample)
    try:
        sample.time_base = time_base
        graph = _graph(sample, "frame")
        graph.vpush(sample)
        graph.vpush(None)
        made = graph.vpull()
    except av.error.FFmpegError:
        return f"cannot be done at {sample.width} x {sample.height} pixels"
    # For a format that the filter does not take, FFmpeg would put its scaler in between.
    if made.format.name != sample.format.name:
        return f"cannot be done in pixel format {sample.format.name}"
    return None


def deinterlaced(
    frames: Iterator[av.VideoFrame], how: Deinterlace, time_base: Fraction
) -> Iterator[av.VideoFrame]:
    """Of each frame in turn its one picture (`frame`), or its two (`field`), of which the time stamps mean
    nothing. A frame that does not say that it is interlaced stays as it is, in `field` twice. The frames that
    are handed in lose theirs: the filter knows each by its place, for two may share a time.

    What `refusal` refuses must not come here.
    """
    graph: Graph | None = None
    stamps: list[int] = []
    for place, frame in enumerate(frames):
        frame = spread(frame)
        frame.time_base = time_base  # which the last ones of a decoder lack
        graph = graph or _graph(frame, how)
        frame.pts = place
        stamps.append(2 * place)  # the filter counts in halves of the time base
        graph.vpush(frame)
        yield from _pulled(graph, stamps, how)
    if graph is not None:
        graph.vpush(None)
        yield from _pulled(graph, stamps, how)


def _graph(frame: av.VideoFrame, how: Deinterlace) -> Graph:
    assert frame.time_base is not None  # was set by its caller
    graph = Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
    )
    made = graph.add(FILTER, f"mode={_MODES[how]}:parity=auto:deint=interlaced")
    graph.link_nodes(source, made, graph.add("buffersink")).configure()
    return graph


def _pulled(graph: Graph, stamps: list[int], how: Deinterlace) -> Iterator[av.VideoFrame]:
    """What the filter has ready. stamps: of the frames that it was given and has not yet given back."""
    ready: list[av.VideoFrame] = []
    while True:
        try:
            ready.append(graph.vpull())
        except (av.error.BlockingIOError, av.error.EOFError):
            break
    while ready:
        first = ready.pop(0)
        assert first.pts == stamps.pop(0)
        yield first
        if how == "field":
            # The filter gives a frame's two fields at once, and one picture of a frame that has none.
            second = ready[0] if ready and (not stamps or ready[0].pts != stamps[0]) else None
            yield ready.pop(0) if second is not None else first
