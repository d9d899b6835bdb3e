"""What a picture's header says of its colours, as OpenImageIO shows it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import OpenImageIO as oiio

from daemon.media.base import ColourTags
from daemon.media.icc_chunks import png_has_profile

_NAMES = ("colorInteropID", "oiio:ColorSpace", "colorSpace")
_DENSITY = "Printing density"
"""A film scan's, of which OpenImageIO makes no name: all other transfers of a DPX it names, or are a
display's.
"""

_FFMPEG = "Lavc"
"""Begins the name of the writer that calls each DPX linear, whatever its numbers are."""

_SAYS_NOTHING = frozenset({"", "unknown", "data", "linear", "scene_linear"})
"""`linear` leaves open of which primaries, which is all that there is to be known of a float file."""

_PROFILED = frozenset({"png", "jpeg", "tiff"})


def colour_tags(spec: oiio.ImageSpec, path: Path, format: str, *, grey: bool) -> ColourTags:
    """Read from a header. For integer files OpenImageIO may have put in what their format implies."""
    names = (spec.get_string_attribute(name).strip() for name in _NAMES)
    space = next((name for name in names if name.lower() not in _SAYS_NOTHING), None)
    if format == "dpx":
        space = _of_dpx(spec, space)
    codes = _codes(spec)
    corners = spec.getattribute("chromaticities")
    return ColourTags(
        space=space if codes is None else None,
        chromaticities=tuple(float(n) for n in corners) if isinstance(corners, tuple) else None,
        aces=spec.get_int_attribute("acesImageContainerFlag", 0) == 1,
        icc=_profile(spec, path, format),
        grey=grey,
        codes=codes,
    )


def _codes(spec: oiio.ImageSpec) -> tuple[int, int] | None:
    """OpenImageIO makes names of some of them, and calls all others sRGB."""
    told = spec.getattribute("CICP")
    return (int(told[0]), int(told[1])) if isinstance(told, tuple) and len(told) == 4 else None


def _of_dpx(spec: oiio.ImageSpec, space: str | None) -> str | None:
    transfer = spec.get_string_attribute("dpx:Transfer")
    if transfer == "Linear" and spec.get_string_attribute("Software").startswith(_FFMPEG):
        return None
    return _DENSITY if space is None and transfer == _DENSITY else space


def _profile(spec: oiio.ImageSpec, path: Path, format: str) -> bytes | None:
    """A PNG's cICP goes before its profile (PNG, third edition, 4.3)."""
    if format not in _PROFILED or spec.getattribute("CICP") is not None:
        return None
    stored = spec.getattribute("ICCProfile")
    if isinstance(stored, np.ndarray):
        return stored.astype(np.uint8).tobytes()
    # libpng passes a damaged one over without a word.
    return b"" if format == "png" and png_has_profile(path) else None
