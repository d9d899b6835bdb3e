"""What an EXR or a DPX says of itself, carried from the plate into what is made of it.

Time code, frame rate, camera, lens, chromaticities, pixel aspect, a studio's own attributes: all of it goes
through but for what describes the plate's own file (its compression, tiles, parts and other channels).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import OpenImageIO as oiio

from daemon.media.base import ClipInfo, ColourTags, PictureTags
from daemon.media.timecode import counted

_CARRIERS = frozenset({"openexr", "dpx"})

_OF_THE_FILE = frozenset(
    {
        "acesImageContainerFlag",  # promises no compression and its own primaries (SMPTE ST 2065-4)
        "chunkCount",
        "compression",
        "multiView",  # the other eye is not in what is made
        "name",
        "Orientation",
        "ResolutionUnit",  # of xDensity, which is in inches always
        "textureformat",
        "type",
        "wrapmodes",
        "YResolution",  # OpenImageIO's own, from xDensity and the pixel aspect
    }
)
_FAMILIES_OF_THE_FILE = ("oiio:", "openexr:", "cryptomatte/", "dimd:")

_DPX_KEPT = frozenset(
    f"dpx:{name}"
    for name in (
        *("Transfer", "Colorimetric", "FrameRate", "TemporalFrameRate", "FrameId", "SlateInfo", "Format"),
        *(
            "FramePosition",
            "SequenceLength",
            "HeldCount",
            "ShutterAngle",
            "InputDevice",
            "InputDeviceSerialNumber",
        ),
    )
)
"""What of a DPX's own header means the same in another DPX."""

_FRAME_RATES = ("framesPerSecond", "FramesPerSecond")
"""The standard's name, and the one under which OpenImageIO 3.2 writes it, which no compositor looks for."""

_OF_THE_COLOUR = frozenset(
    {
        *("chromaticities", "colorInteropID", "colorSpace", "adoptedNeutral", "whiteLuminance"),
        *("dpx:Transfer", "dpx:Colorimetric"),
    }
)
"""What would be wrong of a picture with other colours."""

OF_ONE_FRAME = frozenset({"smpte:TimeCode", "smpte:KeyCode", "imageCounter"})
"""What is true of one frame, and not of another that shows the same picture."""


def tags_of(spec: oiio.ImageSpec, format: str) -> PictureTags | None:
    """What a picture's header says; None for a format whose headers do not matter to a comp."""
    if format not in _CARRIERS:
        return None
    kept = tuple(
        (attribute.name, attribute.type, attribute.value)
        for attribute in spec.extra_attribs
        if attribute.value is not None and _is_of_the_picture(attribute.name)
    )
    return PictureTags(kept, (spec.full_x, spec.full_y))


def _is_of_the_picture(name: str) -> bool:
    if name.startswith("dpx:"):
        return name in _DPX_KEPT
    return name not in _OF_THE_FILE and not name.startswith(_FAMILIES_OF_THE_FILE)


def pixel_aspect(spec: oiio.ImageSpec, format: str) -> Fraction:
    """How wide a pixel is shown of its height; square where a header says nothing, or what cannot be."""
    told = spec.get_float_attribute("PixelAspectRatio", 1.0) if format in _CARRIERS else 1.0
    return Fraction(told).limit_denominator(1000) if 0.1 <= told <= 10 else Fraction(1)


def without(tags: PictureTags | None, names: frozenset[str]) -> PictureTags | None:
    """The same without some attributes."""
    if tags is None:
        return None
    return PictureTags(tuple(one for one in tags.attributes if one[0] not in names), tags.origin)


def recoloured(tags: PictureTags | None, colour: ColourTags) -> PictureTags:
    """The same, but for what it says of its colours, which are those of another space."""
    kept = without(tags, _OF_THE_COLOUR) or PictureTags()
    said: list[tuple[str, Any, Any]] = []
    if colour.space is not None:
        said.append(("dimd:colorspace", oiio.TypeDesc("string"), colour.space))
    if colour.chromaticities is not None:
        said.append(("chromaticities", oiio.TypeDesc("float[8]"), colour.chromaticities))
    return PictureTags((*kept.attributes, *said), kept.origin)


def set_exr(spec: oiio.ImageSpec, tags: PictureTags | None, stamp: Mapping[str, str]) -> None:
    """Give an EXR's header the plate's attributes and display window, and dimd's `stamp`."""
    spec.attribute("DateTime", "")  # else the time of writing goes into the bytes
    if tags is not None:
        spec.x, spec.y = spec.full_x, spec.full_y = tags.origin
        rates = {"dpx:FrameRate", "dpx:TemporalFrameRate", *_FRAME_RATES}
        for name, kind, value in tags.attributes:
            if not name.startswith("dpx:") and name not in rates:
                spec.attribute(name, kind, value)
        rate = frame_rate(tags)
        if rate is not None:
            spec.attribute(_FRAME_RATES[0], oiio.TypeDesc("rational"), (rate.numerator, rate.denominator))
    for name, text in stamp.items():
        spec.attribute(name, text)


def set_dpx(spec: oiio.ImageSpec, tags: PictureTags | None) -> None:
    """Give a DPX's header what it has room for of the plate's."""
    if tags is None:
        return
    rate = frame_rate(tags)
    if rate is not None:
        spec.attribute("dpx:FrameRate", float(rate))
        spec.attribute("dpx:TemporalFrameRate", float(rate))
    for name, kind, value in tags.attributes:
        if name in _DPX_KEPT or name in _DPX_COMMON:
            spec.attribute(name, kind, value)


_DPX_COMMON = frozenset(
    {"smpte:TimeCode", "smpte:KeyCode", "PixelAspectRatio", "Copyright", "DocumentName", "DateTime"}
)


def frame_rate(tags: PictureTags) -> Fraction | None:
    """Frames a second, exact: 23.976 of a DPX is 24000/1001."""
    for wanted in (*_FRAME_RATES, "dpx:TemporalFrameRate", "dpx:FrameRate"):
        for value in _values(tags, wanted):
            if isinstance(value, tuple) and len(value) == 2 and value[0] > 0 and value[1] > 0:
                return Fraction(*value)
            if isinstance(value, float) and 1 <= value <= 1000:
                return _exact(value)
    return None


def _values(tags: PictureTags, wanted: str) -> Iterator[Any]:
    return (value for name, _, value in tags.attributes if name == wanted)


def _exact(rate: float) -> Fraction:
    ntsc = Fraction(round(rate * 1.001) * 1000, 1001)
    whole = Fraction(round(rate))
    nearest = min(ntsc, whole, key=lambda one: abs(float(one) - rate))
    return nearest if abs(float(nearest) - rate) < 0.002 else Fraction(rate).limit_denominator(1000)


_MOST_FRAMES = 30
"""Frames a second that a time code of SMPTE ST 12-1 counts."""


def video_tags(info: ClipInfo) -> Callable[[int], PictureTags | None]:
    """What a picture made of a video's frame, by its position, says: frame rate, pixel aspect, reel, and
    where the rate is constant the time code. None for a clip that is no video.
    """
    rate, tags = info.rate, info.tags
    if info.kind != "video" or rate is None or tags is None:
        return lambda position: None
    kept: tuple[tuple[str, Any, Any], ...] = (
        ("framesPerSecond", oiio.TypeDesc("rational"), (rate.numerator, rate.denominator)),
        ("PixelAspectRatio", oiio.TypeDesc("float"), float(tags.sample_aspect)),
        *([("reelName", oiio.TypeDesc("string"), tags.reel)] if tags.reel else []),
    )
    first = tags.timecode or "" if _is_constant(info.pts, 1 / (rate * (info.time_base or 1 / rate))) else ""

    def at(position: int) -> PictureTags:
        code = timecode(first, rate, position)
        if code is None:
            return PictureTags(kept)
        return PictureTags((*kept, ("smpte:TimeCode", oiio.TypeDesc("timecode"), (code, 0))))

    return at


def _is_constant(pts: Sequence[int], each: Fraction) -> bool:
    """Whether frames follow at one rate, a frame every `each` ticks, be it to the nearest tick, as Matroska's
    milliseconds are of 24000/1001 a second.
    """
    if len({after - before for before, after in itertools.pairwise(pts)}) <= 1:
        return True
    slack = min(Fraction(1), each / 4)
    return all(abs(stamp - pts[0] - n * each) <= slack for n, stamp in enumerate(pts))


def timecode(first: str, rate: Fraction, position: int) -> int | None:
    """The time code `position` frames after `first`, packed as in SMPTE ST 12-1; None where it is none.

    See `daemon.media.timecode`.
    """
    found = counted(first, rate, position) if 0 < round(rate) <= _MOST_FRAMES else None
    if found is None:
        return None
    packed = 0
    for part in found[:4]:
        packed = packed << 8 | part // 10 << 4 | part % 10
    return packed | (1 << 6 if found.drop else 0)
