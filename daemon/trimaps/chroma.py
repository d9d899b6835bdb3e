"""A green or blue screen behind the subject, found once for the shot."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from daemon.media.base import Frame
from dim_model.screen import Screen, screen_trimap


class ChromaTrimap:
    """What is not the screen is the subject; a band around the edge between them is unknown."""

    name = "chroma"

    def __init__(self, screen: Screen, erode: int, dilate: int) -> None:
        self._screen, self._erode, self._dilate = screen, erode, dilate
        colour = "#" + "".join(f"{round(255 * c):02x}" for c in screen.colour)
        self.why = f"a {screen.kind} screen of {colour} covers {screen.share:.0%} of the shot"

    def trimap(self, frame: Frame, index: int, view: Tensor) -> Tensor:
        return screen_trimap(view[None], self._screen, self._erode, self._dilate)[0]

    def state(self) -> dict[str, Any]:
        return {"screen": self._screen.to_dict()}
