"""A green or blue screen behind the subject, found once for the shot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import torch
from torch import Tensor

from daemon.config import TrimapSettings
from daemon.media.base import Frame
from daemon.trimaps.base import Trimap, TrimapSource
from daemon.trimaps.fitting import Fitting
from daemon.trimaps.shot import Shot
from dim_model.keying import keyed
from dim_model.screen import Screen, find_screen, with_hull
from dim_model.screen_plate import screen_plate

_SIDE = 480
"""Frames are searched for a screen at about so many lines: its colour does not hide in the detail."""

_OUTLINE = 9
"""Frames that the screen's outline is seen in: what stands before it in one stands elsewhere in another."""


class ChromaTrimap(TrimapSource):
    """What is not the screen is the subject; a band around the edge between them is unknown.

    With ``outside: drop`` what lies beyond the screen's hull over the shot, at the frame's edge and connected
    to nothing before the screen, is background: stands, a ceiling, the wall beside. ``keep`` keeps it.
    """

    name = "chroma"

    def __init__(
        self, screen: Screen, erode: int, dilate: int, fitting: Fitting, *, drop_outside: bool
    ) -> None:
        self._screen, self._erode, self._dilate, self._drop = screen, erode, dilate, drop_outside
        self._fitting = fitting
        colour = "#" + "".join(f"{round(255 * c):02x}" for c in screen.colour)
        self.why = f"a {screen.kind} screen of {colour} covers {screen.share:.0%} of the shot"

    @classmethod
    def of(cls, shot: Shot, settings: TrimapSettings) -> Self | None:
        screen: Screen | None
        if "screen" in shot.state:
            screen = Screen.from_dict(shot.state["screen"])
        else:
            step = max(1, shot.info.height // _SIDE)
            samples = torch.stack([look.view[:, ::step, ::step] for look in shot.samples()])
            if settings.screen != "auto":
                screen = Screen.from_hex(settings.screen, samples)
            else:
                screen = find_screen(samples)
            if screen is not None and settings.outside == "drop":
                screen = with_hull(screen, torch.stack(list(_spread(shot, step))))
        if screen is None:
            return None
        widths = settings.widths(shot.info.width, shot.info.height)
        fitting = Fitting.of(settings, shot.info, exact=True)
        return cls(screen, *widths, fitting, drop_outside=settings.outside == "drop")

    def trimap(self, frame: Frame, index: int, view: Tensor) -> Trimap:
        found = keyed(view, self._screen, self._erode, self._dilate, drop_outside=self._drop)
        values = self._fitting(view, found.trimap)
        clean = screen_plate(view, found.screen, values == 0.5) if found.screen.any() else None
        return Trimap(values, found.confidence, clean)

    def state(self) -> dict[str, Any]:
        return {"screen": self._screen.to_dict()}


def _spread(shot: Shot, step: int) -> Iterator[Tensor]:
    """Frames from all over the shot, every ``step``th pixel of them; the frames themselves are let go."""
    last = len(shot.info.numbers) - 1
    for position in sorted({round(n * last / (_OUTLINE - 1)) for n in range(_OUTLINE)}):
        yield next(shot.read(position, position + 1)).view[:, ::step, ::step].clone()
