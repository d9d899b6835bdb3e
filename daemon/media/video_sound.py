"""The plate's sound beside the pictures made of it: the packets as they are, at the times that they had.

Nothing is decoded. A container that does not take the plate's audio leaves it out, which is said before the
clip is begun: whether it takes it is asked of the muxer itself, with a header that is thrown away.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.codec.context import CodecContext
from av.container import InputContainer, OutputContainer
from av.stream import Discard

from daemon.media import milliseconds
from daemon.media.base import MediaError
from daemon.media.video_index import open_container

Timed = tuple[Fraction, "av.Packet[Any]"]
"""A packet and when it is decoded, in seconds: what a muxer wants in order."""

_QUICKTIME = {
    "deu": "ger",
    "nld": "dut",
    "swe": "sve",
    "isl": "ice",
    "ell": "gre",
    "hrv": "hr ",
    "srp": "sr ",
    "cze": "ces",
    "slo": "slk",
    "rum": "ron",
    "fre": "fra",
    "zho": "chi",
}
"""Languages that MOV numbers under another name than MP4 and Matroska give them; without it they are lost."""


def left_out(source: Path, container: str) -> list[str]:
    """The codecs of the audio of `source` that a container format does not take, each once, in order."""
    with open_container(source) as plate:
        return list(
            dict.fromkeys(_codec(stream) for stream in plate.streams.audio if not _takes(container, stream))
        )


class Sound:
    """The audio streams of `plate`, added to `out`, whose header is not yet written."""

    def __init__(self, source: Path, plate: InputContainer, out: OutputContainer) -> None:
        self._source, self._plate = source, plate
        self._pairs = {}
        self._hides = out.format.name not in milliseconds.CONTAINERS
        for stream in plate.streams:
            if stream.type != "audio":
                stream.discard = Discard.all  # so that MOV and MP4 do not even read the pictures
        for stream in plate.streams.audio:
            if _takes(out.format.name, stream):
                added = out.add_stream_from_template(stream)
                told = {k: v for k, v in stream.metadata.items() if k in ("language", "title")}
                if out.format.name == "mov" and "language" in told:
                    told["language"] = _QUICKTIME.get(told["language"], told["language"])
                added.metadata.update(told)
                added.disposition = stream.disposition
                self._pairs[stream.index] = added

    def packets(self, since: Fraction | None = None, until: Fraction | None = None) -> Iterator[Timed]:
        """The packets that sound, and what their decoder needs before them, in the order of the file; only
        those that sound between `since` and `until`, seconds, where they are given. A packet is not cut, so
        the sound may reach over either by less than one.

        Raises MediaError where it cannot be read any more.
        """
        if not self._pairs:
            return
        try:
            before: dict[int, int] = {}
            for packet in self._heard(self._plate.demux(self._plate.streams.audio)):
                stamp = packet.dts if packet.dts is not None else packet.pts
                added = self._pairs.get(packet.stream_index)
                if added is None or stamp is None or not packet.size:
                    continue
                if not packet.duration:
                    # A Matroska need not say it; without one, MOV would leave the last packet out.
                    packet.duration = stamp - before.get(packet.stream_index, stamp)
                before[packet.stream_index] = stamp
                begun = stamp * packet.time_base
                ends = begun + (packet.duration or 0) * packet.time_base
                if since is not None and begun < since and ends <= since:
                    continue
                if until is not None and begun >= until:
                    continue
                packet.stream = added
                yield begun, packet
        except av.error.FFmpegError as error:
            raise MediaError(
                f"{self._source.name}: its sound is damaged ({error.strerror}); copy it again."
            ) from None

    def _heard(self, packets: Iterable[av.Packet[Any]]) -> Iterator[av.Packet[Any]]:
        """Without what a MOV or MP4 that was cut without coding it anew holds beyond its ends, but for the
        packet before the first that sounds; MOV hides all that is before it.
        """
        last: dict[int, av.Packet[Any]] = {}
        begun = set[int]()
        for packet in packets:
            index = packet.stream_index
            if not packet.is_discard:
                begun.add(index)
                if index in last:
                    yield last.pop(index)
                yield packet
            elif index not in begun and self._hides:
                yield packet
            elif index not in begun:
                last[index] = packet


def _takes(container: str, stream: AudioStream) -> bool:
    if _context(stream) is None:
        return False
    name = container.split(",")[0]
    trial = av.open(io.BytesIO(), "w", format=name)
    try:
        trial.add_stream_from_template(stream)
        trial.start_encoding()
    except (ValueError, av.error.FFmpegError):
        return False
    finally:
        with suppress(av.error.FFmpegError):  # nothing of it is kept
            trial.close()
    return True


def _codec(stream: AudioStream) -> str:
    context = _context(stream)
    return context.codec.canonical_name if context else "unknown"


def _context(stream: AudioStream) -> CodecContext | None:
    """None for a codec that this FFmpeg does not know, whatever the library's types say."""
    return stream.codec_context
