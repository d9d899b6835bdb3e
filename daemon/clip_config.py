"""What a clip may set for itself: the `clip:` section of config.yaml, and NAME.yaml beside a clip.

`clip_settings` lays a clip's own file over the section.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from daemon.colour_config import SpaceName
from daemon.config_file import ConfigError, ConfigFile
from daemon.frame_range import frame_range
from daemon.section import Folder, Section
from daemon.storage import bits_fault, compression_fault

OutputName = Literal["alpha", "foreground", "premult", "composite", "layers"]
Format = Literal[
    "auto",
    "png",
    "exr",
    "tiff",
    "dpx",
    "jpeg",
    "prores4444",
    "ffv1",
    "gray16",
    "movpng",
    "prores422hq",
    "dnxhr",
    "h264",
    "hevc",
    "vp9",
    "h264_nvenc",
    "hevc_nvenc",
]
"""From prores4444 on for a video alone, by the names of `daemon.media.VIDEO_FORMATS`."""

REFERENCE_LINES = 1080
"""The raster that widths in pixels are given for."""

_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")

Preset = Literal["isnet", "birefnet", "u2net", "u2netp", "selfie", "modnet", "custom"]
Source = Literal["auto", "trimap", "mask", "clean", "alpha", "chroma", "locked", "segmenter"]


_GREY = 16
"""Codes of 8 bits by which the channels of a screen's colour differ at least."""


def _colour_or(word: str) -> BeforeValidator:
    def check(value: object) -> str:
        if value == word:
            return word
        if isinstance(value, str) and _COLOUR.fullmatch(value):
            return value.lower()
        raise ValueError(f"give {word} or a colour in quotes, such as '#00b140'")

    return BeforeValidator(check)


def _with_a_hue(value: str) -> str:
    if value != "auto":
        channels = bytes.fromhex(value[1:])
        if max(channels) - min(channels) < _GREY:
            raise ValueError("give auto or the colour of a screen, such as '#00b140', for grey is none")
    return value


def _one_device(value: str) -> str:
    if not re.fullmatch(r"cpu|cuda(:\d{1,3})?", value):
        raise ValueError("give cpu, cuda or cuda:N")
    return value


def _position_or_name(value: object) -> object:
    if (type(value) is int and value >= 0) or (isinstance(value, str) and value):
        return value
    raise ValueError("give an output's position, from 0, or its name")


Side = Annotated[int, Field(ge=16, le=8192)]


class SegmenterSettings(Section):
    """A network of the user's own that gives a mask; None is what the preset says. See docs/segmenters.md."""

    model: Folder | None = None
    preset: Preset = "custom"
    device: Annotated[str, AfterValidator(_one_device)] = "cpu"
    size: Annotated[list[Side], Field(min_length=2, max_length=2)] | None = None
    mean: Annotated[list[float], Field(min_length=3, max_length=3)] | None = None
    std: Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=3, max_length=3)] | None = None
    range: Literal[1, 255] | None = None
    output: Annotated[int | str, BeforeValidator(_position_or_name)] | None = None
    activation: Literal["auto", "none", "sigmoid", "softmax"] | None = None


class TrimapSettings(Section):
    """Where the trimap comes from. erode and dilate: see `widths`. soft and hard: how far the band may grow
    and shrink, see `dim_model.band`.
    """

    source: Source = "auto"
    erode: Annotated[int, Field(ge=0, le=500)] = 10
    dilate: Annotated[int, Field(ge=0, le=500)] = 14
    soft: Annotated[int, Field(ge=0, le=100)] = 24
    hard: Annotated[int, Field(ge=0, le=100)] | None = 6
    screen: Annotated[str, _colour_or("auto"), AfterValidator(_with_a_hue)] = "auto"
    outside: Literal["drop", "keep"] = "drop"
    confidence: Annotated[float, Field(ge=0, le=1)] = 0.3
    segmenter: SegmenterSettings = SegmenterSettings()

    def widths(self, width: int, height: int) -> tuple[int, int]:
        """`(erode, dilate)` in pixels of a plate of this raster.

        The settings are for a plate whose shorter side is 1080; hair is as wide in the picture at UHD as at
        HD, so the band grows with the raster. A width that is not 0 never falls below 1.
        """
        scale = min(width, height) / REFERENCE_LINES
        erode, dilate = (max(1, round(given * scale)) if given else 0 for given in (self.erode, self.dilate))
        return erode, dilate


class TemporalSettings(Section):
    """radius: frames before and after that a matte is made steady by; 0: each frame by itself."""

    radius: Annotated[int, Field(ge=0, le=4)] = 2


class ForegroundSettings(Section):
    """What is done to the foreground's colours. despill: the screen's light; auto: by the screen that the
    trimap is made by. reach: how far into opaque pixels, where it is on by name; None: everywhere. extend:
    how far colour goes on outside the matte.
    """

    despill: Literal["auto", "none", "green", "blue"] = "auto"
    method: Literal["average", "double"] = "average"
    strength: Annotated[float, Field(ge=0, le=1)] = 1.0
    reach: Annotated[int, Field(ge=0, le=500)] | None = 40
    extend: Annotated[int, Field(ge=0, le=500)] = 0

    def widths(self, width: int, height: int) -> tuple[int | None, int]:
        """`(reach, extend)` in pixels of a plate of this raster, scaled as those of the trimap are."""
        scale = min(width, height) / REFERENCE_LINES
        reach = None if self.reach is None else round(self.reach * scale)
        return reach, max(1, round(self.extend * scale)) if self.extend else 0


def _has_it(fault: Callable[[str, Any], str | None]) -> AfterValidator:
    """Whether the output's format has such bits or compression."""

    def check(value: Any, info: ValidationInfo) -> Any:
        problem = None if value is None else fault(info.data.get("format", "auto"), value)
        if problem:
            raise ValueError(problem)
        return value

    return AfterValidator(check)


class OutputSettings(Section):
    """How one output is stored; None is the format's default, see `daemon.storage`. colorspace: of the
    colours; `auto`: the plate's own, and then the plate's bits where alpha is 1. parts: of `layers` alone,
    each layer is a part of the EXR.
    """

    format: Format = "auto"
    bits: Annotated[int | None, _has_it(bits_fault)] = None
    compression: Annotated[str | None, _has_it(compression_fault)] = None
    colorspace: SpaceName = "auto"
    parts: bool = False


Mixing = Literal["light", "display"]
"""Light, as in cameras, renderers and comps in linear light; or display numbers, as in most editors."""


def _default_outputs() -> dict[OutputName, OutputSettings]:
    return {"alpha": OutputSettings(), "foreground": OutputSettings(), "composite": OutputSettings()}


class ClipSettings(Section):
    """What a clip may set for itself. background: the ground of the composite where there is no NAME_bg.
    colorspace: of the plate and NAME_clean, bg_colorspace: of NAME_bg; `auto` or a name of the colour config.
    mixing: what soft edges mix, in the plate and in the comp that the alpha is for.
    missing: what stands in the result for a frame that a sequence lacks. frames: that are made, see
    `frame_range`; None: all; handles: so many more on either side. scale: of the raster, for a preview.
    deinterlace: what interlaced video becomes, of the plate and of what stands beside it.
    """

    frames: Annotated[str, BeforeValidator(frame_range)] | None = None
    handles: Annotated[int, Field(ge=0, le=1000)] = 0
    scale: Annotated[float, Field(ge=0.1, le=1)] = 1.0

    deinterlace: Literal["refuse", "frame", "field"] = "refuse"
    colorspace: SpaceName = "auto"
    bg_colorspace: SpaceName = "auto"
    mixing: Mixing = "light"
    trimap: TrimapSettings = TrimapSettings()
    temporal: TemporalSettings = TemporalSettings()
    foreground: ForegroundSettings = ForegroundSettings()
    outputs: Annotated[dict[OutputName, OutputSettings], Field(min_length=1)] = Field(
        default_factory=_default_outputs
    )
    background: Annotated[str, _colour_or("checker")] = "checker"
    missing: Literal["skip", "hold", "black", "refuse"] = "skip"

    @field_validator("outputs")
    @classmethod
    def _a_matte_has_no_colour(
        cls, outputs: dict[OutputName, OutputSettings]
    ) -> dict[OutputName, OutputSettings]:
        if "alpha" in outputs and outputs["alpha"].colorspace != "auto":
            raise ValueError("alpha has no colour, so leave its colorspace out")
        return outputs

    @field_validator("outputs")
    @classmethod
    def _only_layers_have_parts(
        cls, outputs: dict[OutputName, OutputSettings]
    ) -> dict[OutputName, OutputSettings]:
        whole = next((name for name, how in outputs.items() if how.parts and name != "layers"), None)
        if whole:
            raise ValueError(f"{whole} is one picture, so leave its parts out; the output layers has parts")
        return outputs


def clip_settings(defaults: ClipSettings, path: Path | None) -> ClipSettings:
    """The clip's own file `path` (None: it has none) over `defaults`. Raises ConfigError.

    `trimap`, `temporal` and `foreground` are laid over key by key; `outputs`, where given, says all the
    outputs, so that a clip can leave one away. A section with nothing in it says nothing.
    """
    if path is None:
        return defaults
    label = f"{path.parent.name}/{path.name}" if path.stem.lower() == "dimd" else path.name
    file = ConfigFile.read(path, label)
    sections = ("trimap", "temporal", "foreground")
    given = {key: value for key, value in file.data.items() if value is not None or key not in sections}
    merged: dict[Any, Any] = {**defaults.model_dump(), **given}
    for key in sections:
        if isinstance(given.get(key), Mapping):
            merged[key] = {**getattr(defaults, key).model_dump(), **given[key]}
    if isinstance(given.get("trimap"), Mapping) and "segmenter" in given["trimap"]:
        # Whoever may drop a clip is not to name files of this machine.
        line = file.lines[("trimap", "segmenter")]
        raise ConfigError(f"{label}, line {line}: trimap.segmenter is the daemon's own; take it out of here.")
    return file.validate(ClipSettings, merged)
