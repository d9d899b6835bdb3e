"""The pixel aspect of a Matroska or WebM file, written into its header once it is closed.

FFmpeg's muxer takes it from a field of the stream that PyAV does not reach. The header has room: the muxer
leaves a Void behind its seek head. What the display size needs is taken from there, so everything after the
track entries stays in its place (RFC 9559, sections 5.1.4 and 23.3; checksums by RFC 8794, section 11.3.1).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

_SEGMENT, _CLUSTER, _TRACKS, _SEEK_HEAD = 0x18538067, 0x1F43B675, 0x1654AE6B, 0x114D9B74
_VOID, _CRC, _ENTRY, _VIDEO, _SEEK, _POSITION = 0xEC, 0xBF, 0xAE, 0xE0, 0x4DBB, 0x53AC
_WIDTH, _HEIGHT, _UNIT = 0x54B0, 0x54BA, 0x54B2
_PIXELS, _RATIO = 0, 3  # values of the unit

_HEADER = 1 << 20
"""Bytes in which the tracks are described: codecs' private data are a few thousand at most."""

_VOID_HEAD = 9
"""Bytes of a Void's identifier and size, as the muxer writes them."""


class _Element(NamedTuple):
    id: int
    start: int
    body: int
    stop: int


def write_aspect(path: Path, width: int, height: int, aspect: Fraction) -> None:
    """Give every picture of the file at `path`, of that raster, the pixel aspect. Raises OSError."""
    with path.open("r+b") as file:
        head = bytearray(file.read(_HEADER))
        file.seek(0)
        file.write(_with_aspect(head, _display(width, height, aspect)))


def _display(width: int, height: int, aspect: Fraction) -> bytes:
    across = width * aspect
    if across.denominator == 1:
        unit, size = _PIXELS, (across.numerator, height)
    else:
        shape = across / height
        unit, size = _RATIO, (shape.numerator, shape.denominator)
    return b"".join(_number(key, n) for key, n in ((_WIDTH, size[0]), (_HEIGHT, size[1]), (_UNIT, unit)))


def _with_aspect(head: bytearray, display: bytes) -> bytes:
    segment = next(each for each in _elements(head, 0, len(head)) if each.id == _SEGMENT)
    parts = {each.id: each for each in _elements(head, segment.body, segment.stop)}
    void, old, seek = parts[_VOID], parts[_TRACKS], parts[_SEEK_HEAD]
    tracks = _rebuilt(head, old, lambda entry: _entry(head, entry, display))
    growth = len(tracks) - (old.stop - old.start)
    room = void.stop - void.start - growth - _VOID_HEAD
    assert room >= 0, "the muxer leaves more than the display size needs"

    def shifted(position: _Element) -> bytes:
        at = int.from_bytes(head[position.body : position.stop])
        if void.start < segment.body + at <= old.start:
            at -= growth
        return _element(_POSITION, at.to_bytes(position.stop - position.body))

    def pointer(each: _Element) -> bytes:
        return _rebuilt(head, each, shifted, _POSITION) if each.id == _SEEK else _raw(head, each)

    return b"".join(
        (
            head[: seek.start],
            _rebuilt(head, seek, pointer, _SEEK),
            head[seek.stop : void.start],
            _element(_VOID, bytes(room), 8),
            head[void.stop : old.start],
            tracks,
            head[old.stop :],
        )
    )


def _entry(head: bytearray, entry: _Element, display: bytes) -> bytes:
    def video(each: _Element) -> bytes:
        told = (_raw(head, part) for part in _elements(head, each.body, each.stop) if part.id not in ours)
        return _element(_VIDEO, b"".join(told) + display)

    ours = (_WIDTH, _HEIGHT, _UNIT)
    return _rebuilt(head, entry, video, _VIDEO)


def _rebuilt(
    head: bytearray, parent: _Element, made: Callable[[_Element], bytes], kind: int = _ENTRY
) -> bytes:
    """An element with its children of one kind made anew, and its checksum, where it has one, right again."""
    children = list(_elements(head, parent.body, parent.stop))
    body = b"".join(made(e) if e.id == kind else _raw(head, e) for e in children if e.id != _CRC)
    if any(each.id == _CRC for each in children):
        body = _element(_CRC, zlib.crc32(body).to_bytes(4, "little")) + body
    size = parent.body - parent.start - _length(parent.id)
    return _element(parent.id, body, size)


def _elements(data: bytearray, start: int, stop: int) -> Iterator[_Element]:
    """The elements from `start` to `stop`, up to the first cluster of pictures."""
    while start < stop:
        size_at = start + 9 - data[start].bit_length()
        key = int.from_bytes(data[start:size_at])
        if key == _CLUSTER:
            return
        length = 9 - data[size_at].bit_length()
        size = int.from_bytes(data[size_at : size_at + length]) & ((1 << 7 * length) - 1)
        body = size_at + length
        yield _Element(key, start, body, min(body + size, stop))
        start = body + size


def _element(key: int, body: bytes, length: int = 1) -> bytes:
    """An element whose size is written in `length` bytes, or more where that is too few."""
    while len(body) >= (1 << 7 * length) - 1:
        length += 1
    return key.to_bytes(_length(key)) + (len(body) | 1 << 7 * length).to_bytes(length) + body


def _number(key: int, value: int) -> bytes:
    return _element(key, value.to_bytes(max(1, (value.bit_length() + 7) // 8)))


def _length(key: int) -> int:
    return (key.bit_length() + 7) // 8


def _raw(head: bytearray, each: _Element) -> bytes:
    return bytes(head[each.start : each.stop])
