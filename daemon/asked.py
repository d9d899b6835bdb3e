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
    """inputs: clips, as `daemon.media.locate` takes them. trimap, mask, clean: what belongs to the one clip.
    derived: how trimaps are to be; a ``source`` that it names goes before what a clip's own file says, and so
    do ``colorspace``, the plate's, ``frames``, ``handles`` and ``scale``, see `ClipSettings`.
    """

    inputs: Sequence[str]
    trimap: str | None = None
    mask: str | None = None
    clean: str | None = None
    derived: TrimapSettings = field(default_factory=TrimapSettings)
    colorspace: str = "auto"
    frames: str | None = None
    handles: int = 0
    scale: float = 1.0

    def settings(self, **more: Any) -> ClipSettings:
        """For each clip, where its own file says nothing else. Raises AskedError."""
        try:
            return ConfigFile("command line", {}, {}).validate(
                ClipSettings,
                {
                    "trimap": self.derived,
                    "colorspace": self.colorspace,
                    "frames": self.frames,
                    "handles": self.handles,
                    "scale": self.scale,
                    **more,
                },
            )
        except ConfigError as error:
            raise AskedError(str(error)) from error
