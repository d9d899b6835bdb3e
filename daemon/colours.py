"""The colour spaces of one clip: its plate's, those of what stands beside it, and its outputs'."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from daemon.clip import Clip, Role
from daemon.colour import ColourConfig, ColourSpace, Known, choose
from daemon.config import ClipSettings, ColourSettings
from daemon.media import ClipInfo, ColourTags, Encoding, MediaRef, VideoTags

_BT2020 = 9
_BT709 = 1


class Colours:
    """plate: its space, and how we know. outputs: the spaces of those that are not to have the plate's.

    warn: takes a sentence. Raises ConfigError for a config that cannot be used, or a name that it lacks.
    """

    def __init__(
        self,
        clip: Clip,
        info: ClipInfo,
        settings: ClipSettings,
        colour: ColourSettings,
        warn: Callable[[str], None],
    ) -> None:
        self._clip, self._settings, self._assume = clip, settings, colour.assume
        self._config = ColourConfig(colour.config)
        self._warn, self._warned = warn, set[str]()
        self._info = info
        self.plate = self._choose(clip.plate, info)
        self._told = {"plate": self._said(self.plate)}
        self.outputs: dict[str, ColourSpace] = {}
        for name, how in settings.outputs.items():
            if how.colorspace != "auto":
                self.outputs[name] = self._config.space(how.colorspace, f"{clip.name}: {name}: colorspace")
                self._say(self._config.doubt)

    def beside(self, role: Role, ref: MediaRef, info: ClipInfo) -> ColourSpace | None:
        """The space of what stands beside the plate; None: it is a matte, and has no colour.

        A clean plate that says nothing of itself was made as the plate was.
        """
        if role not in ("bg", "clean"):
            return None
        known = self._choose(ref, info, role)
        if role == "clean" and known.is_assumed and info.encoding == self._info.encoding:
            known = Known(self.plate.space, "taken for the plate's", is_assumed=True)
        self._told[role] = self._said(known)
        return known.space

    def told(self) -> dict[str, Any]:
        """For the manifest."""
        outputs = {name: space.name for name, space in self.outputs.items()}
        return {**self._told, **({"outputs": outputs} if outputs else {})}

    def _choose(self, ref: MediaRef, info: ClipInfo, role: Role | None = None) -> Known:
        key = "bg_colorspace" if role == "bg" else "colorspace"
        wanted = self._settings.bg_colorspace if role == "bg" else self._settings.colorspace
        return choose(info, ref.files[0], wanted, f"{self._clip.name}: {key}", self._config, self._assume)

    def _said(self, known: Known) -> dict[str, object]:
        self._say(known.warning)
        return known.told()

    def _say(self, sentence: str | None) -> None:
        if sentence and sentence not in self._warned:
            self._warned.add(sentence)
            self._warn(sentence)


def tagged(info: ClipInfo, space: ColourSpace) -> ClipInfo:
    """What a sink is to go by for an output in ``space``: the plate's ``info`` with other colours."""
    primaries, transfer = space.tags
    matrix = _BT2020 if primaries == _BT2020 else _BT709
    tags = replace(info.tags or VideoTags(), primaries=primaries, transfer=transfer, matrix=matrix)
    encoding: Encoding = "linear" if space.is_linear else "display"
    return replace(info, encoding=encoding, tags=tags if info.tags else None, colour=said_of(space))


def said_of(space: ColourSpace) -> ColourTags:
    """What the header of a picture in ``space`` says."""
    return ColourTags(space=space.name, chromaticities=space.chromaticities if space.is_linear else None)
