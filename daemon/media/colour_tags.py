"""What a picture's header says of its colours, as OpenImageIO shows it."""

from __future__ import annotations

import OpenImageIO as oiio

from daemon.media.base import ColourTags

_NAMES = ("colorInteropID", "oiio:ColorSpace", "colorSpace")
_SAYS_NOTHING = frozenset({"", "unknown", "data", "linear", "scene_linear"})
"""`linear` leaves open of which primaries, which is all that there is to be known of a float file."""


def colour_tags(spec: oiio.ImageSpec) -> ColourTags:
    """Read from a header. For integer files OpenImageIO may have put in what their format implies."""
    names = (spec.get_string_attribute(name).strip() for name in _NAMES)
    space = next((name for name in names if name.lower() not in _SAYS_NOTHING), None)
    corners = spec.getattribute("chromaticities")
    return ColourTags(
        space=space,
        chromaticities=tuple(float(n) for n in corners) if isinstance(corners, tuple) else None,
        aces=spec.get_int_attribute("acesImageContainerFlag", 0) == 1,
    )
