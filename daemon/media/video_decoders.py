"""Which decoder a stream gets: FFmpeg's own, libvpx where there is alpha in side data, or a GPU's NVDEC.

The standards of H.264 and HEVC fix every code of a decoded picture, so NVDEC's are those of the CPU. That is
not taken on trust: the first picture of a file is decoded by both and compared before NVDEC gets the rest.
"""

from __future__ import annotations

from typing import Literal

import av
import numpy as np
from av.codec.context import CodecContext, ThreadType
from av.codec.hwaccel import HWAccel
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

Decoder = Literal["software", "auto", "nvdec"]
"""auto: NVDEC where there is one; nvdec: the same, and it is said of each file where there is none."""

_ALPHA_DECODERS: dict[str, Literal["libvpx", "libvpx-vp9"]] = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
_SLICED = frozenset({"prores", "ffv1", "dnxhd"})
"""Intra codecs whose slices decode side by side: twice as fast as frame threads for ProRes 4444."""

_CODECS = frozenset({"h264", "hevc"})
_FORMATS = frozenset({"yuv420p", "yuv420p10le"})
"""What NVDEC gives back as nv12 and p010, whose codes are the same in another order."""


def decoder(stream: VideoStream, max_pixels: int) -> VideoCodecContext:
    """Of the CPU. max_pixels: a picture that is larger is refused before memory is taken for it: a stream may
    change its raster at any frame, whatever its container declares.
    """
    context = stream.codec_context
    codec = context.codec.canonical_name
    if has_alpha_beside(stream):
        made = CodecContext.create(_ALPHA_DECODERS[codec], "r")
        made.extradata = context.extradata
        made.options = {"max_pixels": str(max_pixels)}
        return made
    context.options = {**context.options, "max_pixels": str(max_pixels)}
    context.thread_type = ThreadType.SLICE if codec in _SLICED else ThreadType.AUTO
    return context


def has_alpha_beside(stream: VideoStream) -> bool:
    """Whether its alpha lies in side data, so that libvpx decodes it."""
    codec = stream.codec_context.codec.canonical_name
    return codec in _ALPHA_DECODERS and lookup(stream.metadata, "alpha_mode") == "1"


def lookup(metadata: dict[str, str], key: str) -> str | None:
    """The value of a key whose case is left to the container."""
    return next((value for name, value in metadata.items() if name.lower() == key), None)


def nvdec() -> HWAccel:
    """What `open_container` is given for NVDEC. The first GPU that CUDA shows; nothing falls back unsaid."""
    return HWAccel("cuda", allow_software_fallback=False)


def accelerated(stream: VideoStream) -> VideoCodecContext:
    """Of the accelerator that the stream's file was opened with."""
    return stream.codec_context


def missing() -> str | None:
    """Why this machine has no NVDEC, as the end of a sentence that begins with it; else None."""
    try:
        nvdec().create(av.codec.Codec("h264", "r"))
    except av.error.FFmpegError as error:
        return f"is not here ({error.strerror})"
    except NotImplementedError:
        return "is not here (this build of FFmpeg is without it)"
    return None


def unsuited(codec: str, pixel_format: str) -> str | None:
    """Why NVDEC is not asked for such a stream, as the end of a sentence that begins with it; else None."""
    if codec not in _CODECS:
        return f"is not used for {codec}"
    if pixel_format not in _FORMATS:
        return f"is not used for pixel format {pixel_format}"
    return None


def same(one: av.VideoFrame, other: av.VideoFrame) -> bool:
    """Whether two pictures of one planar pixel format have the same codes everywhere."""
    if (one.format.name, one.width, one.height) != (other.format.name, other.width, other.height):
        return False
    kind = "u1" if one.format.components[0].bits <= 8 else "<u2"
    for mine, theirs in zip(one.planes, other.planes, strict=True):
        pictures = [
            np.frombuffer(memoryview(plane), kind).reshape(-1, plane.line_size // int(kind[-1]))
            for plane in (mine, theirs)
        ]
        rows, columns = mine.height, mine.width
        if not np.array_equal(pictures[0][:rows, :columns], pictures[1][:rows, :columns]):
            return False
    return True
