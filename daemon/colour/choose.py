"""Which space a clip's numbers are in, and how we know: settings, the file itself, a studio's rules, or a
guess that is called one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from daemon.colour import icc
from daemon.colour.ocio import ColourConfig
from daemon.colour.space import ColourSpace, assumed
from daemon.colour.tags import of_chromaticities, of_picture, of_video
from daemon.colour_config import AssumeSettings
from daemon.media.base import ClipInfo


@dataclass(frozen=True)
class Known:
    """A space and how we know. is_assumed: nothing said so. warning: a sentence that a person should read.
    profile: the ICC profile that RGB in the file's own numbers is stored with.
    """

    space: ColourSpace
    why: str
    is_assumed: bool = False
    warning: str | None = None
    profile: bytes | None = None

    def told(self) -> dict[str, object]:
        """For the manifest."""
        return {"space": self.space.name, "why": self.why, "assumed": self.is_assumed}


def choose(
    info: ClipInfo, path: Path, wanted: str, key: str, config: ColourConfig, assume: AssumeSettings
) -> Known:
    """The space of a plate or of what stands beside it.

    wanted: its setting, under ``key``: ``auto`` or a name of the config. Raises ConfigError for a name that
    the config does not have.
    """
    if wanted != "auto":
        return _known(config, wanted, key, "its settings say so")
    if info.colour.icc is not None:
        return _profiled(info, info.colour.icc, path, config, assume)
    space, said = of_video(info.tags) if info.tags else of_picture(info.colour)
    if space is not None:
        return Known(space, said)
    name = info.colour.space
    if name and config.has(name):
        return _known(config, name, path.name, said)
    space = of_chromaticities(info.colour) if info.encoding == "linear" else None
    if space is not None:
        return Known(space, "the chromaticities in its header")
    return _ruled(path, config) or _guessed(info, path, said, config, assume)


def _profiled(info: ClipInfo, data: bytes, path: Path, config: ColourConfig, assume: AssumeSettings) -> Known:
    """By the ICC profile of a picture, before the name that its format implies; a profile that is sound
    but not read goes through to what is made all the same, for the numbers are still its own.
    """
    try:
        profile = icc.read(data, grey=info.colour.grey)
    except icc.IccError as error:
        said = f"its ICC profile {error}"
        known = _ruled(path, config) or _guessed(info, path, said, config, assume)
        return replace(known, profile=data) if error.is_sound and not info.colour.grey else known
    named = f" ({profile.name})" if profile.name else ""
    return Known(profile.space, f"its ICC profile{named} says so", profile=profile.rgb)


def _ruled(path: Path, config: ColourConfig) -> Known | None:
    ruled = config.ruled(path) if config.is_studios else None
    if not ruled:
        return None
    return _known(config, ruled, f"{config.name}: the file rule for {path.name}", "the config's file rules")


def _known(config: ColourConfig, name: str, asked: str, why: str, *, is_assumed: bool = False) -> Known:
    return Known(config.space(name, asked), why, is_assumed, config.doubt)


def _guessed(info: ClipInfo, path: Path, said: str, config: ColourConfig, assume: AssumeSettings) -> Known:
    files = "float_files" if info.encoding == "linear" else "integer_files"
    key = f"colour: assume: {'video' if info.kind == 'video' else files}"
    wanted = assume.given().get(key)
    if wanted is not None:
        return _known(config, wanted, key, f"{said}; {key} does", is_assumed=True)
    space = assumed(info.encoding)
    warning = None
    if not said.startswith("no "):  # it says something, which is not to be passed over in silence
        warning = f"{path.name}: {said}; taken as {space.name}, set clip: colorspace: if that is wrong."
    return Known(space, said, True, warning)
