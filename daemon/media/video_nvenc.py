"""H.264 and HEVC by an NVIDIA GPU's encoder, each with a format of the CPU that stands in for it.

A GPU's pictures are not those of the CPU's encoder, nor always those of another GPU or driver. So none of
this is chosen by itself: it is asked for by name, and what stands in is said.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, ClassVar

import av
import numpy as np

from daemon.media.base import ClipInfo, Pixels, VideoTags
from daemon.media.video_codecs import MovieCodec, Planes, absent
from daemon.media.video_inter import H264, Hevc

_UNUSED = 6
"""Bits below the ten of a code in p010."""


class H264Nvenc(H264):
    """H.264 in MOV by NVENC: 8 bits."""

    encoder = "h264_nvenc"
    stand_in = "h264"
    threads = 0

    def options(self, like: ClipInfo) -> dict[str, str]:
        return {"preset": "p6", "tune": "hq", "rc": "constqp", "qp": "12", "rc-lookahead": "0"}


class HevcNvenc(Hevc):
    """HEVC in MOV by NVENC: 10 bits, handed over as p010."""

    encoder = "hevc_nvenc"
    stand_in = "hevc"
    pixel_formats: ClassVar[Mapping[int, str]] = {1: "p010le", 3: "p010le"}
    threads = 0

    def options(self, like: ClipInfo) -> dict[str, str]:
        told = {"preset": "p6", "tune": "hq", "rc": "constqp", "qp": "12", "rc-lookahead": "0"}
        return told | {"profile": "main10"}

    def planes(self, pixels: Pixels, tags: VideoTags) -> Planes:
        luma, blue, red = super().planes(pixels, tags)
        pairs: Any = np.stack([blue, red], -1).reshape(blue.shape[0], -1)
        return luma << _UNUSED, pairs << _UNUSED


NVENC: Mapping[str, MovieCodec] = {"h264_nvenc": H264Nvenc(), "hevc_nvenc": HevcNvenc()}


def idle(format: str, like: ClipInfo) -> str | None:
    """Why NVENC cannot encode such a clip here, as the end of a sentence that begins with the format; else
    None. A grey picture is encoded to know: driver, device and raster all have a say.
    """
    codec = NVENC[format]
    if reason := absent(codec.encoder):
        return reason
    grey = np.full((like.height, like.width, 3), 0.5, np.float32)
    try:
        with av.open(io.BytesIO(), "w", format="nut") as trial:
            stream = codec.add_stream(trial, like, 3)
            picture = codec.frame(grey, codec.tags(like, 3))
            picture.pts, picture.time_base = 0, stream.codec_context.time_base
            trial.mux(stream.encode(picture))
            trial.mux(stream.encode(None))
    except av.error.FFmpegError as error:
        return f"finds no NVIDIA encoder that takes {like.width} x {like.height} pixels ({error.strerror})"
    return None
