"""The video formats by name, and what can be asked of one before the first frame is made.

A new format is one class and one line in `CODECS`; those of a GPU stand beside in `NVENC`.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from daemon.media import milliseconds
from daemon.media.base import ClipInfo
from daemon.media.video_codecs import MovieCodec, absent
from daemon.media.video_inter import H264, Hevc, Vp9
from daemon.media.video_intra import DnxHr, Ffv1, Gray16, MovPng, ProRes422Hq, ProRes4444
from daemon.media.video_nvenc import NVENC, idle
from daemon.media.video_sound import left_out

CODECS: Mapping[str, MovieCodec] = {
    "prores4444": ProRes4444(),
    "ffv1": Ffv1(),
    "gray16": Gray16(),
    "movpng": MovPng(),
    "prores422hq": ProRes422Hq(),
    "dnxhr": DnxHr(),
    "h264": H264(),
    "hevc": Hevc(),
    "vp9": Vp9(),
}
VIDEO_FORMATS: Mapping[str, MovieCodec] = {**CODECS, **NVENC}
"""All of them."""

_HD = ClipInfo("video", 1920, 1080, 3, (0,), (), "display", 8, False, Fraction(25), Fraction(1, 25), (0,))


def lacking(format: str) -> str | None:
    """Why this machine cannot write a format, as the end of a sentence that begins with it; else None.

    For a format of a GPU another stands in: see `substitute`.
    """
    codec = CODECS.get(format)
    return absent(codec.encoder) if codec else None


def unfit(format: str, channels: int, like: ClipInfo | None = None) -> str | None:
    """Why a format cannot hold an output of `channels` channels, of the clip `like` where it is known.

    The end of a sentence that begins with the format; None where it can, or is no video format.
    """
    codec = VIDEO_FORMATS.get(format)
    if codec is None:
        return None
    reason = codec.refusal(*((like.width, like.height) if like else (1 << 12, 1 << 12)), channels)
    if reason is None and like and _is_crowded(codec, like):
        reason = f"tells time by the millisecond in {codec.suffix}, and the clip's frames follow faster"
    return reason or lacking(format)


def _is_crowded(codec: MovieCodec, like: ClipInfo) -> bool:
    return codec.container in milliseconds.CONTAINERS and milliseconds.is_crowded(like)


def instead(channels: int, like: ClipInfo | None = None) -> str:
    """The video formats that hold so many channels whatever the raster, at the times of the clip `like`, or
    `exr`, for a sentence's mend.
    """
    small = [
        name
        for name, codec in CODECS.items()
        if codec.refusal(1, 1, channels) is None and not (like and _is_crowded(codec, like))
    ]
    fit = [name for name in small if lacking(name) is None] or small
    return f"{', '.join(fit[:-1])} or {fit[-1]}" if fit else "exr"


def substitute(format: str, like: ClipInfo | None = None) -> tuple[str, str] | None:
    """The format that stands in for one of a GPU that cannot encode the clip `like` (None: an HD one) here,
    and why, as the end of a sentence that begins with the format asked for; else None.
    """
    codec = NVENC.get(format)
    if codec is None or codec.stand_in is None:
        return None
    reason = idle(format, like or _HD)
    return (codec.stand_in, reason) if reason else None


def silence(format: str, like: ClipInfo) -> str | None:
    """What of the plate's sound the format leaves out, as the end of a sentence that begins with it."""
    codec = VIDEO_FORMATS.get(format)
    if codec is None or like.sound is None:
        return None
    names = left_out(like.sound, codec.container)
    return f"cannot hold the plate's {' and '.join(names)} audio, which is left out" if names else None
