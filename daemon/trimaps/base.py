"""What a trimap is derived from, frame by frame, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from torch import Tensor

from daemon.media.base import Frame

if TYPE_CHECKING:
    from daemon.trimaps.shot import Shot


class TrimapError(Exception):
    """One sentence for the user: the clip or file at fault, and what to supply."""


class Trimap(NamedTuple):
    """values: float32 [1, H, W] of exactly 0, 0.5 and 1, the size of the plate. confidence: 0..1, how far it
    is to be relied on; what a person painted is 1. clean: float32 [3, H, W], the background as this frame
    would show it, display-referred, not a number where it is not known; None: nothing is known of it.
    """

    values: Tensor
    confidence: float
    clean: Tensor | None = None


class TrimapSource(Protocol):
    """Gives the trimap of any frame, in any order. A source that has to see the shot first does so in
    ``prepare``, and carries no state from frame to frame after it.
    """

    name: str
    why: str
    """For the manifest: what it goes by."""

    def prepare(self, shot: Shot, keep: Path) -> Iterator[None]:
        """Called once before the first frame; yields now and then, so that whoever iterates can break off.

        keep: a folder that outlives a crash, for what took long to make. What is made is the same whether it
        was found there or not. Raises as ``trimap`` does.
        """
        return iter(())

    def serves(self, index: int) -> bool:
        """Whether it can have a trimap of the frame at position ``index``, be it of the part or not."""
        return True

    def reach(self, shot: Shot) -> range:
        """Positions of ``shot.heard`` that it has trimaps of after ``prepare``, ``shot.part`` among them."""
        return shot.heard

    def trimap(self, frame: Frame, index: int, view: Tensor) -> Trimap:
        """The trimap of the plate's ``frame``, as read, at position ``index`` of the clip.

        view: the same frame as float32 [3, H, W], display-referred, 0..1. Raises TrimapError, or MediaError
        for a sidecar that cannot be read, and of it WorkGoneError where what ``prepare`` kept is not whole.
        """
        ...

    def resumed(self, state: Mapping[str, Any]) -> None:
        """Called where a run goes on, with what ``told`` gave in the earlier one: the manifest is to say the
        same.
        """
        self.why = state.get("why", self.why)

    def state(self) -> dict[str, Any]:
        """What a resumed run needs to go on alike, as JSON."""
        return {}

    def told(self) -> dict[str, Any]:
        """For the manifest, and for a resumed run: which source, what it goes by, its state."""
        return {"source": self.name, "why": self.why, **self.state()}
