"""Which source a clip's trimap comes from.

What a person made for the clip wins: a painted trimap, then a mask. Of what can be derived, the surest wins:
each of ``DERIVED`` makes the trimaps of a few frames and says how far they are to be relied on. A new source
is one file and one line here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from daemon.config import TrimapSettings
from daemon.trimaps.alpha import AlphaTrimap
from daemon.trimaps.base import TrimapError, TrimapSource
from daemon.trimaps.chroma import ChromaTrimap
from daemon.trimaps.clean import CleanTrimap
from daemon.trimaps.locked import LockedTrimap
from daemon.trimaps.painted import MaskTrimap, PaintedTrimap
from daemon.trimaps.segmenter import SegmenterTrimap
from daemon.trimaps.shot import Shot

Make = Callable[[Shot, TrimapSettings], TrimapSource | None]
"""Makes the source of a shot; None where the shot has nothing for it. Raises TrimapError."""

DERIVED: dict[str, Make] = {
    "clean": CleanTrimap.of,
    "alpha": AlphaTrimap.of,
    "chroma": ChromaTrimap.of,
    "locked": LockedTrimap.of,
    "segmenter": SegmenterTrimap.of,
}

SOURCES: dict[str, Make] = {"mask": MaskTrimap.of, **DERIVED}

_LACKING = {
    "trimap": "has no trimap; put {stem}_trimap beside it",
    "mask": "has no mask; put {stem}_mask beside it",
    "clean": "has no clean plate; put {stem}_clean beside it",
    "alpha": "has no alpha channel that is not opaque; choose another trimap source",
    "chroma": "shows no green or blue screen; name its colour as trimap: screen: '#rrggbb', "
    "or choose another trimap source",
    "locked": "has fewer than 8 frames, too few for its background to show; put {stem}_clean or {stem}_mask "
    "beside it, or choose another trimap source",
    "segmenter": "has no segmenter; name a model in the daemon's config as clip: trimap: segmenter: model:, "
    "with dimd matte as --model, or choose another trimap source",
}


def choose(shot: Shot, settings: TrimapSettings) -> TrimapSource:
    """The source that the settings name, or with ``auto`` the best there is; painted frames go before either.

    Raises TrimapError.
    """
    painted = shot.sidecars.get("trimap")
    if painted is None:
        return _unpainted(shot, settings)
    lacking = painted.lacking()
    if lacking is None:
        return PaintedTrimap(painted)
    if not painted.is_named or (settings.source == "trimap" and painted.lacking(shot.part)):
        raise lacking
    if settings.source == "trimap":
        return PaintedTrimap(painted, painted.keys())
    keys, beneath = painted.keys(), replace(shot, state=shot.state.get("beneath", {}))
    try:
        return PaintedTrimap(painted, keys, _unpainted(beneath, settings))
    except TrimapError as error:
        if settings.source != "auto" or {"mask", "clean"} & shot.sidecars.keys():
            raise  # it says what is wrong with the source that was given
        if set(shot.part) <= set(keys):
            return PaintedTrimap(painted, keys)
        raise painted.only(keys, shot.stem) from error


def _unpainted(shot: Shot, settings: TrimapSettings) -> TrimapSource:
    name = settings.source if settings.source != "auto" else shot.state.get("source")
    if name:
        source = SOURCES[name](shot, settings) if name in SOURCES else None
        if source is None:
            raise TrimapError(f"{shot.label}: {_LACKING[name].format(stem=shot.stem)}.")
        source.resumed(shot.state)
        return source
    return MaskTrimap.of(shot, settings) or _surest(shot, settings)


def _surest(shot: Shot, settings: TrimapSettings) -> TrimapSource:
    made = [source for make in DERIVED.values() if (source := make(shot, settings)) is not None]
    if not made:
        raise TrimapError(
            f"{shot.label}: has nothing to derive a trimap from; put {shot.stem}_trimap, {shot.stem}_mask "
            f"or {shot.stem}_clean beside it, or supply it with an alpha channel or before a green or blue "
            "screen."
        )
    found = [(_confidence(source, shot), source) for source in made]
    best, source = max(found, key=lambda each: each[0])
    if best < settings.confidence:
        tried = ", ".join(f"{source.name} {confidence:.2f}" for confidence, source in found)
        raise TrimapError(
            f"{shot.label}: no trimap of it can be relied on (confidence: {tried}; {settings.confidence:g} "
            f"is wanted); put {shot.stem}_trimap or {shot.stem}_mask beside it, or name a trimap source."
        )
    others = ", ".join(f"{other.name} {confidence:.2f}" for confidence, other in found if other is not source)
    source.why += f"; confidence {best:.2f}" + (f", against {others}" if others else "")
    return source


def _confidence(source: TrimapSource, shot: Shot) -> float:
    """Of the samples' trimaps, the mean."""
    found = [
        source.trimap(look.frame, look.index, look.view).confidence for look in shot.samples_of(source.serves)
    ]
    return sum(found) / len(found)
