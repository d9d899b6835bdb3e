"""Which part of a picture file is the picture, and which of its channels: renderers and compositors store
depth, normals, mattes and the light of each lamp beside it.
"""

from __future__ import annotations

import itertools

import OpenImageIO as oiio

_GREYS = frozenset({"Y", "A", "ALPHA"})
"""Channels of a picture or a matte; of any other name one alone may be depth."""

_WHOLE = frozenset({"rgba", "rgb", "beauty", "combined", "c"})
"""Layers and parts, by the last of their names in small letters, that are the picture and no share of it: of
Nuke, most renderers, Blender and Karma.
"""


def picture_channels(file: oiio.ImageInput) -> tuple[int, tuple[int, ...]] | None:
    """The part whose picture is wanted, and the channels of it, as `pick_channels` has them; None where no
    part has any.

    Of an EXR's parts colours go before luminance or a matte, and those before a channel of another name;
    `R G B` before a layer's, and what is named as the whole picture before others. Of any other file the
    first part.
    """
    found: list[tuple[tuple[bool, ...], int, tuple[int, ...]]] = []
    for part in itertools.count():
        if not file.seek_subimage(part, 0):
            break
        spec = file.spec()
        picked = pick_channels(spec.channelnames)
        if picked:
            layer, _, channel = spec.channelnames[picked[0]].rpartition(".")
            titles = (layer, spec.get_string_attribute("oiio:subimagename"))
            is_whole = any(_is_whole(title) for title in titles)
            is_colour = len(picked) > 2
            rank = (not is_colour, not is_colour and channel.upper() not in _GREYS, layer != "", not is_whole)
            found.append((rank, part, picked))
            if file.format_name() != "openexr":
                break
    return min(found)[1:] if found else None


def views(file: oiio.ImageInput, part: int) -> tuple[str, ...]:
    """The views of a stereo EXR, that of `part` first; () where there is one alone."""
    found: list[str] = []
    if file.format_name() != "openexr":
        return ()
    for each in itertools.chain([part], itertools.count()):
        if not file.seek_subimage(each, 0):
            break
        spec = file.spec()
        told = spec.getattribute("multiView")
        found += told if isinstance(told, tuple) else [spec.get_string_attribute("view")]
    file.seek_subimage(part, 0)
    names = tuple(dict.fromkeys(name for name in found if name))
    return names if len(names) > 1 else ()


def _is_whole(title: str) -> bool:
    return title.rpartition(".")[2].lower() in _WHOLE


def pick_channels(names: tuple[str, ...]) -> tuple[int, ...]:
    """Indices of R G B [A], or Y [A], or a single channel, among a file's channel names; () if none serve.

    Plain names go before those of a layer (`beauty.R`), a layer that is the whole picture before others, and
    the first that has all three wins.
    """
    by_layer: dict[str, dict[str, int]] = {}
    for index, name in enumerate(names):
        layer, _, channel = name.rpartition(".")
        by_layer.setdefault(layer, {}).setdefault(channel.upper(), index)
    for _, found in sorted(by_layer.items(), key=lambda item: (item[0] != "", not _is_whole(item[0]))):
        for wanted in (("R", "G", "B"), ("RED", "GREEN", "BLUE"), ("Y",)):
            is_vector = wanted == ("Y",) and "X" in found  # normals and motion, not luminance
            if all(channel in found for channel in wanted) and not is_vector:
                alpha = [found[channel] for channel in ("A", "ALPHA") if channel in found][:1]
                return (*(found[channel] for channel in wanted), *alpha)
    if len(names) == 1:
        return (0,)
    plain = by_layer.get("", {})
    return (plain["A"],) if "A" in plain else ()
