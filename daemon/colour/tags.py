"""What a file says of its own colours, as a space of ours: a video's tags, a picture's header."""

from __future__ import annotations

from daemon.colour.curves import HLG, IDENTITY, PQ, SRGB, Transfer
from daemon.colour.primaries import (
    AP0,
    LINEAR_NAMES,
    P3_D65,
    P3_DCI,
    REC709,
    REC2020,
    Chromaticities,
    known,
    sound,
)
from daemon.colour.space import DISPLAY, LINEAR, ColourSpace, Own
from daemon.media.base import ColourTags, VideoTags

UNSPECIFIED = frozenset({0, 2, 3})
"""Code points of ITU-T H.273 that say nothing."""

_PQ, _HLG, _LINEAR = 16, 18, 8

_TRANSFERS: dict[int, tuple[Transfer, bool]] = {_PQ: (PQ, True), _HLG: (HLG, True), _LINEAR: (IDENTITY, True)}
"""By code: the curves, and whether the numbers may hold more than a display shows."""

_DISPLAYED = {1: "BT.709", 4: "gamma 2.2", 6: "BT.601", 11: "xvYCC", 13: "sRGB", 14: "BT.2020", 15: "BT.2020"}
"""Transfers of what is made for a display, which are all taken as sRGB's: cameras that say BT.709 mean "as a
monitor shows it", and a curve for a dark room would only move where light is mixed.
"""

_PRIMARIES: dict[int, Chromaticities] = {9: REC2020, 11: P3_DCI, 12: P3_D65}
"""Those that are far from Rec.709's; BT.601's are taken for them."""

_SRGB_NAMES = frozenset(
    {"srgb", "srgb_rec709_scene", "srgb_rec709_display", "srgb_texture", "g22_rec709_scene", "rec709"}
    | {"itu709_rec709_scene", "ocio:itu709_rec709_scene", "g24_rec709_scene", "g24_rec709_display"}
)


def of_video(tags: VideoTags) -> tuple[ColourSpace | None, str]:
    """The space that a video's tags name, and how to say so; None where they say nothing, or what we do not
    know.
    """
    if tags.transfer in UNSPECIFIED:
        return None, "no tag says"
    primaries = _PRIMARIES.get(tags.primaries, REC709)
    if tags.transfer in _TRANSFERS:
        transfer, rolled = _TRANSFERS[tags.transfer]
        if transfer in (PQ, HLG) and tags.primaries in UNSPECIFIED:
            primaries = REC2020  # BT.2100 knows no others
        codes = (9 if primaries == REC2020 else tags.primaries, tags.transfer)
        return Own(transfer, primaries, rolled, codes), f"its tags say {transfer.name}"
    if tags.transfer not in _DISPLAYED:
        return None, f"its tags name transfer {tags.transfer} of ITU-T H.273, which dimd does not know"
    said = f"its tags say {_DISPLAYED[tags.transfer]}"
    if primaries == REC709:
        return DISPLAY, said
    return Own(SRGB, primaries, rolled=False, tags=(tags.primaries, tags.transfer)), said


def of_picture(tags: ColourTags) -> tuple[ColourSpace | None, str]:
    """The space that a picture's header describes, and how to say so; None where it says nothing that needs
    no config.
    """
    if tags.codes is not None:
        space, said = of_video(VideoTags(*tags.codes))
        if space is not None or tags.codes[1] not in UNSPECIFIED:
            return space, said
    if tags.aces:
        return linear(AP0), "its header says that it is an ACES container"
    name = (tags.space or "").lower()
    if name in _SRGB_NAMES:
        return DISPLAY, f"its header says {tags.space}"
    if name in LINEAR_NAMES:
        return linear(LINEAR_NAMES[name]), f"its header says {tags.space}"
    return None, f"its header says {tags.space}" if tags.space else "no header says"


def of_chromaticities(tags: ColourTags) -> ColourSpace | None:
    """Linear light of the primaries that an EXR's header gives; None where it gives none that can be."""
    if tags.chromaticities is None or not sound(tags.chromaticities):
        return None
    red_x, red_y, green_x, green_y, blue_x, blue_y, white_x, white_y = tags.chromaticities
    return linear(known((red_x, red_y, green_x, green_y, blue_x, blue_y, white_x, white_y)))


def linear(primaries: Chromaticities) -> ColourSpace:
    """Scene-linear light of these primaries."""
    codes = {REC2020: 9, P3_DCI: 11, P3_D65: 12}
    return LINEAR if primaries == REC709 else Own(IDENTITY, primaries, tags=(codes.get(primaries, 2), 8))
