"""ICC profiles of pictures: those made of primaries and curves, as spaces of ours, in float.

LittleCMS, as Python has it, gives RGB 8 bits to a sample, and no inverse for numbers beyond 0 to 1; the part
of a profile that is needed here is a table of tags (ICC.1:2022, 7) with three colours and three curves.
Profiles of look-up tables describe printers and single devices, and are told as not read.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from daemon.colour.curves import IDENTITY, SRGB
from daemon.colour.icc_curves import CurveError, Formula, IccCurve, Table, transfer
from daemon.colour.primaries import (
    D50,
    NAMES,
    P3_D65,
    REC709,
    REC2020,
    Chromaticities,
    adapted,
    sound,
)
from daemon.colour.space import DISPLAY, ColourSpace, Own
from daemon.colour.tags import linear
from daemon.media.icc_chunks import LARGEST

_HEADER, _ENTRY = 128, 12
_MOST_TAGS = 200
_TABLES = ("A2B", "D2B")
_NEAR = 1e-3
"""Chromaticities under D50 that differ by less are the same."""

_WHITE_NEAR = 0.01
"""How far, of 1, a profile's red, green and blue together may be from D50, which they are to make."""

_D50_XYZ = np.array([0.9642, 1.0, 0.8249])
_PRIMARIES_OF_709 = (
    *(("rXYZ", (0x6FA2, 0x38F5, 0x0390)), ("gXYZ", (0x6299, 0xB785, 0x18DA))),
    ("bXYZ", (0x24A0, 0x0F84, 0xB6CF)),
)
"""Under D50, in 65536ths, as IEC 61966-2-1's profile has them."""


class IccError(ValueError):
    """Why a profile is not read, as the end of a sentence. is_sound: other programs may read it."""

    def __init__(self, reason: str, *, is_sound: bool = False) -> None:
        super().__init__(reason)
        self.is_sound = is_sound


@dataclass(frozen=True)
class Profile:
    """space: of its numbers. name: its own. rgb: the profile that RGB made of it is stored with."""

    space: ColourSpace
    name: str
    rgb: bytes


@lru_cache(maxsize=16)
def read(data: bytes, *, grey: bool) -> Profile:
    """The profile of a picture that is ``grey``, or else RGB. Raises IccError."""
    try:
        return _read(data, grey)
    except (struct.error, IndexError, CurveError) as error:
        reason = str(error) if isinstance(error, CurveError) else "is cut short"
        raise IccError(f"is broken: it {reason}") from None


def _read(data: bytes, grey: bool) -> Profile:
    if len(data) > LARGEST:
        raise IccError("is broken: it is larger than profiles are")
    if len(data) < _HEADER + 4 or data[36:40] != b"acsp" or _number(data, 0) > len(data):
        raise IccError("is broken: it is cut short, or none")
    tags = _tags(data)
    kind, connection = data[16:20], data[20:24]
    wanted = b"GRAY" if grey else b"RGB "
    if kind != wanted:
        named = _plain(kind) or "colours without a name"
        raise IccError(f"is for {named}, which the picture is not")
    curves = ("kTRC",) if grey else ("rTRC", "gTRC", "bTRC")
    needed = curves if grey else (*curves, "rXYZ", "gXYZ", "bXYZ")
    lacks = any(tag not in tags for tag in needed)
    if (lacks or connection != b"XYZ ") and any(tag.startswith(_TABLES) for tag in tags):
        raise IccError("is of look-up tables, which dimd does not read", is_sound=True)
    if lacks:
        raise IccError("is broken: it lacks its colours or curves")
    if connection not in (b"XYZ ", b"Lab "):
        raise IccError("is broken: it stands on no colours that are known")
    if connection == b"Lab ":
        raise IccError("stands on Lab, which dimd does not read", is_sound=True)
    made = [_curve(tags[tag]) for tag in curves]
    red, green, blue = made * 3 if grey else made
    curve = transfer((red, green, blue))
    primaries = REC709 if grey else _primaries(tags)
    space: ColourSpace
    if curve is IDENTITY:
        space = linear(primaries)
    elif curve is SRGB and primaries == REC709:
        space = DISPLAY
    else:
        codes = {P3_D65: (12, 13), REC2020: (9, 13)}
        known = codes.get(primaries, (2, 2)) if curve is SRGB else (2, 2)
        space = Own(curve, primaries, rolled=False, tags=known)
    return Profile(space, _name(tags.get("desc", b"")), _as_rgb(data, tags) if grey else data)


def _number(data: bytes, at: int) -> int:
    return int(struct.unpack_from(">I", data, at)[0])


def _tags(data: bytes) -> dict[str, bytes]:
    count = _number(data, _HEADER)
    if count > _MOST_TAGS:
        raise IccError("is broken: it is cut short, or none")
    tags: dict[str, bytes] = {}
    for index in range(count):
        name, start, size = struct.unpack_from(">4sII", data, _HEADER + 4 + index * _ENTRY)
        if start < _HEADER or start + size > len(data):
            raise IccError("is broken: it is cut short")
        tags.setdefault(name.decode("latin-1"), data[start : start + size])
    return tags


def _curve(tag: bytes) -> IccCurve:
    if tag[:4] == b"curv":
        count = _number(tag, 8)
        if count == 0:
            return Formula(1.0)
        if count == 1:
            return Formula(struct.unpack_from(">H", tag, 12)[0] / 256)
        if count * 2 > len(tag) - 12:
            raise CurveError("is cut short")
        return Table(struct.unpack_from(f">{count}H", tag, 12))
    if tag[:4] != b"para":
        raise CurveError("has a curve of no known kind")
    (form,) = struct.unpack_from(">H", tag, 8)
    if form > 4:
        raise CurveError("has a curve of no known kind")
    numbers = [n / 65536 for n in struct.unpack_from(f">{(1, 3, 4, 5, 7)[form]}i", tag, 12)]
    if form in (0, 3, 4):
        return Formula(*numbers)
    gamma, a, b, offset = (*numbers, 0.0)[:4]
    if a <= 0:
        raise CurveError("has a curve that does not rise")
    return Formula(gamma, a, b, 0.0, -b / a, offset, offset)


def _primaries(tags: dict[str, bytes]) -> Chromaticities:
    """Of a profile's colours, which are under D50: those of a standard where they are its, else under D50."""
    columns = np.array([_xyz(tags[tag]) for tag in ("rXYZ", "gXYZ", "bXYZ")])
    sums = columns.sum(1)
    if np.abs(columns.sum(0) - _D50_XYZ).max() > _WHITE_NEAR or (sums <= 1e-6).any():
        raise IccError("is broken: its red, green and blue do not make white")
    corners = columns[:, :2] / sums[:, None]
    own: Chromaticities = (*map(float, corners.ravel()), *D50)  # type: ignore[assignment]
    if not sound(own):
        raise IccError("is broken: its red, green and blue span no colours")
    for standard in NAMES:
        there = adapted(standard, D50)
        if max(abs(a - b) for a, b in zip(there, own, strict=True)) < _NEAR:
            return standard
    return own


def _xyz(tag: bytes) -> tuple[float, float, float]:
    if tag[:4] != b"XYZ ":
        raise CurveError("names no red, green and blue")
    x, y, z = struct.unpack_from(">3i", tag, 8)
    return x / 65536, y / 65536, z / 65536


def _name(tag: bytes) -> str:
    """Its description, of version 2 or 4; "" where it has none that can be read."""
    if tag[:4] == b"desc" and len(tag) > 12:
        return _plain(tag[12 : 12 + _number(tag, 8)])
    if tag[:4] == b"mluc" and len(tag) >= 28 and _number(tag, 8):
        size, start = struct.unpack_from(">II", tag, 20)
        return _plain(tag[start : start + size].decode("utf-16-be", "replace").encode())
    return ""


def _plain(text: bytes) -> str:
    """What may stand in a sentence."""
    kept = "".join(c for c in text.decode("utf-8", "replace") if c.isprintable() and c != "\ufffd")
    return kept.strip()[:80]


def _as_rgb(data: bytes, tags: dict[str, bytes]) -> bytes:
    """The profile of RGB whose three channels are each as this one's grey."""
    copied = ("desc", "cprt", "wtpt", "chad")
    kept: list[tuple[str, bytes]] = [(name, tags[name]) for name in copied if name in tags]
    for name, numbers in _PRIMARIES_OF_709:
        kept.append((name, b"XYZ \0\0\0\0" + struct.pack(">3i", *numbers)))
    kept += [(name, tags["kTRC"]) for name in ("rTRC", "gTRC", "bTRC")]
    start = _HEADER + 4 + _ENTRY * len(kept)
    table, body, places = b"", b"", dict[bytes, int]()
    for name, tag in kept:
        if tag not in places:
            places[tag] = start + len(body)
            body += tag + b"\0" * (-len(tag) % 4)
        table += struct.pack(">4sII", name.encode(), places[tag], len(tag))
    header = bytearray(data[:_HEADER])
    header[:4] = struct.pack(">I", start + len(body))
    header[12:24] = b"mntrRGB XYZ "
    header[84:100] = bytes(16)  # a checksum of what it was
    return bytes(header) + struct.pack(">I", len(kept)) + table + body
