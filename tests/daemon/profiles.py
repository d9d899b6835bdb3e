"""ICC profiles of the tests' own making, by the letter of ICC.1:2022."""

from __future__ import annotations

import struct
from collections.abc import Mapping

import numpy as np

from daemon.colour.primaries import D50, Chromaticities, adapted

Tag = bytes

D65 = (0.3127, 0.3290)
SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def para(form: int, *numbers: float) -> Tag:
    return b"para\0\0\0\0" + struct.pack(f">HH{len(numbers)}i", form, 0, *(round(n * 65536) for n in numbers))


def curv(*entries: int) -> Tag:
    return b"curv\0\0\0\0" + struct.pack(f">I{len(entries)}H", len(entries), *entries)


def table(values: np.ndarray) -> Tag:
    """Of values in 0..1."""
    return curv(*np.rint(values * 65535).astype(int).tolist())


def built(tags: Mapping[str, Tag], space: bytes = b"RGB ", connection: bytes = b"XYZ ") -> bytes:
    tags = {"desc": _text("of our own"), "cprt": _text("none"), **tags}
    start = 132 + 12 * len(tags)
    index, body = b"", b""
    for name, tag in tags.items():
        index += struct.pack(">4sII", name.encode(), start + len(body), len(tag))
        body += tag + b"\0" * (-len(tag) % 4)
    head = bytearray(128)
    head[:4] = struct.pack(">I", start + len(body))
    head[8:12] = b"\x04\x20\0\0"
    head[12:24] = b"mntr" + space + connection
    head[24:36] = struct.pack(">6H", 2026, 1, 1, 0, 0, 0)
    head[36:40] = b"acsp"
    head[68:80] = struct.pack(">3i", 0xF6D6, 0x10000, 0xD32D)
    return bytes(head) + struct.pack(">I", len(tags)) + index + body


def rgb(primaries: Chromaticities, *curves: Tag) -> bytes:
    """Of one curve, or of three."""
    corners = np.array(adapted(primaries, D50)[:6]).reshape(3, 2)
    columns = np.hstack([corners, 1 - corners.sum(1, keepdims=True)]).T
    white = np.array([0xF6D6, 0x10000, 0xD32D]) / 65536
    colours = (columns * np.linalg.solve(columns, white)).T
    red, green, blue = curves if len(curves) == 3 else curves * 3
    return built(
        {
            "wtpt": _xyz(white),
            **{name: _xyz(colour) for name, colour in zip(("rXYZ", "gXYZ", "bXYZ"), colours, strict=True)},
            "rTRC": red,
            "gTRC": green,
            "bTRC": blue,
        }
    )


def grey(curve: Tag) -> bytes:
    return built({"wtpt": _xyz(np.array([0xF6D6, 0x10000, 0xD32D]) / 65536), "kTRC": curve}, b"GRAY")


def _xyz(colour: np.ndarray) -> Tag:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *np.rint(colour * 65536).astype(int).tolist())


def _text(text: str) -> Tag:
    coded = text.encode("utf-16-be")
    return b"mluc\0\0\0\0" + struct.pack(">II2s2sII", 1, 12, b"en", b"GB", len(coded), 28) + coded
