"""Colour spaces of an OpenColorIO config: the ACES studio config that comes with it, or a studio's own.

Nothing is opened before a name of the config is asked for: most clips need none.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

import numpy as np
import PyOpenColorIO as ocio
import torch
from torch import Tensor

from daemon.colour.primaries import LINEAR_NAMES, Chromaticities
from daemon.colour.space import seen
from daemon.config_file import ConfigError

BUILT_IN = "ocio://studio-config-latest"
"""ACES with the cameras' logs; `ocio://default` lacks those."""

_FAULTS = (ocio.Exception, ocio.ExceptionMissingFile)  # the second is no kind of the first

_SCHEME = "ocio://"
_REC709 = "lin_rec709_scene"
_LIGHT = "scene_linear"

_TAGS: dict[str, tuple[int, int]] = {
    "pq_rec2020_display": (9, 16),
    "hlg_rec2020_display": (9, 18),
    "pq_p3d65_display": (12, 16),
    "srgb_p3d65_display": (12, 13),
    "srgb_p3d65_scene": (12, 13),
    "srgb_rec709_display": (1, 13),
    "srgb_rec709_scene": (1, 13),
    "g24_rec709_display": (1, 1),
    "g24_rec709_scene": (1, 1),
    "itu709_rec709_scene": (1, 1),
    "ocio:itu709_rec709_scene": (1, 1),
    "lin_rec709_scene": (1, 8),
    "lin_rec2020_scene": (9, 8),
    "lin_p3d65_scene": (12, 8),
}
"""By the Color Interop Forum's ids, which configs give as aliases: primaries and transfer as ITU-T H.273 has
them.
"""


class ColourConfig:
    """A config by its file or `ocio://` name; None: what $OCIO names, else the built-in one.

    Raises ConfigError, from everything but ``is_studios`` and ``name``, where it cannot be used.
    """

    def __init__(self, named: str | None = None) -> None:
        from_environment = os.environ.get("OCIO", "")
        self.name = named or from_environment or BUILT_IN
        self._said = "$OCIO" if not named and from_environment else "colour: config"

    @property
    def is_studios(self) -> bool:
        """Whether it is a studio's own, whose file rules know its files."""
        return not self.name.startswith(_SCHEME)

    def check(self) -> None:
        """Raise ConfigError if it cannot be used."""
        self._processor(_LIGHT, _LIGHT)

    def has(self, name: str) -> bool:
        """Whether ``name`` is a colour space, a role or an alias of it."""
        return self._config.getColorSpace(name) is not None

    def space(self, name: str, asked: str) -> OcioSpace:
        """The space of that name, role or alias. asked: who asks for it, to begin the sentence of a
        ConfigError with.
        """
        if not self.has(name):
            raise ConfigError(
                f"{asked} is {name!r}, which {self._title} does not have; {_near(name, self._names())}"
            )
        return OcioSpace(self, self._config.getColorSpace(name).getName())

    def ruled(self, path: Path) -> str | None:
        """What the file rules say of a file; None where none but the default rule knows it."""
        try:
            if self._config.filepathOnlyMatchesDefaultRule(str(path)):
                return None
            return str(self._config.getColorSpaceFromFilepath(str(path))[0])
        except _FAULTS as error:
            raise self._broken(error) from error

    def is_linear(self, name: str) -> bool:
        space = self._config.getColorSpace(name)
        if space.getEncoding():
            return bool(space.getEncoding() == "scene-linear")
        return bool(self._config.isColorSpaceLinear(name, space.getReferenceSpaceType()))

    def is_rolled(self, name: str) -> bool:
        """Whether it may hold more than a display shows."""
        return bool(self._config.getColorSpace(name).getEncoding() != "sdr-video")

    def tags(self, name: str) -> tuple[int, int]:
        known = (_TAGS[alias] for alias in self._config.getColorSpace(name).getAliases() if alias in _TAGS)
        return next(known, (2, 2))

    def chromaticities(self, name: str) -> Chromaticities | None:
        """Of a linear space that goes by a name which everybody knows."""
        space = self._config.getColorSpace(name)
        names = (alias.lower() for alias in (space.getName(), *space.getAliases()))
        return next((LINEAR_NAMES[alias] for alias in names if alias in LINEAR_NAMES), None)

    def light_of(self, name: str, *, back: bool = False) -> ocio.CPUProcessor:
        """To the config's scene-linear space."""
        return self._processor(_LIGHT, name) if back else self._processor(name, _LIGHT)

    def rec709_of(self, name: str, *, back: bool = False) -> ocio.CPUProcessor:
        """To linear Rec.709; where ``is_related`` is false, light is taken to have Rec.709's primaries."""
        if not self.is_related:
            return self.light_of(name, back=back)
        try:
            if back:
                made = ocio.Config.GetProcessorFromBuiltinColorSpace(_REC709, self._config, name)
            else:
                made = ocio.Config.GetProcessorToBuiltinColorSpace(self._config, name, _REC709)
        except _FAULTS as error:
            raise self._broken(error) from error
        return _exact(made)

    @property
    def doubt(self) -> str | None:
        """What a person should know of the config."""
        if self.is_related:
            return None
        return (
            f"{Path(self.name).name}: does not say how its {_LIGHT} relates to other light; taken to have "
            "Rec.709's primaries until it has the role aces_interchange."
        )

    @cached_property
    def is_related(self) -> bool:
        """Whether it says how its light relates to the world's: by its role aces_interchange, or by a space
        that OpenColorIO knows.
        """
        try:
            ocio.Config.GetProcessorToBuiltinColorSpace(self._config, _LIGHT, _REC709)
        except _FAULTS:
            return False
        return True

    def _processor(self, source: str, target: str) -> ocio.CPUProcessor:
        try:
            return _exact(self._config.getProcessor(source, target))
        except _FAULTS as error:
            raise self._broken(error) from error

    @cached_property
    def _config(self) -> ocio.Config:
        ocio.SetLoggingLevel(ocio.LOGGING_LEVEL_NONE)  # what is wrong is said once, and by us
        try:
            config = ocio.Config.CreateFromFile(self.name)
            config.validate()
        except _FAULTS as error:
            raise self._broken(error) from error
        if not config.hasRole(_LIGHT):
            raise ConfigError(f"{self._said}: {self.name} has no role {_LIGHT}; give it one.")
        return config

    def _broken(self, error: Exception) -> ConfigError:
        reason = " ".join(str(error).split()).removeprefix("Error: ").rstrip(".")
        return ConfigError(
            f"{self._said}: {self.name} is no config that OpenColorIO can use ({reason}); "
            "mend it or name another."
        )

    @property
    def _title(self) -> str:
        return f"the colour config {self.name if not self.is_studios else Path(self.name).name}"

    def _names(self) -> list[str]:
        spaces = [space for space in self._config.getColorSpaces() if not space.isData()]
        aliases = [alias for space in spaces for alias in space.getAliases()]
        return [space.getName() for space in spaces] + aliases + list(self._config.getRoleNames())


class OcioSpace:
    """A ``ColourSpace`` of a config; each of its processors is made once, when it is first needed."""

    def __init__(self, config: ColourConfig, name: str) -> None:
        self._config, self._name = config, name

    @property
    def name(self) -> str:
        return self._name

    @cached_property
    def is_linear(self) -> bool:
        return self._config.is_linear(self._name)

    @cached_property
    def tags(self) -> tuple[int, int]:
        return self._config.tags(self._name)

    @cached_property
    def chromaticities(self) -> Chromaticities | None:
        return self._config.chromaticities(self._name)

    def check(self) -> None:
        """Raise ConfigError if it cannot be had, such as for a table that is not there."""
        _ = self._to_light, self._from_light, self._to_rec709, self._from_rec709

    def to_linear(self, rgb: Tensor) -> Tensor:
        return _applied(self._to_light, rgb)

    def from_linear(self, light: Tensor) -> Tensor:
        return _applied(self._from_light, light)

    def to_rec709(self, rgb: Tensor) -> Tensor:
        return _applied(self._to_rec709, rgb)

    def from_rec709(self, light: Tensor) -> Tensor:
        return _applied(self._from_rec709, light)

    def view(self, rgb: Tensor) -> Tensor:
        return seen(self.to_rec709(rgb.nan_to_num(0.0, 1e4, 0.0)), rolled=self._rolled)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, OcioSpace):
            return NotImplemented
        return (self._config.name, self._name) == (other._config.name, other._name)

    def __hash__(self) -> int:
        return hash((self._config.name, self._name))

    @cached_property
    def _rolled(self) -> bool:
        return self._config.is_rolled(self._name)

    @cached_property
    def _to_light(self) -> ocio.CPUProcessor:
        return self._config.light_of(self._name)

    @cached_property
    def _from_light(self) -> ocio.CPUProcessor:
        return self._config.light_of(self._name, back=True)

    @cached_property
    def _to_rec709(self) -> ocio.CPUProcessor:
        return self._config.rec709_of(self._name)

    @cached_property
    def _from_rec709(self) -> ocio.CPUProcessor:
        return self._config.rec709_of(self._name, back=True)


def _exact(processor: ocio.Processor) -> ocio.CPUProcessor:
    """Without OpenColorIO's fast logarithms, which are a thousandth off in the highlights of a camera's."""
    return processor.getOptimizedCPUProcessor(ocio.OPTIMIZATION_LOSSLESS)


def _applied(processor: ocio.CPUProcessor, rgb: Tensor) -> Tensor:
    """Colours [3, ...] through a processor; the same tensor where it does nothing."""
    if processor.isNoOp() or not rgb.numel():
        return rgb
    packed = np.array(rgb.movedim(0, -1).numpy(), np.float32, order="C")  # changed in place, so a copy
    processor.applyRGB(packed)
    return torch.from_numpy(packed).movedim(-1, 0).contiguous()


def _near(name: str, known: Iterable[str]) -> str:
    names = {candidate.lower(): candidate for candidate in known}
    close = difflib.get_close_matches(name.lower(), names, n=1)
    if close:
        return f"did you mean {names[close[0]]!r}?"
    return f"give one of its names, such as {next(iter(names.values()))!r}."
