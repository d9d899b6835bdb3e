"""Every setting of dimd, its default and its limits: the schema of config.yaml; what a clip may set for
itself is in `clip_config`.

`load` reads the daemon's config once, at the start (and again at SIGHUP); `clip_settings` lays a clip's own
file over the `clip:` section. Both raise ConfigError, one sentence that names the file, the key, the value
and the mend. The objects are frozen: a setting never changes under a running job.
"""

from __future__ import annotations

import itertools
import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from daemon.clip_config import (
    ClipSettings,
    ForegroundSettings,
    Format,
    OutputName,
    OutputSettings,
    Preset,
    SegmenterSettings,
    Source,
    TemporalSettings,
    TrimapSettings,
    clip_settings,
)
from daemon.colour_config import AssumeSettings, ColourSettings
from daemon.config_file import ConfigError, ConfigFile
from daemon.real_path import shared_patience
from daemon.section import Folder, Seconds, Section

__all__ = [
    "AssumeSettings",
    "CanarySettings",
    "ClipSettings",
    "ColourSettings",
    "Config",
    "ConfigError",
    "FolderPair",
    "ForegroundSettings",
    "Format",
    "JobSettings",
    "LimitSettings",
    "LogSettings",
    "MetricsSettings",
    "OutputName",
    "OutputSettings",
    "Preset",
    "SegmenterSettings",
    "Source",
    "TemporalSettings",
    "TrimapSettings",
    "WatchSettings",
    "clip_settings",
    "load",
]

_LONGEST_RETRY_SECONDS = 3600.0
"""Doubling stops here: a share that was away over night is tried again within the hour."""


def _device(value: str) -> str:
    if not re.fullmatch(r"auto|cpu|cuda(:\d{1,3})?", value):
        raise ValueError("give auto, cpu, cuda or cuda:N")
    return value


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
    follow_links: bool = False


class JobSettings(Section):
    parallel: Annotated[int, Field(ge=1, le=64)] = 1
    attempts: Annotated[int, Field(ge=1, le=100)] = 3
    retry_seconds: Seconds = 30.0
    chunk_frames: Annotated[int, Field(ge=1, le=10_000)] = 24
    queue_frames: Annotated[int, Field(ge=1, le=1_000)] = 4
    lease_seconds: Annotated[float, Field(ge=1, le=86_400)] = 60.0
    stall_seconds: Annotated[float, Field(ge=1, le=86_400)] = 900.0

    def retry_delay(self, attempts: int) -> float | None:
        """Seconds to wait after the `attempts`th try failed, doubling each time; None: it was the last."""
        if attempts >= self.attempts:
            return None
        return min(self.retry_seconds * 2.0 ** max(attempts - 1, 0), self.longest_retry)

    @property
    def longest_retry(self) -> float:
        """Seconds; no try is waited for longer."""
        return max(_LONGEST_RETRY_SECONDS, self.retry_seconds)


class LimitSettings(Section):
    max_pixels: Annotated[int, Field(ge=1)] = 134_217_728
    min_free_gib: Annotated[float, Field(ge=0)] = 2.0
    decode_seconds: Seconds | None = 600.0
    decode_gib: Annotated[float, Field(gt=0)] = 8.0


class CanarySettings(Section):
    """What weights have to pass before they are used, see `daemon.canary`."""

    seconds: Seconds | None = 10.0
    free_gib: Annotated[float, Field(ge=0)] = 1.0


class MetricsSettings(Section):
    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] | None = 9109
    token_file: Folder | None = None
    certificate: Folder | None = None
    key: Folder | None = None

    @model_validator(mode="after")
    def _a_key_has_its_certificate(self) -> Self:
        if self.key is not None and self.certificate is None:
            raise ValueError("metrics: key is of no use without certificate; give both, or neither")
        return self

    @field_validator("port")
    @classmethod
    def _zero_is_off(cls, port: int | None) -> int | None:
        return port or None


class LogSettings(Section):
    format: Literal["console", "json"] = "console"
    level: Literal["debug", "info", "warning", "error"] = "info"


class Config(Section):
    """The daemon's config. Paths are absolute once `load` made them so; `Config()` is the defaults."""

    folders: Annotated[list[FolderPair], Field(min_length=1)] = Field(default_factory=_one_pair)
    state: Folder = Path("state")
    weights: Folder | None = None
    device: Annotated[str, AfterValidator(_device)] = "auto"
    runtime: Literal["auto", "torch", "openvino", "onnxruntime", "tensorrt"] = "auto"
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    batch: Annotated[int, Field(ge=1, le=256)] = 8
    decoder: Literal["software", "auto", "nvdec"] = "software"
    watch: WatchSettings = WatchSettings()
    jobs: JobSettings = JobSettings()
    limits: LimitSettings = LimitSettings()
    canary: CanarySettings = CanarySettings()
    metrics: MetricsSettings = MetricsSettings()
    log: LogSettings = LogSettings()
    colour: ColourSettings = ColourSettings()
    clip: ClipSettings = ClipSettings()

    @property
    def watched(self) -> list[str]:
        """The watched folders, as jobs name theirs."""
        return [str(pair.in_) for pair in self.folders]

    @model_validator(mode="after")
    def _a_slow_file_is_no_hang(self) -> Self:
        decode, stall = self.limits.decode_seconds, self.jobs.stall_seconds
        if decode is not None and decode >= stall:
            raise ValueError(
                f"limits: decode_seconds is {decode:g} and jobs: stall_seconds {stall:g}, which a slow file "
                "would take for a hang of dimd; give decode_seconds less, or stall_seconds more"
            )
        return self

    @model_validator(mode="after")
    def _folders_are_text(self) -> Self:
        """They become parts of rows in the ledger and of lines in the log."""
        for folder in (each for pair in self.folders for each in (pair.in_, pair.out)):
            told = os.fsencode(folder).decode(errors="backslashreplace")
            if told != str(folder):
                raise ValueError(f"folders: {told} is no UTF-8 in all its names; rename it, or name another")
        return self

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
    context = {"base": path.resolve().parent, "patience": shared_patience()}
    return ConfigFile.read(path).validate(Config, context=context)
