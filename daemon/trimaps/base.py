"""What a trimap is derived from, frame by frame."""

from __future__ import annotations

from typing import Any, Protocol

from torch import Tensor

from daemon.media.base import Frame


class TrimapError(Exception):
    """One sentence for the user: the clip or file at fault, and what to supply."""


class TrimapSource(Protocol):
    """Gives the trimap of any frame, in any order: it carries no state from frame to frame."""

    name: str
    why: str
    """For the manifest: what it goes by."""

    def trimap(self, frame: Frame, index: int, view: Tensor) -> Tensor:
        """float32 [1, H, W] of exactly 0, 0.5 and 1, the size of the plate.

        frame: the plate's, as read. index: its position in the clip. view: the same frame as float32 [3, H,
        W], display-referred, 0..1. Raises TrimapError, or MediaError for a sidecar that cannot be read.
        """
        ...

    def state(self) -> dict[str, Any]:
        """What a resumed run needs to go on alike, as JSON."""
        ...
