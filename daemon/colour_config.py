"""The `colour:` section of config.yaml."""

from __future__ import annotations

import os
from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationInfo

from daemon.section import Section, as_path

SpaceName = Annotated[str, Field(min_length=1, max_length=200)]
"""`auto`, or a colour space, a role or an alias of the config."""


def _config(value: object, info: ValidationInfo) -> object:
    if value is None or (isinstance(value, str) and value.startswith("ocio://")):
        return value
    return str(as_path(value, info))


class AssumeSettings(Section):
    """What files are taken for that say nothing of themselves and that no file rule knows."""

    float_files: SpaceName = "auto"
    integer_files: SpaceName = "auto"
    video: SpaceName = "auto"

    def given(self) -> dict[str, str]:
        """Those that are not left to us, by their whole key."""
        named = self.model_dump()
        return {f"colour: assume: {key}": name for key, name in named.items() if name != "auto"}


class ColourSettings(Section):
    """config: an OpenColorIO config's file, or its `ocio://` name; None: $OCIO, else the built-in one."""

    config: Annotated[str | None, BeforeValidator(_config)] = None
    assume: AssumeSettings = AssumeSettings()

    def told(self) -> dict[str, object] | None:
        """What of it shapes a result, for the key of a job: what is no default; None where nothing is set."""
        if self == ColourSettings() and not os.environ.get("OCIO"):
            return None
        set_here = self.model_dump(mode="json", exclude_defaults=True)
        return {**set_here, "OCIO": os.environ.get("OCIO") if not self.config else None}
