"""A clip at a part of its size, for a preview: everything is reduced as it is read, so that all that follows
costs less, and what stands beside the plate still fits it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np

from daemon.closing import Closing
from daemon.media import ClipInfo, Frame, FrameSource, Pixels

Size = tuple[int, int]
"""Width and height."""


def reduced_size(info: ClipInfo, scale: float) -> Size:
    """Of a clip's frames at `scale`: even, as 4:2:0 wants it; at 1 the clip's own, whatever that is."""
    if scale == 1:
        return info.width, info.height
    width, height = (max(2, 2 * round(side * scale / 2)) for side in (info.width, info.height))
    return min(width, info.width), min(height, info.height)


def reduced(pixels: Pixels, size: Size) -> Pixels:
    """float32 [H, W, C] as [height, width, C]: each pixel the mean of those that it covers.

    Colours of RGBA, which are straight, count by their alpha: what is transparent has no say in them.
    """
    if pixels.shape[1::-1] == size:
        return pixels
    if pixels.shape[2] != 4:
        return _mean(pixels, size)
    weighed = np.dstack([pixels[..., :3] * pixels[..., 3:], pixels[..., 3:]])
    made, plain = _mean(weighed, size), _mean(pixels, size)
    alpha = made[..., 3:]
    made[..., :3] = np.where(alpha > 0, made[..., :3] / np.where(alpha > 0, alpha, 1), plain[..., :3])
    return made


def _mean(pixels: Pixels, size: Size) -> Pixels:
    made = cv2.resize(np.ascontiguousarray(pixels), size, interpolation=cv2.INTER_AREA)
    return np.asarray(made, np.float32).reshape(size[1], size[0], pixels.shape[2])


class Preview(Closing):
    """A FrameSource: another one's frames, reduced to `size`. A header's display window is reduced with them;
    all else that is known of the clip stays as it is.
    """

    def __init__(self, source: FrameSource, size: Size) -> None:
        self._source, self._size = source, size
        self._info = replace(source.info, width=size[0], height=size[1])

    @property
    def info(self) -> ClipInfo:
        return self._info

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        whole = self._source.info
        for frame in self._source.frames(start, stop):
            tags = frame.tags
            if tags is not None:
                left, top = tags.origin
                origin = round(left * self._size[0] / whole.width), round(top * self._size[1] / whole.height)
                tags = replace(tags, origin=origin)
            yield replace(frame, pixels=reduced(frame.pixels, self._size), tags=tags)

    def close(self) -> None:
        self._source.close()
