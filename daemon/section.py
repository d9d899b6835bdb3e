"""What every section of a config file has in common: no unknown keys, no silent conversion, frozen; and the
kinds of value that more than one section has.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, model_validator

from daemon.real_path import real_path


def as_path(value: object, info: ValidationInfo) -> Path:
    """A path, made absolute from the config's own folder. Raises ValueError."""
    if not isinstance(value, str | Path) or not str(value).strip() or "\0" in str(value):
        raise ValueError("give a path")
    path = Path(value)
    try:
        path = path.expanduser()
    except RuntimeError as error:
        raise ValueError("that user has no home folder; give the whole path") from error
    if not info.context:
        return path
    return real_path(info.context["base"] / path, info.context["patience"])


Folder = Annotated[Path, BeforeValidator(as_path)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]

GIB = 1 << 30
"""Bytes of what settings call a GiB."""


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
