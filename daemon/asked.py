"""What a person asks for on the command line: clips, what lies beside them, and how they are to be matted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from daemon.config import ClipSettings, ConfigError, TrimapSettings
from daemon.config_file import ConfigFile


class AskedError(Exception):
    """The command itself is at fault; one sentence."""


@dataclass(frozen=True)
class Asked:
    """inputs: clips, see `daemon.named.named_clip`. trimap, mask, clean: what belongs to the one clip.
    derived: how trimaps are to be; a ``source`` that it sets goes before what a clip's own file says, and so
    do ``colorspace``, the plate's, ``frames``, ``handles`` and ``scale``, see `ClipSettings`; None: not asked
    for.
    """

    inputs: Sequence[str]
    trimap: str | None = None
    mask: str | None = None
    clean: str | None = None
    derived: TrimapSettings = field(default_factory=TrimapSettings)
    colorspace: str | None = None
    frames: str | None = None
    handles: int | None = None
    scale: float | None = None

    def settings(self, **more: Any) -> ClipSettings:
        """For each clip, with no more set than was asked for: see `settings_of`. Raises AskedError."""
        model = self.derived.segmenter.model
        if self.derived.source == "segmenter" and model is None:
            raise AskedError("--source segmenter: has no network; name its file as --model.")
        if model is None and self.derived.segmenter.preset != "custom":
            raise AskedError("--preset: says what a network is; name its file as --model.")
        if model is not None and not model.is_file():
            raise AskedError(f"--model: {model}: is not there; check the name.")
        wishes = {
            "trimap": self.derived,
            "colorspace": self.colorspace,
            "frames": self.frames,
            "handles": self.handles,
            "scale": self.scale,
            **more,
        }
        asked = {key: value for key, value in wishes.items() if value is not None}
        try:
            return ConfigFile("command line", {}, {}).validate(ClipSettings, asked)
        except ConfigError as error:
            raise AskedError(str(error)) from error
