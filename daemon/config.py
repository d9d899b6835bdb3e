"""Every setting of dimd, its default and its limits: the schema of config.yaml and of a clip's NAME.yaml.

`load` reads the daemon's config once, at the start (and again at SIGHUP); `clip_settings` lays a clip's own
file over the `clip:` section. Both raise ConfigError, one sentence that names the file, the key, the value
and the mend. The objects are frozen: a setting never changes under a running job.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from daemon.config_file import ConfigError, ConfigFile

__all__ = [
    "ClipSettings",
    "Config",
    "ConfigError",
    "FolderPair",
    "Format",
    "JobSettings",
    "LimitSettings",
    "LogSettings",
    "MetricsSettings",
    "OutputName",
    "OutputSettings",
    "SegmenterSettings",
    "Source",
    "TrimapSettings",
    "WatchSettings",
    "clip_settings",
    "load",
]

OutputName = Literal["alpha", "foreground", "premult", "composite"]
Format = Literal["auto", "png", "exr", "prores4444", "ffv1"]

_REFERENCE_LINES = 1080
"""The raster that `erode` and `dilate` are given for."""

_LONGEST_RETRY_SECONDS = 3600.0
"""Doubling stops here: a share that was away over night is tried again within the hour."""

_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")


def _path(value: object, info: ValidationInfo) -> Path:
    if not isinstance(value, str | Path) or not str(value).strip() or "\0" in str(value):
        raise ValueError("give a path")
    path = Path(value)
    try:
        path = path.expanduser()
    except RuntimeError as error:
        raise ValueError("that user has no home folder; give the whole path") from error
    return (info.context["base"] / path).resolve() if info.context else path


def _colour_or(word: str) -> BeforeValidator:
    def check(value: object) -> str:
        if value == word:
            return word
        if isinstance(value, str) and _COLOUR.fullmatch(value):
            return value.lower()
        raise ValueError(f"give {word} or a colour in quotes, such as '#00b140'")

    return BeforeValidator(check)


def _device(value: str) -> str:
    if not re.fullmatch(r"auto|cpu|cuda(:\d{1,3})?", value):
        raise ValueError("give auto, cpu, cuda or cuda:N")
    return value


def _one_device(value: str) -> str:
    if not re.fullmatch(r"cpu|cuda(:\d{1,3})?", value):
        raise ValueError("give cpu, cuda or cuda:N")
    return value


def _position_or_name(value: object) -> object:
    if (type(value) is int and value >= 0) or (isinstance(value, str) and value):
        return value
    raise ValueError("give an output's position, from 0, or its name")


Folder = Annotated[Path, BeforeValidator(_path)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Side = Annotated[int, Field(ge=16, le=8192)]


class Section(BaseModel):
    """A mapping of the config: no unknown keys, no silent conversion, never changed after it is made."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, validate_default=True, allow_inf_nan=False
    )

    @model_validator(mode="before")
    @classmethod
    def _empty_means_defaults(cls, data: Any) -> Any:
        """`watch:` with every key below it commented out is the section's defaults, not an error."""
        return {} if data is None else data


class FolderPair(Section):
    """A watched folder and where its results go."""

    in_: Folder = Field(default=Path("in"), alias="in")
    out: Folder = Path("out")


def _one_pair() -> Any:
    """The default pair as if it had been given, so that its paths become relative to the config file too."""
    return [{}]


class WatchSettings(Section):
    events: bool = True
    scan_seconds: Seconds = 5.0
    settle_seconds: Annotated[float, Field(ge=0, le=86_400)] = 3.0


class JobSettings(Section):
    parallel: Annotated[int, Field(ge=1, le=64)] = 1
    attempts: Annotated[int, Field(ge=1, le=100)] = 3
    retry_seconds: Seconds = 30.0
    chunk_frames: Annotated[int, Field(ge=1, le=10_000)] = 24
    queue_frames: Annotated[int, Field(ge=1, le=1_000)] = 4
    lease_seconds: Annotated[float, Field(ge=1, le=86_400)] = 60.0

    def retry_delay(self, attempts: int) -> float | None:
        """Seconds to wait after the `attempts`th try failed, doubling each time; None: it was the last."""
        if attempts >= self.attempts:
            return None
        return min(
            self.retry_seconds * 2.0 ** max(attempts - 1, 0), max(_LONGEST_RETRY_SECONDS, self.retry_seconds)
        )


class LimitSettings(Section):
    max_pixels: Annotated[int, Field(ge=1)] = 134_217_728
    min_free_gib: Annotated[float, Field(ge=0)] = 2.0


class MetricsSettings(Section):
    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] | None = 9109

    @field_validator("port")
    @classmethod
    def _zero_is_off(cls, port: int | None) -> int | None:
        return port or None


class LogSettings(Section):
    format: Literal["console", "json"] = "console"
    level: Literal["debug", "info", "warning", "error"] = "info"


Source = Literal["auto", "trimap", "mask", "clean", "alpha", "chroma", "locked", "segmenter"]


class SegmenterSettings(Section):
    """A network of the user's own that gives a mask; None is what the preset says. See docs/segmenters.md."""

    model: Folder | None = None
    preset: Literal["isnet", "birefnet", "u2net", "u2netp", "selfie", "modnet", "custom"] = "custom"
    device: Annotated[str, AfterValidator(_one_device)] = "cpu"
    size: Annotated[list[Side], Field(min_length=2, max_length=2)] | None = None
    mean: Annotated[list[float], Field(min_length=3, max_length=3)] | None = None
    std: Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=3, max_length=3)] | None = None
    range: Literal[1, 255] | None = None
    output: Annotated[int | str, BeforeValidator(_position_or_name)] | None = None
    activation: Literal["auto", "none", "sigmoid", "softmax"] | None = None


class TrimapSettings(Section):
    """Where the trimap comes from. erode and dilate: see `widths`."""

    source: Source = "auto"
    erode: Annotated[int, Field(ge=0, le=500)] = 10
    dilate: Annotated[int, Field(ge=0, le=500)] = 14
    screen: Annotated[str, _colour_or("auto")] = "auto"
    outside: Literal["drop", "keep"] = "drop"
    confidence: Annotated[float, Field(ge=0, le=1)] = 0.3
    segmenter: SegmenterSettings = SegmenterSettings()

    def widths(self, width: int, height: int) -> tuple[int, int]:
        """`(erode, dilate)` in pixels of a plate of this raster.

        The settings are for a plate whose shorter side is 1080; hair is as wide in the picture at UHD as at
        HD, so the band grows with the raster. A width that is not 0 never falls below 1.
        """
        scale = min(width, height) / _REFERENCE_LINES
        erode, dilate = (max(1, round(given * scale)) if given else 0 for given in (self.erode, self.dilate))
        return erode, dilate


class OutputSettings(Section):
    format: Format = "auto"


def _default_outputs() -> dict[OutputName, OutputSettings]:
    return {"alpha": OutputSettings(), "foreground": OutputSettings(), "composite": OutputSettings()}


class ClipSettings(Section):
    """What a clip may set for itself. background: the ground of the composite where there is no NAME_bg."""

    trimap: TrimapSettings = TrimapSettings()
    outputs: Annotated[dict[OutputName, OutputSettings], Field(min_length=1)] = Field(
        default_factory=_default_outputs
    )
    background: Annotated[str, _colour_or("checker")] = "checker"


class Config(Section):
    """The daemon's config. Paths are absolute once `load` made them so; `Config()` is the defaults."""

    folders: Annotated[list[FolderPair], Field(min_length=1)] = Field(default_factory=_one_pair)
    state: Folder = Path("state")
    weights: Folder | None = None
    device: Annotated[str, AfterValidator(_device)] = "auto"
    runtime: Literal["auto", "torch", "openvino"] = "auto"
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    batch: Annotated[int, Field(ge=1, le=256)] = 8
    watch: WatchSettings = WatchSettings()
    jobs: JobSettings = JobSettings()
    limits: LimitSettings = LimitSettings()
    metrics: MetricsSettings = MetricsSettings()
    log: LogSettings = LogSettings()
    clip: ClipSettings = ClipSettings()

    @model_validator(mode="after")
    def _folders_stand_apart(self) -> Self:
        """A result must never land where the scan would take it for a clip."""
        watched = [pair.in_ for pair in self.folders]
        for outer, inner in itertools.permutations(watched, 2):
            if outer == inner:
                raise ValueError(f"folders: {outer} is watched twice; keep one of the two")
            if inner.is_relative_to(outer):
                raise ValueError(f"folders: 'in' {inner} lies in 'in' {outer}; move one of them")
        for source, result in itertools.product(watched, (pair.out for pair in self.folders)):
            if source == result:
                raise ValueError(f"folders: 'in' and 'out' are both {source}; give 'out' a folder of its own")
            if result.is_relative_to(source):
                raise ValueError(f"folders: 'out' {result} lies in 'in' {source}; move 'out' beside it")
            if source.is_relative_to(result):
                raise ValueError(f"folders: 'in' {source} lies in 'out' {result}; move 'in' beside it")
        for source in watched:
            if self.state.is_relative_to(source):
                raise ValueError(
                    f"state: {self.state} lies in the watched folder {source}; move it out of there"
                )
        return self


def load(path: Path) -> Config:
    """The config in `path`; relative folders in it are relative to its own folder. Raises ConfigError."""
    return ConfigFile.read(path).validate(Config, context={"base": path.resolve().parent})


def clip_settings(defaults: ClipSettings, path: Path | None) -> ClipSettings:
    """The clip's own file `path` (None: it has none) over `defaults`. Raises ConfigError.

    `trimap` is laid over key by key; `outputs`, where given, says all the outputs, so that a clip can leave
    one away.
    """
    if path is None:
        return defaults
    label = f"{path.parent.name}/{path.name}" if path.name == "dimd.yaml" else path.name
    file = ConfigFile.read(path, label)
    given = {
        key: value
        for key, value in file.data.items()
        if value is not None or key not in ClipSettings.model_fields
    }
    merged: dict[Any, Any] = {**defaults.model_dump(), **given}
    if isinstance(given.get("trimap"), Mapping):
        if "segmenter" in given["trimap"]:  # whoever may drop a clip is not to name files of this machine
            line = file.lines[("trimap", "segmenter")]
            raise ConfigError(
                f"{label}, line {line}: trimap.segmenter is the daemon's own; take it out of here."
            )
        merged["trimap"] = {**defaults.trimap.model_dump(), **given["trimap"]}
    return file.validate(ClipSettings, merged)
