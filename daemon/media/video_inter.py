"""Codecs whose frames lean on the ones before, for review and the web: 4:2:0, flat colour right to a code.

Every chunk begins with a key frame and knows nothing of the one before, so chunks join. Where they meet shows
in the bytes, though: a resumed clip comes out the same because a run begins where a chunk does, as long as
`jobs.chunk_frames` is what it was. The number of threads is fixed, for it changes what x264 and x265 choose.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from daemon.media.base import ClipInfo
from daemon.media.video_codecs import YCbCrCodec

_AHEAD = 6
"""Frames that an encoder holds to look ahead: the defaults, of 20 to 40, are gigabytes at 4K."""


class H264(YCbCrCodec):
    """H.264 in MOV: 8 bits, plays everywhere."""

    encoder = "libx264"
    suffix = ".mov"
    container = "mov"
    chunks = "nut"  # keeps packets as the encoder gave them, where MOV would rewrite them twice
    pixel_formats: ClassVar[Mapping[int, str]] = {1: "yuv420p", 3: "yuv420p"}
    bits, across, down = 8, 2, 2
    even = (True, True)
    gop = 250
    threads = 4

    def options(self, like: ClipInfo) -> dict[str, str]:
        return {"crf": "10", "preset": "medium", "rc-lookahead": str(_AHEAD)}


class Hevc(YCbCrCodec):
    """HEVC in MOV: 10 bits, so that PQ and HLG survive."""

    encoder = "libx265"
    suffix = ".mov"
    container = "mov"
    chunks = "nut"
    pixel_formats: ClassVar[Mapping[int, str]] = {1: "yuv420p10le", 3: "yuv420p10le"}
    across, down = 2, 2
    even = (True, True)
    least = (16, 16)
    gop = 250
    threads = 4
    tag = "hvc1"  # QuickTime plays no other

    def options(self, like: ClipInfo) -> dict[str, str]:
        fixed = f"log-level=none:info=0:open-gop=0:bframes=0:frame-threads=2:pools=4:rc-lookahead={_AHEAD}"
        return {"crf": "8", "preset": "medium", "x265-params": fixed}


class Vp9(YCbCrCodec):
    """VP9 with alpha in WebM, for browsers: 8 bits, alpha lossy like the rest."""

    encoder = "libvpx-vp9"
    suffix = ".webm"
    container = "webm"
    pixel_formats: ClassVar[Mapping[int, str]] = {1: "yuv420p", 3: "yuv420p", 4: "yuva420p"}
    bits, across, down = 8, 2, 2
    even = (True, True)
    gop = 250
    threads = 4

    def options(self, like: ClipInfo) -> dict[str, str]:
        quality = {"crf": "8", "b": "0", "deadline": "good", "cpu-used": "3"}
        # Alpha cannot go with hidden frames.
        return quality | {"auto-alt-ref": "0", "row-mt": "0", "lag-in-frames": str(_AHEAD)}
