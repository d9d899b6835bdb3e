"""A green or blue screen behind the subject, found once for the shot."""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import Tensor

from daemon.config import TrimapSettings
from daemon.media.base import Frame
from daemon.trimaps.base import Trimap, TrimapSource
from daemon.trimaps.shot import Shot
from dim_model.screen import Screen, find_screen, screen_trimap

_SIDE = 480
"""Frames are searched for a screen at about so many lines: its colour does not hide in the detail."""

_CONFIDENCE = 0.9


class ChromaTrimap(TrimapSource):
    """What is not the screen is the subject; a band around the edge between them is unknown."""

    name = "chroma"

    def __init__(self, screen: Screen, erode: int, dilate: int) -> None:
        self._screen, self._erode, self._dilate = screen, erode, dilate
        colour = "#" + "".join(f"{round(255 * c):02x}" for c in screen.colour)
        self.why = f"a {screen.kind} screen of {colour} covers {screen.share:.0%} of the shot"

    @classmethod
    def of(cls, shot: Shot, settings: TrimapSettings) -> Self | None:
        screen: Screen | None
        if settings.screen != "auto":
            screen = Screen.from_hex(settings.screen)
        elif "screen" in shot.state:
            screen = Screen.from_dict(shot.state["screen"])
        else:
            step = max(1, shot.info.height // _SIDE)
            screen = find_screen(torch.stack([look.view[:, ::step, ::step] for look in shot.samples()]))
        return cls(screen, *settings.widths(shot.info.width, shot.info.height)) if screen else None

    def trimap(self, frame: Frame, index: int, view: Tensor) -> Trimap:
        return Trimap(screen_trimap(view[None], self._screen, self._erode, self._dilate)[0], _CONFIDENCE)

    def state(self) -> dict[str, Any]:
        return {"screen": self._screen.to_dict()}
