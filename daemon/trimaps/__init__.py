"""Trimap sources by name, and the choice among them.

``auto`` takes the first that applies, in the order of ``SOURCES``: what a person painted beats what can be
derived. A new source is one file and one line here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from daemon.config import TrimapSettings
from daemon.media.base import ClipInfo, Frame
from daemon.trimaps.alpha import AlphaTrimap
from daemon.trimaps.base import TrimapError, TrimapSource
from daemon.trimaps.chroma import ChromaTrimap
from daemon.trimaps.clean import CleanTrimap
from daemon.trimaps.painted import MaskTrimap, PaintedTrimap
from daemon.trimaps.sidecar import Sidecar, fitted, grey
from dim_model.screen import Screen, find_screen

__all__ = ["SOURCES", "Shot", "Sidecar", "TrimapError", "TrimapSource", "choose", "fitted", "grey"]

_SCREEN_SIDE = 480
"""Frames are searched for a screen at about so many lines: its colour does not hide in the detail."""


@dataclass(frozen=True)
class Shot:
    """What a choice goes by.

    label: the plate, for messages. sidecars: by role ("trimap", "mask", "clean"). samples: reads a few frames
    from all over the shot, each with its position and its view; called at most once, and only where nothing
    was painted. state: of an earlier run.
    """

    label: str
    info: ClipInfo
    sidecars: Mapping[str, Sidecar]
    samples: Callable[[], Sequence[tuple[int, Frame, Tensor]]]
    state: Mapping[str, Any] = field(default_factory=dict)


def _painted(shot: Shot, settings: TrimapSettings) -> TrimapSource | None:
    sidecar = shot.sidecars.get("trimap")
    return PaintedTrimap(sidecar) if sidecar else None


def _mask(shot: Shot, settings: TrimapSettings) -> TrimapSource | None:
    sidecar = shot.sidecars.get("mask")
    return MaskTrimap(sidecar, *settings.widths(shot.info.width, shot.info.height)) if sidecar else None


def _clean(shot: Shot, settings: TrimapSettings) -> TrimapSource | None:
    sidecar = shot.sidecars.get("clean")
    if sidecar is None:
        return None
    source = CleanTrimap(sidecar, *settings.widths(shot.info.width, shot.info.height))
    source.check(shot.samples())
    return source


def _alpha(shot: Shot, settings: TrimapSettings) -> TrimapSource | None:
    if shot.info.channels != 4 or not any((frame.pixels[..., 3] < 1).any() for _, frame, _ in shot.samples()):
        return None
    # An alpha says itself where it is soft; the band only makes up for its being nearly right.
    erode, dilate = (width // 4 for width in settings.widths(shot.info.width, shot.info.height))
    return AlphaTrimap(erode, dilate)


def _chroma(shot: Shot, settings: TrimapSettings) -> TrimapSource | None:
    screen: Screen | None
    if settings.screen != "auto":
        screen = Screen.from_hex(settings.screen)
    elif "screen" in shot.state:
        screen = Screen.from_dict(shot.state["screen"])
    else:
        step = max(1, shot.info.height // _SCREEN_SIDE)
        screen = find_screen(torch.stack([view[:, ::step, ::step] for *_, view in shot.samples()]))
    return ChromaTrimap(screen, *settings.widths(shot.info.width, shot.info.height)) if screen else None


SOURCES: dict[str, Callable[[Shot, TrimapSettings], TrimapSource | None]] = {
    "trimap": _painted,
    "mask": _mask,
    "clean": _clean,
    "alpha": _alpha,
    "chroma": _chroma,
}

_LACKING = {
    "trimap": "has no trimap; put {stem}_trimap beside it",
    "mask": "has no mask; put {stem}_mask beside it",
    "clean": "has no clean plate; put {stem}_clean beside it",
    "alpha": "has no alpha channel that is not opaque; choose another trimap source",
    "chroma": "shows no green or blue screen; name its colour as trimap: screen: '#rrggbb', "
    "or choose another trimap source",
}


def choose(shot: Shot, settings: TrimapSettings, stem: str) -> TrimapSource:
    """The source that the settings name, or with ``auto`` the first that applies. Raises TrimapError."""
    if settings.source != "auto":
        source = SOURCES[settings.source](shot, settings)
        if source is None:
            raise TrimapError(f"{shot.label}: {_LACKING[settings.source].format(stem=stem)}.")
        return source
    for make in SOURCES.values():
        source = make(shot, settings)
        if source is not None:
            return source
    raise TrimapError(
        f"{shot.label}: has nothing to derive a trimap from; put {stem}_trimap, {stem}_mask or "
        f"{stem}_clean beside it, or supply it with an alpha channel or before a green or blue screen."
    )
