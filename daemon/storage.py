"""How an output's numbers lie in its file: bits, compression, names of channels, and what its header adds.

It stands outside `daemon.media` so that a config is checked without a media library being loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

BITS: Mapping[str, tuple[int, ...]] = {
    "png": (16, 8),
    "exr": (16, 32),
    "tiff": (16, 8, 32),
    "dpx": (10, 12, 16),
    "jpeg": (8,),
}
"""Bits to a sample that a picture format has; the first is the default (of a float plate's TIFF it is 32)."""

COMPRESSIONS: Mapping[str, tuple[str, ...]] = {
    "exr": ("zip", "zips", "piz", "dwaa", "dwab", "none"),
    "tiff": ("zip", "lzw", "none"),
}
"""Compressions that a picture format lets choose among; the first is the default."""

NO_ALPHA: Mapping[str, str] = {"dpx": "a DPX", "jpeg": "a JPEG"}
"""Formats that hold no alpha, or none that programs agree on, as a sentence calls them.

OpenImageIO 3.2 spoils the last sample of a row of 10-bit RGBA in a DPX, and FFmpeg 5.1 reads no 10-bit grey.
"""


@dataclass(frozen=True)
class Storage:
    """bits, compression: None is the format's default. names: of channels, where they are not those of a
    matte, RGB or RGBA. parts: of an EXR, which the names are shared out among. straight: RGBA is not
    premultiplied. stamp: text that an EXR's header adds. profile: the ICC profile that RGB in a PNG, TIFF or
    JPEG is stored with. codes: primaries and transfer, as ITU-T H.273 numbers them, that RGB in a PNG without
    a profile says; None: it is sRGB, or has none.
    """

    bits: int | None = None
    compression: str | None = None
    names: tuple[str, ...] | None = None
    parts: Mapping[str, tuple[str, ...]] | None = None
    straight: bool = True
    stamp: Mapping[str, str] = field(default_factory=dict)
    profile: bytes | None = field(default=None, repr=False)
    codes: tuple[int, int] | None = None


def bits_fault(format: str, bits: int) -> str | None:
    """What to do instead where `format` has no such depth, as the end of a sentence; None: it has.

    auto: whether any format has it, for what it will be is known at the clip.
    """
    if format == "auto":
        known = sorted({b for some in BITS.values() for b in some})
        return None if bits in known else f"give {_listed([str(b) for b in known])}"
    if format not in BITS:
        return f"{format} has one depth, so leave it away"
    return None if bits in BITS[format] else f"give {_listed([str(b) for b in BITS[format]])} for {format}"


def compression_fault(format: str, compression: str) -> str | None:
    """The same for its compression."""
    if format == "auto":
        known = list(dict.fromkeys(name for some in COMPRESSIONS.values() for name in some))
        return None if compression in known else f"give {_listed(known)}"
    if format not in COMPRESSIONS:
        return f"{format} has one compression, so leave it away"
    return (
        None if compression in COMPRESSIONS[format] else f"give {_listed(COMPRESSIONS[format])} for {format}"
    )


def _listed(names: list[str] | tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
