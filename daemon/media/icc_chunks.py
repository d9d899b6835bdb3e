"""What a PNG and a JPEG say of their colours, in their bytes, for OpenCV writes neither: ICC profiles, and a
PNG's code points.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

_PNG_START = b"\x89PNG\r\n\x1a\n"
_AFTER_IHDR = 33
_SEGMENT = 65519

LARGEST = 255 * _SEGMENT
"""Bytes of a profile that a JPEG, which holds the least, can carry on: in so many segments."""


def png_with(data: bytes, profile: bytes) -> bytes:
    """The PNG with a profile of its RGB, right after the header, where it must stand."""
    return _with_chunk(data, b"iCCP", b"ICC profile\0\0" + zlib.compress(profile, 9))


def png_coded(data: bytes, primaries: int, transfer: int) -> bytes:
    """The PNG with the code points of its RGB, as ITU-T H.273 has them (PNG, third edition, 11.3.2.6)."""
    return _with_chunk(data, b"cICP", bytes([primaries, transfer, 0, 1]))


def _with_chunk(data: bytes, name: bytes, content: bytes) -> bytes:
    body = name + content
    chunk = struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))
    return data[:_AFTER_IHDR] + chunk + data[_AFTER_IHDR:]


def jpeg_with(data: bytes, profile: bytes) -> bytes:
    """The JPEG with a profile of its RGB, after its first segment, which JFIF wants to be its own."""
    at = 2
    if data[2:4] == b"\xff\xe0":
        at += 2 + int.from_bytes(data[4:6])
    parts = [profile[i : i + _SEGMENT] for i in range(0, len(profile), _SEGMENT)]
    segments = b""
    for index, part in enumerate(parts, 1):
        body = b"ICC_PROFILE\0" + bytes([index, len(parts)]) + part
        segments += b"\xff\xe2" + struct.pack(">H", len(body) + 2) + body
    return data[:at] + segments + data[at:]


def png_has_profile(path: Path) -> bool:
    """Whether a PNG has a chunk for a profile, whatever is in it."""
    try:
        with path.open("rb") as file:
            if file.read(8) != _PNG_START:
                return False
            while len(head := file.read(8)) == 8 and head[4:] not in (b"PLTE", b"IDAT", b"IEND"):
                if head[4:] == b"iCCP":
                    return True
                file.seek(int.from_bytes(head[:4]) + 4, 1)
    except OSError:
        return False  # gone since it was opened; reading its pixels says so
    return False
