"""Damage to bytes, drawn by a seeded generator, so that a finding repeats."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from random import Random

_EDGES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 65_500, 100_000)
_TEXTS = (
    b"{" * 200, b"[" * 2000, b"- " * 500, b"&a *a", b"!!python/object/apply:os.system ['true']", b"\x00",
    b"\xff\xfe", b"null", b"1e999", b".nan", b"-1", b"99999999999999999999", b"''", b"../../../etc/passwd",
    b"\t", b"\xe2\x80\xae", b"true", b"NaN", b"2026-13-45", b"0x7fffffffffffffff", b"? [a]", b"|", b"%",
    b"\n---\n",
)  # fmt: skip

Step = Callable[[bytearray, Random], None]


def _place(data: bytearray, rng: Random) -> int:
    """Half of all damage is done to the first bytes, where headers are."""
    return rng.randrange(min(len(data), rng.choice((32, 512, len(data)))) or 1)


def _flip(data: bytearray, rng: Random) -> None:
    for _ in range(rng.choice((1, 1, 4, 32))):
        data[_place(data, rng)] ^= 1 << rng.randrange(8)


def _noise(data: bytearray, rng: Random) -> None:
    at = _place(data, rng)
    for n in range(at, min(len(data), at + rng.choice((1, 4, 16, 256)))):
        data[n] = rng.randrange(256)


def _edge(data: bytearray, rng: Random) -> None:
    """A number that counts, sizes and offsets do not expect."""
    form = rng.choice((">H", "<H", ">I", "<I", ">Q", "<Q"))
    value = rng.choice(_EDGES) & (256 ** struct.calcsize(form) - 1)
    at = _place(data, rng)
    data[at : at + struct.calcsize(form)] = struct.pack(form, value)


def _cut(data: bytearray, rng: Random) -> None:
    del data[rng.randrange(len(data)) :]


def _delete(data: bytearray, rng: Random) -> None:
    at = _place(data, rng)
    del data[at : at + rng.choice((1, 4, 100, 1000))]


def _repeat(data: bytearray, rng: Random) -> None:
    at = _place(data, rng)
    data[at:at] = data[at : at + rng.choice((1, 16, 1000))] * rng.choice((1, 3, 50))


def _zeros(data: bytearray, rng: Random) -> None:
    at = _place(data, rng)
    data[at : at + rng.choice((8, 200))] = bytes(rng.choice((8, 200)))


def _swap(data: bytearray, rng: Random) -> None:
    one, other, size = _place(data, rng), _place(data, rng), rng.choice((4, 64))
    data[one : one + size], data[other : other + size] = data[other : other + size], data[one : one + size]


def _text(data: bytearray, rng: Random) -> None:
    at = _place(data, rng)
    data[at : at + rng.choice((0, 0, 5, 30))] = rng.choice(_TEXTS)


def _line(data: bytearray, rng: Random) -> None:
    """A line of text doubled, lost, or moved in or out."""
    lines = bytes(data).split(b"\n")
    at = rng.randrange(len(lines))
    lines[at : at + 1] = rng.choice(([lines[at]] * 2, [], [b"  " + lines[at]], [lines[at].lstrip()]))
    data[:] = b"\n".join(lines)


def _value(data: bytearray, rng: Random) -> None:
    """What stands behind a colon is something else."""
    lines = bytes(data).split(b"\n")
    at = rng.randrange(len(lines))
    key, colon, _ = lines[at].partition(b":")
    lines[at] = key + colon + b" " + rng.choice(_TEXTS)
    data[:] = b"\n".join(lines)


def _dimensions(data: bytearray, rng: Random) -> None:
    """A PNG's header, with a checksum that fits it, so that a reader believes it."""
    if data[:4] != b"\x89PNG":
        _edge(data, rng)
        return
    header = bytearray(data[12:29])
    at = rng.choice((4, 8))
    header[at : at + 4] = struct.pack(">I", rng.choice((0, 1, 65, 4096, 40_000, 1_000_000, 0x7FFFFFFF)))
    if rng.random() < 0.3:
        header[rng.randrange(12, 17)] = rng.choice((0, 1, 2, 3, 4, 6, 16, 255))
    data[12:33] = header + struct.pack(">I", zlib.crc32(header))


_BYTES: tuple[Step, ...] = (
    _flip, _noise, _edge, _edge, _cut, _delete, _repeat, _zeros, _swap, _dimensions,
)  # fmt: skip
_LINES: tuple[Step, ...] = (_flip, _noise, _cut, _delete, _text, _text, _line, _value, _value)


def mutated(data: bytes, rng: Random, *, text: bool) -> bytes:
    """Another, mostly broken file. text: as of a file that a person writes."""
    made = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        if not made:
            break
        rng.choice(_LINES if text else _BYTES)(made, rng)
    return bytes(made)
